import { randomBytes } from "node:crypto";
import { type ObjectKey, objectKey } from "../../src/blobs/blobs.ts";
import { BodyKeys } from "../../src/blobs/body_keys.ts";
import { EncryptedBlobs } from "../../src/blobs/encrypted_blobs.ts";
import { MemoryBlobs } from "../../src/blobs/memory_blobs.ts";
import { spooledFrom } from "../../src/blobs/spooled_from.ts";
import type { Hash } from "../../src/lib/ids.ts";
import { type Figure, median } from "./report.ts";

/**
 * WHY 140: a body FETCH of 60 MB/s (the target without encryption) is then still one of 42 MB/s, which is
 * 30 % less, if nothing else were done meanwhile.
 */
const WANTED_MB_PER_S = 140;
const RUNS = 5;
const STREAM_BYTES = 256 * 1024;

/** What encryption costs, without network and disks: bodies in memory. */
export async function encryptionBench(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [name, sizeBytes, bodies] of [["10 kB", 10_000, 1_000], ["20 MB", 20_000_000, 3]]) {
    const keys = new BodyKeys({
      encrypt: true,
      encryptionKeys: [{ id: "bench", key: "0123456789abcdef".repeat(4) }],
      encryptionCurrent: "bench",
    });
    const inner = new MemoryBlobs();
    const blobs = new EncryptedBlobs({ inner, keys, allowPlain: false });
    const all = await makeBodies(Number(sizeBytes), Number(bodies));
    const total = Number(sizeBytes) * Number(bodies);
    const put = await middle(total, async () => {
      for (const { key, body } of all) await blobs.put(key, body, { overwrite: true });
    });
    const get = await middle(total, async () => {
      for (const { key } of all) await blobs.get(key);
    });
    const range = await middle(total, async () => {
      for (const { key } of all) await readInPieces(blobs, key, Number(sizeBytes));
    });
    figures.push(
      { name: `encrypt bodies of ${name}`, value: put, unit: "MB/s" },
      rate(`decrypt bodies of ${name}, hash checked`, get),
      rate(`decrypt bodies of ${name} in pieces of 256 KiB`, range),
    );
  }
  return figures;
}

async function makeBodies(sizeBytes: number, count: number) {
  const all = [];
  for (let i = 0; i < count; i++) {
    const bytes = new Uint8Array(sizeBytes);
    bytes.set(randomBytes(Math.min(sizeBytes, 1_000_000)));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const key = objectKey("bench@example.org", digest.toHex() as Hash);
    const body = await spooledFrom({ sizeBytes, chunks: () => pieces(bytes) });
    all.push({ key, body });
  }
  return all;
}

async function* pieces(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += STREAM_BYTES) {
    yield bytes.subarray(at, at + STREAM_BYTES);
  }
}

async function readInPieces(blobs: EncryptedBlobs, key: ObjectKey, sizeBytes: number) {
  for (let at = 0; at < sizeBytes; at += STREAM_BYTES) {
    await blobs.range(key, at, Math.min(at + STREAM_BYTES, sizeBytes));
  }
}

/** MB/s in the middle of several runs. */
async function middle(bytes: number, work: () => Promise<void>): Promise<number> {
  const rates: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const start = performance.now();
    await work();
    rates.push(bytes / 1e3 / (performance.now() - start));
  }
  return median(rates);
}

function rate(name: string, value: number): Figure {
  return { name, value, unit: "MB/s", target: [">=", WANTED_MB_PER_S] };
}
