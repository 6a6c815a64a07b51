import { createHash } from "node:crypto";
import { unavailable } from "../lib/refused.ts";
import { type Blobs, hashOf, type ObjectKey } from "./blobs.ts";
import { isOfHash } from "./is_of_hash.ts";

/** WHY: one request of an object store for each; two of them are in memory. */
const PIECE_BYTES = 512 * 1024;

/** What is read of a body. */
export interface PieceRange {
  /** Octets of the whole body. */
  readonly sizeBytes: number;
  /** Octets [start, end) are read; default: all. */
  readonly start?: number;
  readonly end?: number;
}

/**
 * A body piece by piece, however large in the memory of two of them: one is the caller's, until the next
 * is asked for, while the other is read. Where all of the body is read, its last piece is given only
 * when the hash of the whole is right. Throws `unavailable`, also when there is no such body.
 */
export async function* readPieces(
  blobs: Blobs,
  key: ObjectKey,
  { sizeBytes, start = 0, end = sizeBytes }: PieceRange,
): AsyncGenerator<Uint8Array> {
  const digest = start === 0 && end === sizeBytes ? createHash("sha256") : null;
  const read = (at: number, into: Uint8Array) => {
    const piece = readPiece(blobs, key, { start: at, end: Math.min(end, at + PIECE_BYTES), into });
    piece.catch(() => {}); // WHY: awaited in its turn, or in `finally`.
    return piece;
  };
  let mine = new Uint8Array(Math.min(PIECE_BYTES, end - start));
  let other = new Uint8Array(Math.min(PIECE_BYTES, Math.max(0, end - start - PIECE_BYTES)));
  let next = start < end ? read(start, mine) : null;
  try {
    for (let at = start + PIECE_BYTES; next !== null; at += PIECE_BYTES) {
      const piece: Uint8Array = await next;
      [mine, other] = [other, mine];
      next = at < end ? read(at, mine) : null;
      digest?.update(piece);
      if (!next && digest && digest.digest("hex") !== hashOf(key)) {
        // WHY: objects of the Go implementation have another hash; so few that they are read twice.
        const isBody = await isOfHash(() => again(blobs, key, sizeBytes), hashOf(key));
        if (!isBody) throw unavailable("bodies", new Error(`Cannot use ${key}: its hash is wrong`));
      }
      yield piece;
    }
  } finally {
    // WHY: nothing is read into a buffer that nobody waits for.
    await next?.catch(() => {});
  }
}

async function readPiece(
  blobs: Blobs,
  key: ObjectKey,
  { start, end, into }: {
    readonly start: number;
    readonly end: number;
    readonly into: Uint8Array;
  },
): Promise<Uint8Array> {
  const piece = await blobs.range(key, start, end, into);
  if (piece?.length === end - start) return piece;
  throw unavailable("bodies", new Error(`Cannot read all of ${key}`));
}

/** The same without reading ahead. */
async function* again(blobs: Blobs, key: ObjectKey, sizeBytes: number): AsyncGenerator<Uint8Array> {
  const into = new Uint8Array(Math.min(PIECE_BYTES, sizeBytes));
  for (let start = 0; start < sizeBytes; start += PIECE_BYTES) {
    const end = Math.min(sizeBytes, start + PIECE_BYTES);
    yield await readPiece(blobs, key, { start, end, into });
  }
}
