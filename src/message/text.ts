import { encodeUtf8 } from "../lib/bytes.ts";
import { atOnce, type Steps } from "../lib/steps.ts";
import { decodeCharsetInSteps } from "./charset.ts";
import { decodeWords } from "./encoded_words.ts";
import type { Envelope } from "./envelope.ts";
import { collapse, htmlToText } from "./html_text.ts";
import type { Address } from "./mailbox_address.ts";
import type { Parameter, Part } from "./part.ts";
import { decodeTransferInSteps } from "./transfer.ts";

/** Gives octets [start, end) of the body, counted like the offsets of `Part`. */
export type BodyReader = (start: number, end: number) => Uint8Array;

/** A text, and whether nothing was left out: of its source neither, as markup. */
export interface Extracted {
  readonly text: string;
  readonly isWhole: boolean;
}

/** Decoded text of all text parts, markup removed, for search: at most `limitBytes` as UTF-8. */
export function* extractText(
  root: Part,
  body: BodyReader,
  options: { readonly limitBytes: number },
): Steps<string> {
  return (yield* extractedText(root, body, options)).text;
}

/** The same, and whether that is all. */
export function* extractedText(
  root: Part,
  body: BodyReader,
  options: { readonly limitBytes: number },
): Steps<Extracted> {
  const collected = new Collected(options.limitBytes);
  yield* collectText(root, body, collected, { describe: false });
  return { text: collected.text(), isWhole: !collected.isCut };
}

/** `extractText`, and the decoded headers of embedded messages, part names and descriptions. */
export function* searchableText(
  root: Part,
  body: BodyReader,
  options: { readonly limitBytes: number },
): Steps<string> {
  const collected = new Collected(options.limitBytes);
  yield* collectText(root, body, collected, { describe: true });
  return collected.text();
}

/** What `searchableText` has besides `extractText`: no body is read. */
export function describedText(
  root: Part,
  options: { readonly limitBytes: number },
): Extracted {
  const collected = new Collected(options.limitBytes);
  const walk = (part: Part): void => {
    for (const text of descriptions(part)) collected.add(text);
    part.children.forEach(walk);
    if (!part.message) return;
    for (const text of envelopeTexts(part.message.envelope)) collected.add(text);
    walk(part.message.body);
  };
  walk(root);
  return { text: collected.text(), isWhole: !collected.isCut };
}

/** Characters of a preview: RFC 8970 §3.1 allows 256. */
const PREVIEW_MAX = 200;

/** RFC 8970: the beginning of the first text part that says something, white space collapsed. */
export function preview(root: Part, body: BodyReader): string {
  for (const part of textParts(root)) {
    const source = atOnce(partText(part, body, PREVIEW_SOURCE_BYTES)).text;
    const text = collapse(source).replaceAll("\n", " ");
    const characters = [...text.slice(0, 2 * PREVIEW_MAX)];
    if (characters.length > 0) return characters.slice(0, PREVIEW_MAX).join("").toWellFormed();
  }
  return "";
}

/** Octets of text looked at for a preview: newsletters begin with kilobytes of style. */
const PREVIEW_SOURCE_BYTES = 64 * 1024;

/** Decoded text of one text part, from at most `limitBytes` decoded octets of it. NUL free. */
function* partText(part: Part, body: BodyReader, limitBytes: number): Steps<Extracted> {
  // Quoted-printable is at most three times as long as what it says; lines add a little.
  const encodedMax = part.encoding === "7bit" || part.encoding === "8bit" ? 1 : 3.2;
  const end = Math.min(part.bodyEnd, part.bodyStart + Math.ceil(limitBytes * encodedMax) + 64);
  const octets = yield* decodeTransferInSteps(body(part.bodyStart, end), part.encoding);
  yield;
  const decoded = yield* decodeCharsetInSteps(octets.subarray(0, limitBytes), charsetOf(part));
  yield;
  const text = decoded.replaceAll("\0", "");
  const isHtml = part.subtype === "html" || part.subtype === "xhtml";
  return {
    text: isHtml ? yield* htmlToText(text) : text,
    isWhole: end === part.bodyEnd && octets.length <= limitBytes,
  };
}

function charsetOf(part: Part): string {
  return parameter(part.parameters, "charset") ?? "us-ascii";
}

function parameter(list: readonly Parameter[], wanted: string): string | undefined {
  return list.find(([name]) => name === wanted)?.[1];
}

/** All text parts, plain text before HTML, those of embedded messages and attachments last. */
function textParts(root: Part): Part[] {
  const plain: Part[] = [];
  const other: Part[] = [];
  const walk = (part: Part): void => {
    part.children.forEach(walk);
    if (part.type === "text" && part.disposition?.type !== "attachment") {
      (part.subtype === "plain" ? plain : other).push(part);
    }
  };
  walk(root);
  return [...plain, ...other];
}

/** Text of a bounded length. */
class Collected {
  readonly #pieces: string[] = [];
  #left: number;
  /** There was more than what is here. */
  isCut = false;

  constructor(limitBytes: number) {
    this.#left = limitBytes;
  }

  get left(): number {
    return this.#left;
  }

  add(text: string): void {
    if (text === "") return;
    const size = encodeUtf8(text).length;
    this.isCut ||= size > this.#left;
    if (this.#left <= 0) return;
    if (size <= this.#left) this.#pieces.push(text);
    else this.#pieces.push(utf8Prefix(text, this.#left));
    this.#left -= size + 1;
  }

  text(): string {
    return this.#pieces.join("\n");
  }
}

/** The longest beginning of whole characters that takes at most `limitBytes` as UTF-8. */
export function utf8Prefix(text: string, limitBytes: number): string {
  const room = new Uint8Array(Math.min(limitBytes, text.length * 3));
  const { read } = new TextEncoder().encodeInto(text, room);
  return text.slice(0, read);
}

function* collectText(
  part: Part,
  body: BodyReader,
  into: Collected,
  options: { readonly describe: boolean },
): Steps<void> {
  if (into.left <= 0) {
    into.isCut = true;
    return;
  }
  if (options.describe) { for (const text of descriptions(part)) into.add(text); }
  if (part.type === "text") {
    const { text, isWhole } = yield* partText(part, body, into.left);
    into.isCut ||= !isWhole;
    into.add(text);
  }
  yield;
  for (const child of part.children) yield* collectText(child, body, into, options);
  if (part.message) {
    if (options.describe) {
      for (const text of envelopeTexts(part.message.envelope)) into.add(text);
    }
    yield* collectText(part.message.body, body, into, options);
  }
}

function descriptions({ parameters, disposition, description }: Part): string[] {
  const texts = [
    parameter(parameters, "name"),
    parameter(disposition?.parameters ?? [], "filename"),
    description,
  ].map((text) => text ? decodeUnicodeWords(text) : "");
  return [...new Set(texts)];
}

/** Parameter values are Unicode already; QUIRK: Outlook puts encoded words into them. */
function decodeUnicodeWords(text: string): string {
  return text.includes("=?") && /^[\x20-\x7e]*$/.test(text) ? decodeWords(text) : text;
}

function envelopeTexts(envelope: Envelope): string[] {
  const { subject, from, to, cc, messageId } = envelope;
  return [decodeWords(subject ?? ""), ...[...from, ...to, ...cc].map(addressText), messageId ?? ""];
}

function addressText({ name, mailbox, host }: Address): string {
  const address = host ? `${mailbox}@${host}` : mailbox ?? "";
  return name === null ? decodeWords(address) : `${decodeWords(name)} <${decodeWords(address)}>`;
}
