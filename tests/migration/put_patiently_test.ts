import assert from "node:assert/strict";
import { objectKey } from "../../src/blobs/blobs.ts";
import { Spool } from "../../src/blobs/spool.ts";
import type { Hash } from "../../src/lib/ids.ts";
import { type Refusal, Refused } from "../../src/lib/refused.ts";
import { putPatiently } from "../../src/migration/put_patiently.ts";

Deno.test("putPatiently() waits for room, and for nothing else", async () => {
  const body = await new Spool("/nowhere").finish();
  const key = objectKey("a@example.com", "0".repeat(64) as Hash);
  const answers: Refusal[] = [];
  answers.push({ kind: "storage-full" }, { kind: "storage-full" });
  const blobs = {
    async put() {
      const refusal = answers.shift();
      if (refusal) throw new Refused(refusal);
      return null;
    },
  };
  assert.equal(await putPatiently(blobs, key, body, { pauseMs: 1 }), null);
  assert.equal(answers.length, 0);
  answers.push({ kind: "unavailable", what: "bodies" });
  await assert.rejects(putPatiently(blobs, key, body, { pauseMs: 1 }), Refused);
});
