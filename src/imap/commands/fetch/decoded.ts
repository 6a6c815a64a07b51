import { toBinary } from "../../../lib/bytes.ts";
import { Pace } from "../../../lib/pace.ts";
import { Refused } from "../../../lib/refused.ts";
import { findPart } from "../../../message/section.ts";
import { decodeTransfer } from "../../../message/transfer.ts";
import { knownEncoding, transferDecoder } from "../../../message/transfer_decoder.ts";
import { preview } from "../../../message/text.ts";
import { renderNstring } from "../../wire/quote.ts";
import type { StoredMessage } from "../../view/stored_message.ts";
import type { FetchItem, Partial } from "./items.ts";
import { DECODED_BYTES_MAX, type Piece } from "./response.ts";

/** WHY: the first text part stands there in nearly all mail, and nobody reads more for two lines. */
const PREVIEW_SOURCE_BYTES = 64 * 1024;

/** Octets [start, end) of a message, and how they are encoded. */
interface EncodedPart {
  readonly start: number;
  readonly end: number;
  readonly encoding: string;
}

/** `BINARY[1.2]<0> value`: RFC 3516 §4.2. Throws `unknown-encoding`. */
export async function* binaryPieces(
  message: StoredMessage,
  { label, path, partial }: Extract<FetchItem, { kind: "binary" }>,
): AsyncGenerator<Piece> {
  const part = encodedPart(message, path);
  if (!part) return yield `${label} NIL`;
  if (part.end - part.start <= DECODED_BYTES_MAX) {
    const whole = decodeTransfer(await message.slice(part.start, part.end), part.encoding);
    const { from, length } = cut(whole.length, partial);
    const octets = whole.subarray(from, from + length);
    if (octets.length === 0) return yield `${label} ""`;
    yield `${label} ${octets.includes(0) ? "~" : ""}{${octets.length}}\r\n`;
    return yield octets;
  }
  // WHY twice: the length goes first, and a large part is never held whole.
  const { size, hasNul } = await measure(message, part);
  const { from, length } = cut(size, partial);
  if (length === 0) return yield `${label} ""`;
  yield `${label} ${hasNul ? "~" : ""}{${length}}\r\n`;
  yield { message, start: part.start, end: part.end, decoded: { ...part, from, length } };
}

/** `BINARY.SIZE[1.2] 4096`: RFC 3516 §4.3. Throws `unknown-encoding`. */
export async function binarySize(
  message: StoredMessage,
  { label, path }: Extract<FetchItem, { kind: "binarySize" }>,
): Promise<string> {
  const part = encodedPart(message, path);
  const size = part ? (await measure(message, part)).size : 0;
  return `${label} ${size}`;
}

/** `PREVIEW "…"`: RFC 8970 §3. No body is read for a lazy one. */
export async function previewItem(message: StoredMessage, lazy: boolean): Promise<string> {
  const { headerBytes, sizeBytes, preview: known = null } = message.row;
  if (known !== null || lazy) return renderPreview(known);
  const end = Math.min(sizeBytes, headerBytes + PREVIEW_SOURCE_BYTES);
  const body = headerBytes < end ? await message.slice(headerBytes, end) : new Uint8Array(0);
  const text = preview(message.root, (from, to) => body.subarray(from, to));
  return renderPreview(text);
}

function renderPreview(text: string | null): string {
  return `PREVIEW ${renderNstring(text === null ? null : toBinary(utf8.encode(text)))}`;
}
const utf8 = new TextEncoder();

/** The decoded octets of a part, piece by piece, each valid until the next is asked for. */
export async function* decodedChunks(
  message: StoredMessage,
  { start, end, encoding }: EncodedPart,
): AsyncGenerator<Uint8Array> {
  const decoder = transferDecoder(encoding);
  const pace = new Pace();
  for await (const octets of message.pieces(start, end)) {
    yield decoder.push(octets);
    await pace.breathe();
  }
  yield decoder.end();
}

async function measure(
  message: StoredMessage,
  part: EncodedPart,
): Promise<{ readonly size: number; readonly hasNul: boolean }> {
  let size = 0;
  let hasNul = false;
  for await (const chunk of decodedChunks(message, part)) {
    size += chunk.length;
    hasNul ||= chunk.includes(0);
  }
  return { size, hasNul };
}

/** null: there is no such part. */
function encodedPart(message: StoredMessage, path: readonly number[]): EncodedPart | null {
  const location = message.locate({ path, text: null, fields: [] });
  if (!location) return null;
  const part = path.length === 0 ? null : findPart(message.root, path);
  const encoding = part?.encoding ?? "binary";
  if (!knownEncoding(encoding)) throw new Refused({ kind: "unknown-encoding" });
  return { start: location.start, end: location.end, encoding };
}

function cut(size: number, partial: Partial | null): { from: number; length: number } {
  if (!partial) return { from: 0, length: size };
  const from = Math.min(size, partial.origin);
  return { from, length: Math.min(size - from, partial.length) };
}
