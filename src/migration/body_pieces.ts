import type { Blobs, ObjectKey } from "../blobs/blobs.ts";
import { readPieces } from "../blobs/read_pieces.ts";
import { Refused } from "../lib/refused.ts";
import type { MessageRow } from "../store/messages.ts";
import { Unreadable } from "./source.ts";

/** Larger bodies are read in pieces. */
const WHOLE_BYTES_MAX = 4 * 1024 * 1024;

/**
 * The body of a message, each piece valid until the next is asked for; the last one is given when its hash
 * was right. Throws `Unreadable`.
 */
export async function* bodyPieces(
  blobs: Blobs,
  { objectKey, sizeBytes }: Pick<MessageRow, "objectKey" | "sizeBytes">,
): AsyncGenerator<Uint8Array> {
  const key = objectKey as ObjectKey;
  try {
    if (sizeBytes > WHOLE_BYTES_MAX) return yield* readPieces(blobs, key, { sizeBytes });
    const body = await blobs.get(key);
    if (!body) throw new Unreadable("its body is gone");
    yield body;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { cause } = error;
    const why = cause instanceof Error ? cause.message : error.message;
    throw new Unreadable(`its body cannot be read: ${why}`, { cause: error });
  }
}
