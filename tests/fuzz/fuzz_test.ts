import assert from "node:assert/strict";
import { targets } from "./main.ts";

/** Ten seconds in all: the same code as `deno task fuzz`, from fixed seeds. */
const EACH_MS = 10_000 / targets.length;

for (const target of targets) {
  Deno.test(`fuzz ${target.name}`, async () => {
    const tried = await target.run(20261120, Date.now() + EACH_MS);
    assert.ok(tried > 0);
  });
}
