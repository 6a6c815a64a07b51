import { concat } from "../lib/bytes.ts";
import { atOnce, type Steps } from "../lib/steps.ts";
import { baseOf } from "./base_subject.ts";
import { renderBodyStructureInSteps } from "./body_structure.ts";
import { parseDate } from "./date.ts";
import { decodeWords } from "./encoded_words.ts";
import { readEnvelope, renderEnvelope } from "./envelope.ts";
import { foldCase } from "./fold_case.ts";
import type { Header } from "./header.ts";
import type { ParsedMessage } from "./parser.ts";
import { sortKeys } from "./sort_keys.ts";
import { encodeStructure } from "./structure_codec.ts";
import { utf8Prefix } from "./text.ts";

/** Header blocks up to this size are kept in the database; larger ones are read from the body. */
export const HEADER_STORED_MAX = 256 * 1024;

/** What the database row of a message needs, computed once, from the bytes as received. */
export interface MessageFacts {
  readonly sizeBytes: number;
  readonly headerBytes: number;
  /** The raw header block; null when longer than HEADER_STORED_MAX. */
  readonly header: Uint8Array | null;
  /** Rendered ENVELOPE, a binary string without NUL. */
  readonly envelope: string;
  /** Rendered BODYSTRUCTURE, a binary string without NUL. */
  readonly bodyStructure: string;
  /** `encodeStructure` of the tree. */
  readonly structure: string;
  /** With its angle brackets, as the next two; at most MESSAGE_ID_MAX characters. */
  readonly messageId: string | null;
  /** The first one, if there are several. */
  readonly inReplyTo: string | null;
  /** Oldest first; at most REFERENCES_MAX. */
  readonly references: readonly string[];
  readonly sentDate: Date | null;
  /** Decoded Unicode without NUL, each at most TEXT_BYTES_MAX as UTF-8; likewise the next ones. */
  readonly subject: string;
  /** The whole field, several fields joined by commas; likewise the next ones. */
  readonly from: string;
  readonly to: string;
  readonly cc: string;
  readonly bcc: string;
  /** RFC 5256 §2.1, folded. */
  readonly baseSubject: string;
  /** RFC 5256 §3: the subject has a reply or forward mark. */
  readonly isReply: boolean;
  /** Folded, in the order of SORT_KEYS. */
  readonly sortKeys: readonly string[];
}

/** RFC 5322 §2.1.1: no line, so no message id, is longer. */
export const MESSAGE_ID_MAX = 998;
/** Ancestors kept for threading: the root and the nearest. */
export const REFERENCES_MAX = 100;
/** Octets of one decoded header text that the database keeps for search and sorting. */
export const TEXT_BYTES_MAX = 8 * 1024;

/** The facts of a message as it was received. */
export function messageFacts(parsed: ParsedMessage): MessageFacts {
  return atOnce(messageFactsInSteps(parsed));
}

/**
 * The same in steps: a message that is made to be slow costs some ten milliseconds in several of
 * them, and between two of them others may run.
 */
export function* messageFactsInSteps(parsed: ParsedMessage): Steps<MessageFacts> {
  const { fields, header, headerBytes, root } = parsed;
  const read = readEnvelope(fields);
  yield;
  const envelope = renderEnvelope(read);
  yield;
  const bodyStructure = yield* renderBodyStructureInSteps(root);
  yield;
  const structure = encodeStructure(root);
  yield;
  const subject = decodedText(fields.get("subject") ?? "");
  const from = addressText(fields, "from");
  yield;
  const to = addressText(fields, "to");
  yield;
  const cc = addressText(fields, "cc");
  yield;
  const bcc = addressText(fields, "bcc");
  yield;
  const { base, isReply } = baseOf(subject);
  yield;
  const date = fields.get("date");
  return {
    sizeBytes: parsed.sizeBytes,
    headerBytes,
    header: headerBytes <= HEADER_STORED_MAX ? header : null,
    envelope,
    bodyStructure,
    structure,
    messageId: messageIds(fields.get("message-id"))[0] ?? null,
    inReplyTo: messageIds(fields.get("in-reply-to"))[0] ?? null,
    references: keepEnds(messageIds(fields.get("references"))),
    sentDate: date === undefined ? null : parseDate(date),
    subject,
    from,
    to,
    cc,
    bcc,
    baseSubject: bounded(foldCase(base)),
    isReply,
    sortKeys: sortKeys(read),
  };
}

/**
 * The same message with a header prefix (trace fields, every line ended) in front. The tree counts
 * from the end of the header, so only the lengths and the header block change.
 */
export function withPrefix(facts: MessageFacts, prefix: Uint8Array): MessageFacts {
  const headerBytes = facts.headerBytes + prefix.length;
  const keeps = facts.header !== null && headerBytes <= HEADER_STORED_MAX;
  return {
    ...facts,
    sizeBytes: facts.sizeBytes + prefix.length,
    headerBytes,
    header: keeps && facts.header ? concat([prefix, facts.header]) : null,
  };
}

/** Octets of one field that are decoded: encoded words are at most some four times as long. */
const FIELD_MAX = 6 * TEXT_BYTES_MAX;

function addressText(fields: Header, name: string): string {
  const bodies = fields.all(name);
  return decodedText(bodies.length === 1 ? bodies[0] ?? "" : bodies.join(", "));
}

function decodedText(text: string): string {
  return bounded(decodeWords(text.slice(0, FIELD_MAX)));
}

function bounded(text: string): string {
  const clean = text.includes("\0") ? text.replaceAll("\0", "") : text;
  return clean.length * 3 <= TEXT_BYTES_MAX ? clean : utf8Prefix(clean, TEXT_BYTES_MAX);
}

/**
 * Message ids as RFC 5256 §2.2 compares them: white space and quoting inside are no part of it.
 * QUIRK: an id without angle brackets is one if it is the whole field.
 */
export function messageIds(text: string | undefined): string[] {
  if (text === undefined || text === "") return [];
  const ids: string[] = [];
  for (const [, id = ""] of withoutMiddle(text).matchAll(/<([^<>]{1,998})>/g)) {
    const bare = id.replace(/[ \t"]/g, "");
    if (bare !== "" && bare.length <= MESSAGE_ID_MAX - 2) ids.push(`<${bare}>`);
  }
  if (ids.length === 0 && /^[^\s<>]{1,990}$/.test(text)) ids.push(`<${text}>`);
  return ids;
}

/** The ids of a field this long are counted in thousands: its ends hold more than are kept. */
const IDS_END_BYTES = 32 * 1024;

/** WHY "<>": no id of two halves comes into being at the seam. */
function withoutMiddle(text: string): string {
  if (text.length <= 2 * IDS_END_BYTES) return text;
  return `${text.slice(0, IDS_END_BYTES)}<>${text.slice(-IDS_END_BYTES)}`;
}

/** RFC 5256 §3: the first one is the root of the thread, the last ones are the nearest. */
function keepEnds(ids: readonly string[]): readonly string[] {
  if (ids.length <= REFERENCES_MAX) return ids;
  return [...ids.slice(0, 1), ...ids.slice(1 - REFERENCES_MAX)];
}
