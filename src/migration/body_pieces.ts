import { createHash } from "node:crypto";
import type { Blobs, ObjectKey } from "../blobs/blobs.ts";
import { Refused } from "../lib/refused.ts";
import type { MessageRow } from "../store/messages.ts";
import { Unreadable } from "./source.ts";

/** Larger bodies are read in pieces of this size. */
const PIECE_BYTES = 4 * 1024 * 1024;

/** The body of a message, its hash checked at the end. Throws `Unreadable`. */
export async function* bodyPieces(
  blobs: Blobs,
  { objectKey, hash, sizeBytes }: Pick<MessageRow, "objectKey" | "hash" | "sizeBytes">,
): AsyncGenerator<Uint8Array> {
  const key = objectKey as ObjectKey;
  try {
    if (sizeBytes <= PIECE_BYTES) return yield await blobs.get(key) ?? gone();
    const digest = createHash("sha256");
    for (let at = 0; at < sizeBytes; at += PIECE_BYTES) {
      const piece = await blobs.range(key, at, Math.min(at + PIECE_BYTES, sizeBytes)) ?? gone();
      digest.update(piece);
      yield piece;
    }
    if (digest.digest("hex") !== hash) throw new Unreadable("its body is damaged");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { cause } = error;
    const why = cause instanceof Error ? cause.message : error.message;
    throw new Unreadable(`its body cannot be read: ${why}`, { cause: error });
  }
}

function gone(): never {
  throw new Unreadable("its body is gone");
}
