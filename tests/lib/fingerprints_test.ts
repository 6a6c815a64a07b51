import assert from "node:assert/strict";
import { Fingerprints } from "../../src/lib/fingerprints.ts";

Deno.test("Fingerprints know what was added, and nothing else", () => {
  const prints = new Fingerprints();
  assert.equal(prints.has("1"), false);
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 2_000; i++) prints.add(`${round}/${i}`);
    for (let i = 0; i < 2_000; i++) {
      assert.ok(prints.has(`${round}/${i}`) && prints.has(`0/${i}`));
      assert.equal(prints.has(`${round + 1}/${i}`), false);
    }
  }
});
