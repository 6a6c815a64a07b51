import { createHash } from "node:crypto";
import type { Hash } from "../lib/ids.ts";
import { unavailable } from "../lib/refused.ts";
import { type Blobs, hashOf, type ObjectKey } from "./blobs.ts";
import type { Spooled } from "./spool.ts";
import { MemorySpooled } from "./spooled.ts";

/** Bodies up to this size are read at once. */
const MEMORY_MAX_BYTES = 1024 * 1024;
/** How much of a larger one is read at once. */
const PIECE_BYTES = 1024 * 1024;

/**
 * A body that some storage has, to be put into another one; null when there is none. Whoever reads all
 * of it gets an error instead of its end when its hash is wrong.
 */
export async function storedBody(blobs: Blobs, key: ObjectKey): Promise<Spooled | null> {
  const sizeBytes = await blobs.size(key);
  if (sizeBytes === null) return null;
  const hash = hashOf(key);
  if (sizeBytes <= MEMORY_MAX_BYTES) {
    const bytes = await blobs.get(key);
    return bytes && new MemorySpooled({ hash, receivedHash: hash, bytes, prefixBytes: 0 });
  }
  return {
    hash,
    receivedHash: hash,
    sizeBytes,
    bytes: null,
    path: null,
    chunks: () => pieces(blobs, key, { sizeBytes, hash }),
    withPrefix: () => Promise.reject(new Error("Cannot put a prefix in front of a stored body")),
    discard: async () => {},
  };
}

async function* pieces(
  blobs: Blobs,
  key: ObjectKey,
  { sizeBytes, hash }: { readonly sizeBytes: number; readonly hash: Hash },
): AsyncGenerator<Uint8Array> {
  const digest = createHash("sha256");
  for (let at = 0; at < sizeBytes; at += PIECE_BYTES) {
    const piece = await blobs.range(key, at, Math.min(at + PIECE_BYTES, sizeBytes));
    if (!piece) throw unavailable("bodies", new Error("Cannot read all of a body"));
    digest.update(piece);
    yield piece;
  }
  if (digest.digest("hex") !== hash) {
    throw unavailable("bodies", new Error("Cannot copy a body: its hash is wrong"));
  }
}
