import { type Blobs, hashOf, type ObjectKey } from "./blobs.ts";
import { readPieces } from "./read_pieces.ts";
import type { Spooled } from "./spool.ts";
import { MemorySpooled } from "./spooled.ts";

/** Bodies up to this size are read at once. */
const MEMORY_MAX_BYTES = 1024 * 1024;

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
    chunks: () => readPieces(blobs, key, { sizeBytes }),
    withPrefix: () => Promise.reject(new Error("Cannot put a prefix in front of a stored body")),
    discard: async () => {},
  };
}
