import assert from "node:assert/strict";
import { type ObjectKey, objectKey } from "../../src/blobs/blobs.ts";
import { BodyCache, CACHE_COUNTS } from "../../src/blobs/body_cache.ts";
import { cacheContent, CachePurger, emptyCache } from "../../src/blobs/cache_purger.ts";
import { readCacheReport, writeCacheReport } from "../../src/blobs/cache_report.ts";
import { instanceIdOf } from "../../src/blobs/instance_id.ts";
import { SharedCounts } from "../../src/lib/shared_counts.ts";
import { sha256 } from "./contract.ts";
import { filesIn } from "./staged.ts";

const MINUTE_MS = 60_000;

async function inCache(
  work: (bench: { cache: BodyCache; purger: CachePurger; folder: string }) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const counts = new SharedCounts(CACHE_COUNTS);
  const cache = new BodyCache({
    directory: folder,
    capacityBytes: 100_000,
    maxObjectBytes: 10_000,
    counts,
  });
  await using purger = new CachePurger({
    directory: folder,
    capacityBytes: 100_000,
    maxAgeMs: 30 * 24 * 60 * MINUTE_MS,
    intervalMs: 1e9,
    counts,
  });
  try {
    await work({ cache, purger, folder });
  } finally {
    await purger[Symbol.asyncDispose]();
    await Deno.remove(folder, { recursive: true });
  }
}

function body(n: number, bytes = 10_000): { key: ObjectKey; bytes: Uint8Array } {
  const octets = new Uint8Array(bytes).fill(n);
  return { key: objectKey(`u${n}@example.com`, sha256(octets)), bytes: octets };
}

/** As if it had been read so long ago. */
async function age(folder: string, key: ObjectKey, ms: number): Promise<void> {
  const hash = key.slice(-64);
  const [path = ""] = (await filesIn(folder)).filter((file) => file.includes(`/${hash}.`));
  const time = new Date(Date.now() - ms);
  await Deno.utime(path, time, time);
}

Deno.test("BodyCache gives back whole bodies and pieces, to every isolate, after a restart, too", async () => {
  await inCache(async ({ cache, folder }) => {
    const { key, bytes } = body(1);
    assert.equal(await cache.get(key), null);
    await cache.put(key, bytes);
    const again = new BodyCache({ directory: folder, capacityBytes: 1e6, maxObjectBytes: 1e5 });
    for (const one of [cache, again]) {
      assert.deepEqual(await one.range(key, 5, 9), bytes.subarray(5, 9));
      assert.deepEqual(await one.range(key, 5, 9), bytes.subarray(5, 9));
      assert.deepEqual(await one.get(key), bytes);
      assert.equal(await one.size(key), 10_000);
      assert.equal(await one.range(key, 9_000, 10_001), null);
    }
    assert.equal(cache.counts.get("bytes"), 10_000);
    await cache.put(key, bytes);
    assert.equal(cache.counts.get("bytes"), 10_000);
    await cache.delete(key);
    assert.equal(cache.counts.get("bytes"), 0);
    assert.equal(await cache.get(key), null);
  });
});

Deno.test("BodyCache keeps nothing too large, and no more than it may while nobody makes room", async () => {
  await inCache(async ({ cache }) => {
    const large = body(1, 10_001);
    await cache.put(large.key, large.bytes);
    assert.equal(await cache.has(large.key), false);
    for (let n = 0; n < 20; n++) await cache.put(body(n).key, body(n).bytes);
    assert.equal(cache.counts.get("bytes"), 110_000);
  });
});

Deno.test("BodyCache in trouble is an empty cache", async () => {
  await inCache(async ({ folder }) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    const cache = new BodyCache({
      directory: `${folder}/file`,
      capacityBytes: 1e6,
      maxObjectBytes: 1e5,
    });
    const { key, bytes } = body(1);
    await cache.put(key, bytes);
    assert.equal(await cache.get(key), null);
    assert.equal(await cache.range(key, 0, 1), null);
    assert.equal(await cache.adopt(key, `${folder}/nothing`), false);
    await cache.delete(key);
  });
});

Deno.test("CachePurger removes what was read least recently, down to nine tenths", async () => {
  await inCache(async ({ cache, purger, folder }) => {
    for (let n = 0; n < 11; n++) {
      const { key, bytes } = body(n);
      await cache.put(key, bytes);
      await age(folder, key, (20 - n) * 5 * MINUTE_MS);
    }
    await cache.get(body(0).key); // The oldest, and it is read now.
    await purger.round();
    const kept: number[] = [];
    for (let n = 0; n < 11; n++) if (await cache.has(body(n).key)) kept.push(n);
    assert.deepEqual(kept, [0, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert.equal(cache.counts.get("bytes"), 90_000);
    assert.equal(cache.counts.get("evicted"), 2);
    await purger.round();
    assert.equal(cache.counts.get("bytes"), 90_000);
    assert.equal((await cacheContent(folder)).files, 9);
    assert.deepEqual((await emptyCache(folder)).bytes, 90_000);
    assert.deepEqual(await cacheContent(folder), { files: 0, bytes: 0, oldest: null });
  });
});

Deno.test("CachePurger removes what nobody has read for long, and counts what is there", async () => {
  await inCache(async ({ cache, purger, folder }) => {
    for (const n of [1, 2]) await cache.put(body(n).key, body(n).bytes);
    await age(folder, body(1).key, 31 * 24 * 60 * MINUTE_MS);
    cache.counts.set("bytes", 0); // A process that has just started.
    await purger.round();
    assert.equal(await cache.has(body(1).key), false);
    assert.equal(cache.counts.get("bytes"), 10_000);
  });
});

Deno.test("the numbers of a cache are there for sora-admin", async () => {
  await inCache(async ({ cache, folder }) => {
    assert.equal(await readCacheReport(folder), null);
    await cache.put(body(1).key, body(1).bytes);
    await cache.get(body(1).key);
    assert.equal(await cache.get(body(2).key), null);
    cache.countMiss();
    await writeCacheReport(folder, cache.counts);
    const report = await readCacheReport(folder);
    assert.equal(report?.hits, 1);
    assert.equal(report?.misses, 1);
    await Deno.writeTextFile(`${folder}/report.json`, `{"hits":`);
    assert.equal(await readCacheReport(folder), null);
  });
});

Deno.test("instanceIdOf() makes one identity, whoever asks first, and keeps it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const ids = await Promise.all(Array.from({ length: 10 }, () => instanceIdOf(folder)));
    assert.equal(new Set(ids).size, 1);
    assert.match(ids[0] ?? "", /^[0-9a-f-]{36}$/);
    assert.deepEqual((await filesIn(folder)).length, 1);
    await Deno.writeTextFile(`${folder}/instance-id`, "mail-1\n");
    assert.equal(await instanceIdOf(folder), "mail-1");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
