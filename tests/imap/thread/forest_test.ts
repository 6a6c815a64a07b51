import assert from "node:assert/strict";
import fc from "fast-check";
import { Forest } from "../../../src/imap/commands/thread/forest.ts";
import { NONE } from "../../../src/lib/number_list.ts";

const NODES = 30;
const node = fc.nat(NODES - 1);

Deno.test("Forest links and cuts like parents in a list, and never makes a loop", () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ parent: node, child: node }) },
    { weight: 1, arbitrary: fc.record({ cut: node }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const forest = new Forest();
      const parents = Array.from({ length: NODES }, () => NONE);
      for (let n = 0; n < NODES; n++) assert.equal(forest.add(), n);
      for (const each of steps) {
        if ("cut" in each) {
          forest.cut(each.cut);
          parents[each.cut] = NONE;
        } else if (parents[each.child] === NONE) {
          const isLoop = ancestors(parents, each.parent).includes(each.child);
          assert.equal(forest.link(each.parent, each.child), !isLoop);
          if (!isLoop) parents[each.child] = each.parent;
        }
      }
      assert.deepEqual(parents.map((_, n) => forest.parentOf(n)), parents);
    }),
    { numRuns: 500 },
  );
});

/** The node itself first. */
function ancestors(parents: readonly number[], node: number): number[] {
  const found: number[] = [];
  for (let at = node; at !== NONE; at = parents[at] ?? NONE) found.push(at);
  return found;
}

/** A loop check that walks takes minutes for this. */
const DEEP = 100_000;

Deno.test("Forest: linking below a deep tree costs no walk", () => {
  const forest = new Forest();
  for (let n = 0; n < DEEP; n++) {
    forest.add();
    if (n > 0) assert.ok(forest.link(n - 1, n));
  }
  for (let n = 0; n < DEEP; n++) {
    const root = forest.add();
    const child = forest.add();
    assert.ok(forest.link(root, child));
    assert.ok(forest.link(DEEP - 1, root));
    assert.ok(!forest.link(child, 0));
  }
});
