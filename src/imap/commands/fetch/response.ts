import { toBinary } from "../../../lib/bytes.ts";
import { inTurns, sharedPace } from "../../../lib/pace.ts";
import { atOnce } from "../../../lib/steps.ts";
import { renderBody } from "../../../message/body_structure.ts";
import { formatInternalDate } from "../../../message/date.ts";
import type { Location } from "../../../message/section.ts";
import { HELD_BYTES_MAX } from "../../view/prefetched.ts";
import { isInHeader, type StoredMessage } from "../../view/stored_message.ts";
import type { View } from "../../view/view.ts";
import { emailId, threadId } from "../../object_id.ts";
import { binaryPieces, binarySize, previewItem } from "./decoded.ts";
import type { FetchItem, Partial, PlainItem } from "./items.ts";

/** A part of a response: text, octets, or octets that are still to be read piece by piece. */
export type Piece = string | Uint8Array | Streamed;

/** Octets [start, end) of a large message. */
export interface Streamed {
  readonly message: StoredMessage;
  readonly start: number;
  readonly end: number;
  /** Octets [from, from + length) of what they are when their encoding is undone. */
  readonly decoded?: {
    readonly start: number;
    readonly end: number;
    readonly encoding: string;
    readonly from: number;
    readonly length: number;
  };
}

/** WHY: larger literals are never held whole; smaller ones are read whole, checked, and cached. */
export const STREAMED_BYTES_MIN = HELD_BYTES_MAX;
/** WHY less: to undo the encoding of a whole part at once holds the event loop. */
export const DECODED_BYTES_MAX = 1024 * 1024;
/** WHY: short octets are cheaper as part of the text around them than as a write of their own. */
const INLINE_BYTES_MAX = 512;

/** The whole FETCH response of a message when no section is asked for. */
export function plainResponse(
  message: StoredMessage,
  items: readonly FetchItem[],
  view: View,
): string {
  let text = "";
  for (const item of items) {
    if (isPlain(item)) text += ` ${plainItem(item.kind, message, view)}`;
  }
  return `${view.fetchHead(message.row.uid)}${text.slice(1)})\r\n`;
}

/** Octets of a header, times the items that pick fields of it, that are looked through at once. */
const FILTERED_BYTES_MAX = 1024 * 1024;

/**
 * Adds the FETCH response of a message whose sections lie in its header, when that is here; false
 * when it is not, or is too much work. WHY: this is what clients list a mailbox with, and 10,000 of them wait for nothing.
 */
export function headerResponse(
  { message, items }: { readonly message: StoredMessage; readonly items: readonly FetchItem[] },
  view: View,
  pieces: (string | Uint8Array)[],
): boolean {
  const { header, headerBytes, uid } = message.row;
  if (header?.length !== headerBytes) return false;
  if (
    !items.every((item) => isPlain(item) || item.kind === "section" && isInHeader(item.section))
  ) {
    return false;
  }
  const filters = items.filter((item) => item.kind === "section" && item.section.fields.length > 0);
  if (filters.length * headerBytes > FILTERED_BYTES_MAX) return false;
  let text = view.fetchHead(uid);
  for (const [at, item] of items.entries()) {
    if (at > 0) text += " ";
    if (item.kind !== "section") {
      if (isPlain(item)) text += plainItem(item.kind, message, view);
      continue;
    }
    const octets = located(header, message.locate(item.section), item.partial);
    for (const piece of literal(item.label, octets)) {
      if (typeof piece === "string") text += piece;
      else {
        pieces.push(text, piece);
        text = "";
      }
    }
  }
  pieces.push(text + ")\r\n");
  return true;
}

function located(header: Uint8Array, at: Location | null, partial: Partial | null): Uint8Array {
  const whole = header.subarray(at?.start ?? 0, at?.end ?? 0);
  const octets = at?.filter ? atOnce(at.filter(whole)) : whole;
  const { start, end } = cut({ start: 0, end: octets.length }, partial);
  return octets.subarray(start, end);
}

