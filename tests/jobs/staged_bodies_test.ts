import assert from "node:assert/strict";
import { type ObjectKey, objectKey } from "../../src/blobs/blobs.ts";
import { StagedBlobs } from "../../src/blobs/staged_blobs.ts";
import { StagedBodies } from "../../src/jobs/staged_bodies.ts";
import { UploadBatch } from "../../src/jobs/upload_batch.ts";
import { logger } from "../../src/observe/log.ts";
import { sql } from "../../src/store/database.ts";
import { whichArePending } from "../../src/store/stored_bodies.ts";
import { UploadStore } from "../../src/store/uploads.ts";
import { spooled } from "../blobs/contract.ts";
import { stagedBench } from "../blobs/staged.ts";
import { type Fixture, openFixture, someFacts, someMessage } from "../store/fixture.ts";

/** A node that delivers and uploads; `mayGo` says what its sweeper may forget of what is staged. */
async function node(it: Fixture) {
  const uploads = new UploadStore(it.db);
  const bench = await stagedBench({ pending: uploads });
  const { staging, cache, metrics, remote } = bench;
  const parts = { staging, cache, metrics, remote, instanceId: "here" };
  const blobs = new StagedBlobs({
    ...parts,
    pending: uploads,
    durability: "spool",
    graceMs: 3_600_000,
  });
  const batch = new UploadBatch({
    ...{ ...parts, db: it.db, uploads },
    concurrency: 2,
    verify: true,
  });
  const bodies = new StagedBodies({ db: it.db, remote, instanceId: "here", log: logger("test") });
  return {
    remote,
    async stage(text: string): Promise<ObjectKey> {
      const body = await spooled(text);
      const key = objectKey("owner@example.com", body.hash);
      const pending = await blobs.put(key, body);
      const facts = someFacts({ sizeBytes: body.sizeBytes });
      await it.messages.append(
        someMessage(it.inbox, { hash: body.hash, objectKey: key, facts, pending }),
      );
      return key;
    },
    async upload(): Promise<void> {
      const leased = await uploads.lease("here", { worker: "here/1", leaseMs: 60_000, limit: 10 });
      for (const { kind } of (await batch.run(leased, new AbortController().signal)).values()) {
        assert.equal(kind, "uploaded");
      }
    },
    async mayGo(): Promise<ObjectKey[]> {
      return [...await bodies.mayGo(await Array.fromAsync(staging.files()))].sort();
    },
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
}

Deno.test("a staged body may go when the object store has it, or when nobody needs it", async () => {
  await using it = await openFixture();
  await using here = await node(it);
  const key = await here.stage("one");
  assert.deepEqual(await here.mayGo(), [], "not uploaded yet");
  await here.upload();
  assert.deepEqual(await here.mayGo(), [key]);
  here.remote.isDown = true;
  assert.deepEqual(await here.mayGo(), [], "nobody knows");
  here.remote.isDown = false;
  await it.db.write(sql`DELETE FROM message_state`);
  await it.db.write(sql`DELETE FROM messages`);
  await here.remote.delete(key);
  assert.deepEqual(await here.mayGo(), [key], "no message needs it");
});

Deno.test("a body that the object store has lost since it was uploaded is uploaded again", async () => {
  await using it = await openFixture();
  await using here = await node(it);
  const [lost, kept] = [await here.stage("lost"), await here.stage("kept")];
  await here.upload();
  // What a DELETE does that we gave up, and that was carried out all the same.
  await here.remote.delete(lost);
  assert.deepEqual(await here.mayGo(), [kept]);
  assert.deepEqual([...await whichArePending(it.db, [lost, kept])], [lost]);
  await here.upload();
  assert.ok(await here.remote.get(lost));
  assert.deepEqual(await here.mayGo(), [lost, kept].sort());
});
