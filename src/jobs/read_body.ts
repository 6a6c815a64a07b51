import type { Blobs, ObjectKey } from "../blobs/blobs.ts";
import { isOfHash } from "../blobs/is_of_hash.ts";
import type { Damage, ScrubbedBody } from "../store/scrubs.ts";

/** Of a body at a time: what is held in memory. */
const PIECE_BYTES = 1024 * 1024;

/** The storage answers, and does not give this piece. */
class Unreadable extends Error {
  override readonly name = "Unreadable";
}

/**
 * Reads a whole body in pieces; null: it is what it has to be. Throws `unavailable` when the storage is in
 * trouble, which says nothing about the body.
 */
export async function readBody(
  blobs: Blobs,
  { objectKey, hash, sizeBytes }: Pick<ScrubbedBody, "objectKey" | "hash" | "sizeBytes">,
): Promise<Damage | null> {
  const key = objectKey as ObjectKey;
  const found = await blobs.size(key);
  if (found === null) return "missing";
  if (found !== sizeBytes) return "size";
  try {
    return await isOfHash(() => pieces(blobs, key, sizeBytes), hash) ? null : "hash";
  } catch (error) {
    if (error instanceof Unreadable) return "unreadable";
    throw error;
  }
}

async function* pieces(
  blobs: Blobs,
  key: ObjectKey,
  sizeBytes: number,
): AsyncGenerator<Uint8Array> {
  const into = new Uint8Array(Math.min(sizeBytes, PIECE_BYTES));
  for (let start = 0; start < sizeBytes; start += PIECE_BYTES) {
    const end = Math.min(sizeBytes, start + PIECE_BYTES);
    yield await piece(() => blobs.range(key, start, end, into), () => blobs.size(key));
  }
}

async function piece(
  read: () => Promise<Uint8Array | null>,
  probe: () => Promise<unknown>,
): Promise<Uint8Array> {
  const bytes = await read().catch(async () => {
    // WHY: trouble of the storage itself shows here, too, and is thrown.
    await probe();
    return await read().catch(() => null);
  });
  if (bytes) return bytes;
  throw new Unreadable("Cannot read a body that is there");
}
