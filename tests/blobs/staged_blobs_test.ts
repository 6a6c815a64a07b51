import assert from "node:assert/strict";
import { type ObjectKey, objectKey } from "../../src/blobs/blobs.ts";
import type { Spooled } from "../../src/blobs/spool.ts";
import { Refused } from "../../src/lib/refused.ts";
import { spooled, testBlobs } from "./contract.ts";
import { filesIn, type StagedBench, stagedBench } from "./staged.ts";

const isUnavailable = (error: unknown) =>
  error instanceof Refused && error.refusal.kind === "unavailable";

// WHY below 0: what was staged in this very millisecond may go, too.
testBlobs("StagedBlobs", () => stagedBench({ graceMs: -1_000 }));
testBlobs("StagedBlobs, stored", () => stagedBench({ graceMs: -1_000, durability: "stored" }));

async function put(
  { blobs, pending }: StagedBench,
  body: string | Uint8Array,
  options: Parameters<StagedBench["blobs"]["put"]>[2] = {},
): Promise<{ key: ObjectKey; message: Spooled }> {
  const message = await spooled(body);
  const key = objectKey("user@example.com", message.hash);
  pending.record(await blobs.put(key, message, options));
  return { key, message };
}

/** What the uploader and the sweeper do. */
async function upload({ staging, remote, pending }: StagedBench, key: ObjectKey): Promise<void> {
  const row = pending.rows.get(key);
  const body = await staging.open(key, row?.sizeBytes ?? 0);
  assert.ok(body);
  await remote.put(key, body);
  pending.rows.delete(key);
  assert.ok(await staging.removeOld({ key, sizeBytes: body.sizeBytes }, Infinity));
}

Deno.test("StagedBlobs reads a body before, during and after its upload", async () => {
  await using bench = await stagedBench();
  const { blobs, remote, cache } = bench;
  const { key, message } = await put(bench, "0123456789");
  assert.equal(await remote.exists(key), false);
  for (const isDown of [false, true]) {
    remote.isDown = isDown;
    assert.deepEqual(await blobs.get(key), message.bytes);
    assert.deepEqual(await blobs.range(key, 2, 4), message.bytes?.subarray(2, 4));
    assert.equal(await blobs.size(key), 10);
  }
  assert.equal(remote.reads, 0);
  remote.isDown = false;
  await upload(bench, key);
  assert.deepEqual(await blobs.range(key, 2, 4), message.bytes?.subarray(2, 4));
  assert.deepEqual(await blobs.get(key), message.bytes);
  assert.equal(remote.reads, 2);
  // Now it is in the cache.
  remote.isDown = true;
  assert.deepEqual(await blobs.get(key), message.bytes);
  assert.deepEqual(await blobs.range(key, 2, 4), message.bytes?.subarray(2, 4));
  assert.equal(await blobs.size(key), 10);
  assert.equal(remote.reads, 2);
  await cache.delete(key);
  await assert.rejects(blobs.get(key), isUnavailable);
  await assert.rejects(blobs.range(key, 2, 4), isUnavailable);
  await assert.rejects(blobs.size(key), isUnavailable);
});

Deno.test("StagedBlobs fetches a body once, however many ask for it", async () => {
  await using bench = await stagedBench();
  const { key, message } = await put(bench, "wanted by many");
  await upload(bench, key);
  const got = await Promise.all(Array.from({ length: 100 }, () => bench.blobs.get(key)));
  assert.ok(got.every((body) => body?.length === message.sizeBytes));
  assert.equal(bench.remote.reads, 1);
});

Deno.test("StagedBlobs with durability database needs neither this machine nor the object store", async () => {
  await using bench = await stagedBench({ durability: "database" });
  bench.remote.isDown = true;
  const { key, message } = await put(bench, "kept by the database");
  assert.deepEqual(await filesIn(`${bench.folder}/uploads`), []);
  assert.deepEqual(bench.pending.rows.get(key), {
    objectKey: key,
    sizeBytes: 20,
    instanceId: null,
    body: message.bytes,
  });
  await using other = await bench.another();
  for (const blobs of [bench.blobs, other.blobs]) {
    assert.equal(await blobs.size(key), 20);
    assert.deepEqual(await blobs.range(key, 5, 7), message.bytes?.subarray(5, 7));
    assert.deepEqual(await blobs.get(key), message.bytes);
  }
  for (const size of [300_000, 2_000_000]) {
    const large = await spooled(new Uint8Array(size), { memoryMax: 10, folder: bench.folder });
    const largeKey = objectKey("user@example.com", large.hash);
    const pending = await bench.blobs.put(largeKey, large);
    assert.equal(pending.body?.length, size);
    bench.remote.isDown = false;
    // What would be long in a statement is in the object store at once, if it can be.
    const again = await bench.blobs.put(largeKey, large);
    assert.equal(again.body === null, size > 1_000_000);
    assert.equal(await bench.remote.exists(largeKey), size > 1_000_000);
    bench.remote.isDown = true;
    await large.discard();
  }
});

