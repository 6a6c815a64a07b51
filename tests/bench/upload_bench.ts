import { createHash } from "node:crypto";
import { objectKey } from "../../src/blobs/blobs.ts";
import { BodyCache } from "../../src/blobs/body_cache.ts";
import type { Hash } from "../../src/lib/ids.ts";
import { S3Server } from "../support/s3_server.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { lmtpBench } from "./lmtp_bench.ts";
import type { Figure } from "./report.ts";

const PASSWORD = "correct horse battery";
const RECIPIENTS = 16;
const DELIVERIES = 4_000;
const WARM = 1_000;

/** Delivery with an object store and without, uploads, and reading from the cache. */
export async function uploadBench(): Promise<Figure[]> {
  await using bucket = S3Server.start();
  const s3 = `${bucket.section('breaker_open = "1s"')}
[uploader]
retry_interval = "500ms"
`;
  const onDisk = await delivering("", () => Promise.resolve([]));
  const staged = await delivering(s3, (server) => draining(server, bucket));
  const stored = await delivering(`${s3}durability = "stored"\n`, () => Promise.resolve([]));
  const database = await delivering(`${s3}durability = "database"\n`, () => Promise.resolve([]));
  const of = (rate: number) => 100 * rate / onDisk.rate;
  return [
    { name: "delivery, bodies on disk", value: onDisk.rate, unit: "messages/s" },
    { name: "delivery, spool", value: staged.rate, unit: "messages/s" },
    { name: "delivery, spool, of that", value: of(staged.rate), unit: "%", target: [">=", 80] },
    { name: "delivery, database", value: database.rate, unit: "messages/s" },
    { name: "delivery, stored", value: stored.rate, unit: "messages/s" },
    ...staged.more,
    ...await cached(),
  ];
}

async function delivering(
  extra: string,
  then: (server: TestServer) => Promise<Figure[]>,
): Promise<{ readonly rate: number; readonly more: Figure[] }> {
  await using server = await startServer({ extra });
  const recipients = Array.from({ length: RECIPIENTS }, (_, n) => `bench${n}@example.org`);
  for (const address of recipients) await server.createAccount(address, PASSWORD);
  const load = { port: server.lmtpPort, recipients, connections: 16, sizeBytes: 10_000 };
  await lmtpBench({ ...load, messages: WARM });
  const [figure] = await lmtpBench({ ...load, messages: DELIVERIES });
  return { rate: figure?.value ?? 0, more: await then(server) };
}

/** A backlog that is sent while nothing comes in. */
async function draining(server: TestServer, bucket: S3Server): Promise<Figure[]> {
  const count = () => [...bucket.objects.keys()].filter((key) => /[0-9a-f]{64}$/.test(key)).length;
  const all = WARM + DELIVERIES;
  const began = performance.now();
  const left = all - count();
  while (count() < all) await new Promise((resolve) => setTimeout(resolve, 20));
  const lag = (performance.now() - began) / 1000;
  bucket.objects.clear();
  bucket.fault = () => new Response(null, { status: 503 });
  const recipients = Array.from({ length: RECIPIENTS }, (_, n) => `bench${n}@example.org`);
  const load = { port: server.lmtpPort, recipients, connections: 16, sizeBytes: 10_000 };
  await lmtpBench({ ...load, messages: DELIVERIES });
  bucket.fault = () => undefined;
  while (count() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const first = count();
  const since = performance.now();
  while (count() < DELIVERIES) await new Promise((resolve) => setTimeout(resolve, 20));
  const rate = (DELIVERIES - first) / ((performance.now() - since) / 1000);
  return [
    { name: "not uploaded yet when the last delivery was done", value: left, unit: "objects" },
    { name: "uploaded after", value: lag, unit: "s" },
    { name: "uploads of 10 kB", value: rate, unit: "objects/s", target: [">=", 200] },
  ];
}

/** Bodies from the cache, each checked against its hash. */
async function cached(): Promise<Figure[]> {
  const directory = await Deno.makeTempDir();
  try {
    const cache = new BodyCache({ directory, capacityBytes: 1e9, maxObjectBytes: 5e6 });
    const figures: Figure[] = [];
    for (const [size, count] of [[10_000, 2_000], [1_000_000, 100]] as const) {
      const keys = [];
      for (let n = 0; n < count; n++) {
        const body = new Uint8Array(size).fill(n % 256);
        body.set(new TextEncoder().encode(`message ${n} of ${size}`));
        const hash = createHash("sha256").update(body).digest("hex") as Hash;
        const key = objectKey("bench@example.org", hash);
        await cache.put(key, body);
        keys.push(key);
      }
      const since = performance.now();
      let bytes = 0;
      for (const key of keys) bytes += (await cache.get(key))?.length ?? 0;
      const value = bytes / 1e6 / ((performance.now() - since) / 1000);
      figures.push({
        name: `cached bodies of ${size} octets`,
        value,
        unit: "MB/s",
        target: [">=", 60],
      });
    }
    return figures;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
