import assert from "node:assert/strict";
import { target } from "../fuzz/message.ts";

for (const seed of [1, 2, 3]) {
  Deno.test(`any octets give a valid message, seed ${seed}`, async () => {
    assert.ok(await target.run(seed, Date.now() + 700) > 0);
  });
}
