import { encodeUtf8, isAscii, toBinary } from "../lib/bytes.ts";
import { renderEnvelope } from "./envelope.ts";
import { imapString, imapText } from "./imap_string.ts";
import type { Disposition, Parameter, Part } from "./part.ts";

/** RFC 3501 §7.4.2 BODY: the structure without extension data, as a binary string without NUL. */
export function renderBody(part: Part): string {
  return render(part, false);
}

/** RFC 3501 §7.4.2 BODYSTRUCTURE, as a binary string without NUL. */
export function renderBodyStructure(part: Part): string {
  return render(part, true);
}

// RFC 3501 §9: body-type-mpart is 1*body; a multipart without parts shows one that is empty.
const EMPTY = '("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 0 0)';
const EMPTY_EXTENDED = '("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 0 0 NIL NIL NIL NIL)';

/** Recursion is as deep as the tree, which the parser limits to PART_DEPTH_MAX. */
function render(part: Part, extended: boolean): string {
  return part.type === "multipart" ? multipart(part, extended) : single(part, extended);
}

function multipart(part: Part, extended: boolean): string {
  let text = "(";
  for (const child of part.children) text += render(child, extended);
  if (part.children.length === 0) text += extended ? EMPTY_EXTENDED : EMPTY;
  text += ` ${word(part.subtype)}`;
  if (extended) text += ` ${parameters(part.parameters)} ${extension(part)}`;
  return text + ")";
}

function single(part: Part, extended: boolean): string {
  // RFC 3501 §9: body-fields
  let text = `(${word(part.type)} ${word(part.subtype)} ${parameters(withCharset(part))} ` +
    `${imapText(part.id)} ${imapText(part.description)} ${word(part.encoding)} ` +
    `${part.bodyEnd - part.bodyStart}`;
  if (part.message) {
    const { envelope, body } = part.message;
    text += ` ${renderEnvelope(envelope)} ${render(body, extended)} ${part.lines}`;
  } else if (part.type === "text") text += ` ${part.lines}`;
  if (extended) text += ` ${imapText(part.md5)} ${extension(part)}`;
  return text + ")";
}

/** RFC 2045 §5.2: text without a charset is US-ASCII; clients expect to be told. */
function withCharset({ type, parameters }: Part): readonly Parameter[] {
  if (type !== "text" || parameters.some(([name]) => name === "charset")) return parameters;
  return [...parameters, ["charset", "US-ASCII"]];
}

/** body-fld-dsp SP body-fld-lang SP body-fld-loc */
function extension(part: Part): string {
  const language = part.language.length === 0
    ? "NIL"
    : `(${part.language.map((tag) => imapText(tag)).join(" ")})`;
  return `${disposition(part.disposition)} ${language} ${imapText(part.location)}`;
}

function disposition(value: Disposition | null): string {
  return value === null ? "NIL" : `(${word(value.type)} ${parameters(value.parameters)})`;
}

function word(text: string): string {
  return imapString(text.toUpperCase());
}

function parameters(list: readonly Parameter[]): string {
  if (list.length === 0) return "NIL";
  return `(${list.map(parameter).join(" ")})`;
}

/** RFC 2231 §4 for values that are not 7-bit: one parameter, however many sections it came in. */
function parameter([name, value]: Parameter): string {
  const upper = isAscii(name) ? name.toUpperCase() : percentEncode(name);
  if (isAscii(value)) return `${imapString(upper)} ${imapString(value)}`;
  return `${imapString(`${upper}*`)} ${imapString(`utf-8''${percentEncode(value)}`)}`;
}

/** Everything but attribute-char (RFC 2231 §7) as UTF-8 octets in hex. */
function percentEncode(text: string): string {
  return toBinary(encodeUtf8(text)).replace(
    /[^A-Za-z0-9!#$&+.^_`{|}~-]/g,
    (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
