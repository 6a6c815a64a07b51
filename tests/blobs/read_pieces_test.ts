import assert from "node:assert/strict";
import { blake3 } from "hash-wasm";
import { type ObjectKey, objectKey } from "../../src/blobs/blobs.ts";
import { MemoryBlobs } from "../../src/blobs/memory_blobs.ts";
import { readPieces } from "../../src/blobs/read_pieces.ts";
import { concat } from "../../src/lib/bytes.ts";
import type { Hash } from "../../src/lib/ids.ts";
import { Refused } from "../../src/lib/refused.ts";
import { sha256, spooled } from "./contract.ts";

/** Two pieces, and a part of a third one. */
const SIZE = 1_200_000;
const body = new Uint8Array(SIZE).map((_, i) => i * 31 + (i >> 8));

/** Keeps count of what is read. */
class WatchedBlobs extends MemoryBlobs {
  readonly ranges: string[] = [];
  underWay = 0;

  override async range(key: ObjectKey, start: number, end: number): Promise<Uint8Array | null> {
    this.ranges.push(`${start}-${end}`);
    this.underWay++;
    await new Promise((resolve) => setTimeout(resolve, 1));
    this.underWay--;
    return await super.range(key, start, end);
  }
}

async function stored(hash: string): Promise<{ blobs: WatchedBlobs; key: ObjectKey }> {
  const blobs = new WatchedBlobs();
  const key = objectKey("user@example.com", hash as Hash);
  await blobs.put(key, await spooled(body));
  return { blobs, key };
}

async function all(pieces: AsyncGenerator<Uint8Array>): Promise<Uint8Array> {
  return concat(await Array.fromAsync(pieces, (piece) => piece.slice()));
}

Deno.test("readPieces gives all of a body, and any part of it", async () => {
  const { blobs, key } = await stored(sha256(body));
  const parts: readonly (readonly [number, number])[] = [
    [0, SIZE],
    [0, 0],
    [0, 1],
    [7, 524_295],
    [1, SIZE],
    [SIZE - 1, SIZE],
    [0, 1_048_576],
  ];
  for (const [start, end] of parts) {
    const read = await all(readPieces(blobs, key, { sizeBytes: SIZE, start, end }));
    assert.deepEqual(read, body.slice(start, end), `${start}-${end}`);
  }
});

Deno.test("readPieces keeps the end of a body back whose hash is wrong", async () => {
  const { blobs, key } = await stored("0".repeat(64));
  const given: number[] = [];
  await assert.rejects(
    async () => {
      for await (const piece of readPieces(blobs, key, { sizeBytes: SIZE })) {
        given.push(piece.length);
      }
    },
    (error) => error instanceof Refused && error.refusal.kind === "unavailable",
  );
  assert.deepEqual(given, [524_288, 524_288]);
});

Deno.test("readPieces knows a body by the hash of the Go implementation, too", async () => {
  const { blobs, key } = await stored(await blake3(body));
  assert.deepEqual(await all(readPieces(blobs, key, { sizeBytes: SIZE })), body);
});

Deno.test("readPieces throws when a body is missing or shorter than it should be", async () => {
  const { blobs, key } = await stored(sha256(body));
  const unavailable = (error: unknown) =>
    error instanceof Refused && error.refusal.kind === "unavailable";
  await assert.rejects(() => all(readPieces(blobs, key, { sizeBytes: SIZE + 1 })), unavailable);
  await blobs.delete(key);
  await assert.rejects(() => all(readPieces(blobs, key, { sizeBytes: SIZE })), unavailable);
});

Deno.test("readPieces reads one piece ahead, and leaves nothing under way", async () => {
  const { blobs, key } = await stored(sha256(body));
  for await (const piece of readPieces(blobs, key, { sizeBytes: SIZE })) {
    assert.equal(piece.length, 524_288);
    assert.deepEqual(blobs.ranges, ["0-524288", "524288-1048576"]);
    break;
  }
  assert.equal(blobs.underWay, 0);
});
