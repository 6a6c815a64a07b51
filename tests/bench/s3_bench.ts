import { randomBytes } from "node:crypto";
import { type ObjectKey, objectKey } from "../../src/blobs/blobs.ts";
import { S3Blobs } from "../../src/blobs/s3_blobs.ts";
import { Spool, type Spooled } from "../../src/blobs/spool.ts";
import type { S3Config } from "../../src/config/config.ts";
import type { Figure } from "./report.ts";

const OBJECTS = 2_000;
const AT_ONCE = 16;
const SMALL_BYTES = 10_000;
const LARGE_BYTES = 50_000_000;
const MEGABYTE = 1_000_000;

/** S3Blobs against the store of the tests, which checks every signature, in another isolate. */
export async function s3Bench(): Promise<Figure[]> {
  const store = new Worker(new URL("./s3_bench_store.ts", import.meta.url), { type: "module" });
  const folder = await Deno.makeTempDir();
  try {
    const { config } = await new Promise<{ readonly config: S3Config }>((resolve) => {
      store.onmessage = (event) => resolve(event.data);
    });
    using blobs = await S3Blobs.open(config);
    return [...await small(blobs), ...await large(blobs, folder)];
  } finally {
    store.terminate();
    await Deno.remove(folder, { recursive: true });
  }
}

async function small(blobs: S3Blobs): Promise<Figure[]> {
  const bodies: [ObjectKey, Spooled][] = [];
  for (let i = 0; i < OBJECTS; i++) {
    const body = await spooled(SMALL_BYTES, "");
    bodies.push([objectKey("bench@example.org", body.hash), body]);
  }
  await each(bodies.slice(0, 200), ([key, body]) => blobs.put(key, body)); // code is compiled
  const put = await each(bodies, ([key, body]) => blobs.put(key, body));
  const get = await each(bodies, ([key]) => blobs.get(key));
  const range = await each(bodies, ([key]) => blobs.range(key, 0, 1_000));
  const keys = bodies.map(([key]) => key);
  const begun = performance.now();
  await blobs.deleteMany(keys);
  const deleted = keys.length / (performance.now() - begun) * 1_000;
  return [
    { name: "PUT, 10 kB, 16 at once", value: put, unit: "/s", target: [">=", 200] },
    { name: "GET, 10 kB, 16 at once", value: get, unit: "/s", target: [">=", 200] },
    { name: "GET of 1 kB of them, 16 at once", value: range, unit: "/s" },
    { name: "deletions, 500 with a request", value: deleted, unit: "/s" },
  ];
}

async function large(blobs: S3Blobs, folder: string): Promise<Figure[]> {
  const body = await spooled(LARGE_BYTES, folder);
  const key = objectKey("bench@example.org", body.hash);
  const used = () => {
    const { external, heapUsed } = Deno.memoryUsage();
    return external + heapUsed;
  };
  const before = used();
  let most = before;
  const sampling = setInterval(() => most = Math.max(most, used()), 2);
  let begun = performance.now();
  await blobs.put(key, body);
  const put = LARGE_BYTES / MEGABYTE / (performance.now() - begun) * 1_000;
  clearInterval(sampling);
  const grown = (most - before) / MEGABYTE;
  begun = performance.now();
  await blobs.get(key);
  const get = LARGE_BYTES / MEGABYTE / (performance.now() - begun) * 1_000;
  await body.discard();
  return [
    { name: "PUT, 50 MB from a file", value: put, unit: "MB/s" },
    { name: "memory that it takes (heap, buffers)", value: grown, unit: "MB", target: ["<=", 20] },
    { name: "GET, 50 MB", value: get, unit: "MB/s" },
  ];
}

/** Random octets, written a megabyte at a time. */
async function spooled(sizeBytes: number, folder: string): Promise<Spooled> {
  const spool = new Spool(folder);
  for (let left = sizeBytes; left > 0; left -= MEGABYTE) {
    await spool.write(randomBytes(Math.min(left, MEGABYTE)));
  }
  return await spool.finish();
}

/** How many a second. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  const left = items.values();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const item of left) await work(item);
  }));
  return items.length / (performance.now() - begun) * 1_000;
}
