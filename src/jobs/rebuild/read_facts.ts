import { createHash } from "node:crypto";
import { type Blobs, hashOf, type ObjectKey } from "../../blobs/blobs.ts";
import { type MessageFacts, messageFacts } from "../../message/facts.ts";
import { MessageParser } from "../../message/parser.ts";
import { BodyLost, surely } from "./surely.ts";

/** Bodies up to this size are read at once, larger ones in pieces of it. */
const PIECE_BYTES = 4 * 1024 * 1024;

/**
 * Reads a body and computes what the database keeps of it.
 *
 * @throws {BodyLost} where it is missing, damaged or no message
 * @throws {Refused} `unavailable` where the storage is in trouble
 */
export async function readFacts(blobs: Blobs, key: ObjectKey): Promise<MessageFacts> {
  const sizeBytes = await surely(blobs, key, () => blobs.size(key));
  if (sizeBytes === null) throw new BodyLost("its body is missing");
  if (sizeBytes === 0) throw new BodyLost("its body is empty");
  const parser = new MessageParser();
  const digest = createHash("sha256");
  for (let at = 0; at < sizeBytes; at += PIECE_BYTES) {
    const whole = sizeBytes <= PIECE_BYTES;
    const read = whole
      ? () => blobs.get(key)
      : () => blobs.range(key, at, Math.min(sizeBytes, at + PIECE_BYTES));
    const piece = await surely(blobs, key, read);
    if (!piece) throw new BodyLost("its body is missing");
    // WHY: `get` has compared it, with hashes of another kind, too.
    if (!whole) digest.update(piece);
    parser.push(piece);
  }
  if (sizeBytes > PIECE_BYTES && digest.digest("hex") !== hashOf(key)) {
    throw new BodyLost("its body is damaged");
  }
  return messageFacts(parser.finish());
}
