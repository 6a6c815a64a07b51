import assert from "node:assert/strict";
import { resultChanges } from "../../../src/imap/commands/search/result_changes.ts";
import { atOnce } from "../../../src/lib/steps.ts";

type Pairs = readonly (readonly [position: number, uids: readonly number[]])[];

const cases: readonly (readonly [
  before: readonly number[],
  after: readonly number[],
  removed: Pairs,
  added: Pairs,
])[] = [
  [[], [], [], []],
  [[], [5, 3], [], [[1, [5, 3]]]],
  [[5, 3], [], [[1, [5, 3]]], []],
  // RFC 5267 §4.3.3.
  [[2734, 2735], [2731, 2732, 2733, 2734, 2735], [], [[1, [2731, 2732, 2733]]]],
  [[1, 2, 3, 4, 5], [1, 3, 5], [[4, [4]], [2, [2]]], []],
  [[1, 3, 5], [1, 2, 3, 4, 5, 6], [], [[2, [2]], [4, [4]], [6, [6]]]],
  [[9, 1, 2], [1, 2, 7], [[1, [9]]], [[3, [7]]]],
  [[7, 7_000, 8], [7, 8], [[2, [7_000]]], []],
  [[1, 2, 3], [3, 1, 2], [[1, [1, 2]]], [[2, [1, 2]]]],
];

for (const [before, after, removed, added] of cases) {
  Deno.test(`from (${before}) to (${after})`, () => {
    const changes = atOnce(resultChanges(Uint32Array.from(before), Uint32Array.from(after)));
    const pairs = (runs: typeof changes.removed) =>
      runs.map(({ position, uids }) => [position, uids]);
    assert.deepEqual(pairs(changes.removed), removed);
    assert.deepEqual(pairs(changes.added), added);
    const list = [...before];
    for (const { position, uids } of changes.removed) list.splice(position - 1, uids.length);
    for (const { position, uids } of changes.added) list.splice(position - 1, 0, ...uids);
    assert.deepEqual(list, after);
  });
}
