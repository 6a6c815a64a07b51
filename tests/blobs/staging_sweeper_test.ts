import assert from "node:assert/strict";
import { objectKey } from "../../src/blobs/blobs.ts";
import { Staging } from "../../src/blobs/staging.ts";
import { StagingSweeper } from "../../src/blobs/staging_sweeper.ts";
import { SteadyClock } from "../../src/lib/steady_clock.ts";
import { spooled } from "./contract.ts";
import { filesIn, type StagedBench, stagedBench } from "./staged.ts";

const HOUR_MS = 3_600_000;

function sweeperOf(
  { staging, pending, cache }: StagedBench,
  clock: { readonly now: number; readonly elapsed?: number },
): StagingSweeper {
  const started = Date.now();
  const times = { wall: started, elapsed: 0 };
  const steady = new SteadyClock(() => times.wall, () => times.elapsed);
  times.wall = clock.now;
  times.elapsed = clock.elapsed ?? clock.now - started;
  return new StagingSweeper({
    staging,
    cache,
    mayGo: async (files) => {
      const keys = files.map(({ key }) => key);
      const waiting = await pending.among(keys);
      return new Set(keys.filter((key) => !waiting.has(key)));
    },
    graceMs: HOUR_MS,
    clock: steady,
  });
}

async function put({ blobs, pending }: StagedBench, body: string) {
  const message = await spooled(body);
  const key = objectKey("user@example.com", message.hash);
  pending.record(await blobs.put(key, message));
  return { key, message };
}

Deno.test("StagingSweeper removes what is uploaded and old, and nothing else", async () => {
  await using bench = await stagedBench();
  const { staging, pending, folder, remote, blobs, cache } = bench;
  const uploaded = await put(bench, "uploaded");
  const waiting = await put(bench, "waits for its upload");
  await remote.put(uploaded.key, uploaded.message);
  pending.rows.delete(uploaded.key);
  assert.equal(staging.counts.get("bytes"), 28);
  await using young = sweeperOf(bench, { now: Date.now() + HOUR_MS - 60_000 });
  assert.equal(await young.round(), 0);
  await using old = sweeperOf(bench, { now: Date.now() + HOUR_MS + 60_000 });
  assert.equal(await old.round(), 1);
  assert.equal(staging.counts.get("bytes"), 20);
  assert.equal((await filesIn(`${folder}/uploads`)).length, 1);
  assert.deepEqual(await blobs.get(waiting.key), waiting.message.bytes);
  // It went into the cache, so that it is still here.
  assert.deepEqual(await cache.get(uploaded.key), uploaded.message.bytes);
  assert.deepEqual(await blobs.get(uploaded.key), uploaded.message.bytes);
  assert.equal(remote.reads, 0);
});

Deno.test("StagingSweeper takes nothing for old because the clock jumped", async () => {
  await using bench = await stagedBench();
  const { pending, folder } = bench;
  await put(bench, "staged, and its transaction is under way");
  pending.rows.clear();
  // Two years on the wall, a second in truth; and a clock that was set back.
  for (const years of [2, -2]) {
    await using sweeper = sweeperOf(bench, {
      now: Date.now() + years * 365 * 24 * HOUR_MS,
      elapsed: 1_000,
    });
    assert.equal(await sweeper.round(), 0);
  }
  assert.equal((await filesIn(`${folder}/uploads`)).length, 1);
});

Deno.test("a body that is staged while it is swept stays", async () => {
  await using bench = await stagedBench();
  const { staging, pending, blobs } = bench;
  for (let n = 0; n < 20; n++) {
    const { key, message } = await put(bench, `body ${n}`);
    pending.rows.delete(key);
    const path = (await Array.fromAsync(staging.files()))[0]?.path ?? "";
    const longAgo = new Date(Date.now() - 2 * HOUR_MS);
    await Deno.utime(path, longAgo, longAgo);
    const limit = Date.now() - HOUR_MS;
    const [, pendingNow] = await Promise.all([
      staging.removeOld({ key, sizeBytes: message.sizeBytes }, limit),
      blobs.put(key, message),
    ]);
    pending.record(pendingNow);
    assert.deepEqual(await staging.get(key), message.bytes, `round ${n}`);
    assert.ok(await staging.removeOld({ key, sizeBytes: message.sizeBytes }, Infinity));
    pending.rows.clear();
  }
});

Deno.test("a body that is staged while two remove it stays", async () => {
  await using bench = await stagedBench();
  const { staging, folder } = bench;
  const other = new Staging({ directory: `${folder}/uploads`, maxBytes: 0 });
  for (let n = 0; n < 40; n++) {
    const { key, message } = await put(bench, "twice");
    const path = (await Array.fromAsync(staging.files()))[0]?.path ?? "";
    const longAgo = new Date(Date.now() - 2 * HOUR_MS);
    await Deno.utime(path, longAgo, longAgo);
    const [file, limit] = [{ key, sizeBytes: message.sizeBytes }, Date.now() - HOUR_MS];
    let others: Promise<boolean> | undefined;
    // The first one has seen that its file is old; it comes again, and the other one takes it aside.
    await staging.removeOld(file, limit, async () => {
      await staging.put(key, message);
      others = other.removeOld(file, limit);
      for (let i = 0; i < n % 8; i++) await Deno.stat(folder); // At another of its steps each time.
      return false;
    });
    assert.equal(await others, false);
    assert.deepEqual(await staging.get(key), message.bytes, `round ${n}`);
  }
});

Deno.test("what a killed sweeper had taken aside is put back", async () => {
  await using bench = await stagedBench();
  const { staging, folder } = bench;
  const [one, two] = [await put(bench, "one"), await put(bench, "two")];
  const leaving = `${folder}/uploads/leaving/a-process`;
  await Deno.mkdir(leaving, { recursive: true });
  for await (const { path } of staging.files()) {
    await Deno.rename(path, `${leaving}${path.slice(path.lastIndexOf("/"))}`);
  }
  await put(bench, "two"); // It came again meanwhile.
  assert.equal(await staging.get(one.key), null);
  await using sweeper = sweeperOf(bench, { now: Date.now() });
  await sweeper.start();
  assert.deepEqual(await staging.get(one.key), one.message.bytes);
  assert.deepEqual(await staging.get(two.key), two.message.bytes);
  assert.deepEqual(await filesIn(`${folder}/uploads/leaving`), []);
});

Deno.test("SteadyClock never runs ahead", () => {
  const times = { wall: 1_000_000, elapsed: 50 };
  const clock = new SteadyClock(() => times.wall, () => times.elapsed);
  assert.equal(clock.now(), 1_000_000);
  times.elapsed += 10;
  times.wall += 10;
  assert.equal(clock.now(), 1_000_010);
  times.wall += 86_400_000;
  assert.equal(clock.now(), 1_000_010);
  times.wall = 5;
  assert.equal(clock.now(), 5);
});