/** The same with any sections: text between octets, in the order of the items. */
export async function* pieces(
  message: StoredMessage,
  items: readonly FetchItem[],
  view: View,
): AsyncGenerator<Piece> {
  let text = view.fetchHead(message.row.uid);
  for (const [at, item] of items.entries()) {
    if (at > 0) text += " ";
    if (isPlain(item)) {
      text += plainItem(item.kind, message, view);
      continue;
    }
    await sharedPace.breathe();
    for await (const piece of octetsOf(message, item)) {
      if (typeof piece === "string") text += piece;
      else {
        yield text;
        text = "";
        yield piece;
      }
    }
  }
  yield text + ")\r\n";
}

function isPlain(item: FetchItem): item is { readonly kind: PlainItem } {
  return !("label" in item) && item.kind !== "preview";
}

/** One item that needs the body. */
async function* octetsOf(
  message: StoredMessage,
  item: Exclude<FetchItem, { readonly kind: PlainItem }>,
): AsyncGenerator<Piece> {
  switch (item.kind) {
    case "section":
      return yield* section(message, item);
    case "binary":
      return yield* binaryPieces(message, item);
    case "binarySize":
      return yield await binarySize(message, item);
    case "preview":
      return yield await previewItem(message, item.lazy);
  }
}

/** One item without octets of the body, as `NAME value`. */
function plainItem(kind: PlainItem, message: StoredMessage, view: View): string {
  const { row } = message;
  switch (kind) {
    case "UID":
      return `UID ${row.uid}`;
    case "EMAILID":
      return `EMAILID (${emailId(row.hash)})`;
    case "THREADID": {
      const { messageId = null, inReplyTo = null, rootReference = null } = row;
      const id = threadId({ messageId, inReplyTo, rootReference });
      return `THREADID ${id === null ? "NIL" : `(${id})`}`;
    }
    case "MODSEQ":
      return view.modseqItem(row.modseq);
    case "SAVEDATE":
      return `SAVEDATE "${formatInternalDate(row.savedAt)}"`;
    case "FLAGS":
      return `FLAGS ${view.flags(row)}`;
    case "INTERNALDATE":
      return `INTERNALDATE "${formatInternalDate(row.internalDate)}"`;
    case "RFC822.SIZE":
      return `RFC822.SIZE ${row.sizeBytes}`;
    case "ENVELOPE":
      return `ENVELOPE ${row.envelope}`;
    case "BODYSTRUCTURE":
      return `BODYSTRUCTURE ${row.bodyStructure}`;
    case "BODY":
      return `BODY ${renderBody(message.root)}`;
  }
}

/** `BODY[…] nstring`; an empty string for a part that does not exist, never another part. */
async function* section(
  message: StoredMessage,
  { label, section, partial }: Extract<FetchItem, { kind: "section" }>,
): AsyncGenerator<Piece> {
  const location = message.locate(section);
  if (location?.filter) {
    const header = await message.slice(location.start, location.end);
    const octets = await inTurns(location.filter(header));
    const { start, end } = cut({ start: 0, end: octets.length }, partial);
    yield* literal(label, octets.subarray(start, end));
    return;
  }
  const { start, end } = cut(location ?? { start: 0, end: 0 }, partial);
  if (end - start <= STREAMED_BYTES_MIN) {
    yield* literal(label, start === end ? new Uint8Array(0) : await message.slice(start, end));
  } else {
    yield `${label} {${end - start}}\r\n`;
    yield { message, start, end };
  }
}

function* literal(label: string, octets: Uint8Array): Generator<string | Uint8Array> {
  if (octets.length === 0) return yield `${label} ""`;
  yield `${label} {${octets.length}}\r\n`;
  yield octets.length <= INLINE_BYTES_MAX ? toBinary(octets) : octets;
}

/** What is left of octets [start, end) when only a part is asked for: RFC 3501 §6.4.5. */
function cut(
  { start, end }: { readonly start: number; readonly end: number },
  partial: Partial | null,
): { readonly start: number; readonly end: number } {
  if (!partial) return { start, end };
  // RFC 3501 §6.4.5: an origin beyond the end gives an empty string.
  const from = Math.min(end, start + partial.origin);
  return { start: from, end: Math.min(end, from + partial.length) };
}