Deno.test("StagedBlobs with durability stored is done when the object is there", async () => {
  await using bench = await stagedBench();
  const { key } = await put(bench, "stored", { durability: "stored" });
  assert.equal(await bench.remote.exists(key), true);
  assert.equal(bench.pending.rows.get(key)?.instanceId, "here");
  // Somebody removed it as unused before the message was there: the staged one goes there again.
  await bench.remote.delete(key);
  await upload(bench, key);
  assert.equal(await bench.remote.exists(key), true);
  bench.remote.isDown = true;
  await assert.rejects(put(bench, "not stored", { durability: "stored" }), isUnavailable);
});

Deno.test("StagedBlobs says unavailable, not missing, of what another node has staged", async () => {
  await using bench = await stagedBench();
  await using other = await bench.another();
  const { key, message } = await put(bench, "only here");
  await assert.rejects(other.blobs.get(key), isUnavailable);
  await assert.rejects(other.blobs.range(key, 0, 1), isUnavailable);
  await assert.rejects(other.blobs.size(key), isUnavailable);
  await upload(bench, key);
  assert.deepEqual(await other.blobs.get(key), message.bytes);
});

Deno.test("StagedBlobs counts what is nowhere, and calls it missing only then", async () => {
  await using bench = await stagedBench();
  const { blobs, pending, metrics } = bench;
  const { key } = await put(bench, "lost");
  for (const file of await filesIn(bench.folder)) await Deno.remove(file);
  await assert.rejects(blobs.get(key), isUnavailable);
  pending.rows.clear();
  assert.equal(await blobs.get(key), null);
  const [{ value } = { value: 0 }] = (await metrics.bodiesMissingTotal.get()).values;
  assert.equal(value, 1);
});

Deno.test("StagedBlobs finds a body that is uploaded and forgotten while it looks", async () => {
  await using bench = await stagedBench();
  const { remote, pending, staging, blobs } = bench;
  const { key, message } = await put(bench, "on its way");
  const file = await staging.open(key, message.sizeBytes);
  assert.ok(file && await staging.removeOld({ key, sizeBytes: message.sizeBytes }, Infinity));
  const find = pending.find.bind(pending);
  pending.find = async (wanted) => {
    await remote.put(key, message);
    pending.rows.clear();
    return await find(wanted);
  };
  assert.deepEqual(await blobs.get(key), message.bytes);
});

Deno.test("StagedBlobs passes over damaged files, and never gives them out", async () => {
  await using bench = await stagedBench();
  const { blobs, remote, folder, staging } = bench;
  const { key, message } = await put(bench, "0123456789");
  const [staged = ""] = await filesIn(`${folder}/uploads`);
  for (const damage of ["", "012345678", "0123456780", "01234567890"]) {
    await Deno.writeTextFile(staged, damage);
    await assert.rejects(blobs.get(key), isUnavailable, damage);
    await assert.rejects(staging.open(key, 10), /damaged/);
  }
  await remote.put(key, message);
  assert.deepEqual(await blobs.get(key), message.bytes);
  const [cached = ""] = await filesIn(`${folder}/cache`);
  await Deno.remove(staged);
  for (const damage of ["", "012345678", "0123456780", "01234567890"]) {
    await Deno.writeTextFile(cached, damage);
    assert.deepEqual(await blobs.get(key), message.bytes, damage);
    assert.equal(await Deno.readTextFile(cached), "0123456789");
  }
});

Deno.test("StagedBlobs takes no more than its folder may hold", async () => {
  await using bench = await stagedBench({ maxBytes: 25 });
  const { key } = await put(bench, "0123456789");
  await put(bench, "1123456789");
  await assert.rejects(put(bench, "2123456789"), { refusal: { kind: "storage-full" } });
  await put(bench, "2123456789", { durability: "database" });
  await upload(bench, key);
  await put(bench, "3123456789");
});

Deno.test("StagedBlobs.delete() leaves alone what was staged a moment ago", async () => {
  await using bench = await stagedBench();
  const { key, message } = await put(bench, "comes again");
  await upload(bench, key);
  // The cleaner has seen that nobody needs the object; and now the same mail comes.
  await put(bench, "comes again");
  await bench.blobs.delete(key);
  assert.equal(await bench.remote.exists(key), false);
  assert.deepEqual(await bench.blobs.get(key), message.bytes);
  await upload(bench, key);
  await bench.blobs.delete(key);
  bench.pending.rows.clear();
  assert.equal(await bench.blobs.get(key), null);
});

Deno.test("StagedBlobs.copy() stages the copy, wherever the body is", async () => {
  await using bench = await stagedBench();
  const { blobs, remote, pending } = bench;
  const large = new Uint8Array(2_500_000).map((_, i) => i % 253);
  for (const body of ["small", large]) {
    const { key, message } = await put(bench, body);
    const [one, two] = ["one", "two"].map((name) => objectKey(`${name}@x.org`, message.hash));
    assert.ok(one && two);
    pending.record(await blobs.copy(key, one));
    await upload(bench, key);
    pending.record(await blobs.copy(key, two));
    remote.isDown = true;
    for (const copy of [one, two]) {
      assert.equal(pending.rows.get(copy)?.sizeBytes, message.sizeBytes);
      assert.equal((await blobs.get(copy))?.length, message.sizeBytes);
    }
    remote.isDown = false;
  }
});
