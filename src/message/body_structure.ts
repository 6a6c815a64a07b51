import { encodeUtf8, isAscii, toBinary } from "../lib/bytes.ts";
import { atOnce, type Steps } from "../lib/steps.ts";
import { renderEnvelope } from "./envelope.ts";
import { imapString, imapText } from "./imap_string.ts";
import type { Disposition, Parameter, Part } from "./part.ts";

/** RFC 3501 §7.4.2 BODY: the structure without extension data, as a binary string without NUL. */
export function renderBody(part: Part): string {
  return atOnce(render(part, false));
}

/** RFC 3501 §7.4.2 BODYSTRUCTURE, as a binary string without NUL. */
export function renderBodyStructure(part: Part): string {
  return atOnce(render(part, true));
}

/** The same in steps: of a message that is all parts and parameters it is megabytes. */
export function renderBodyStructureInSteps(part: Part): Steps<string> {
  return render(part, true);
}

/** Characters rendered between two steps: less than a millisecond's work. */
const STEP_CHARACTERS = 16 * 1024;

// RFC 3501 §9: body-type-mpart is 1*body; a multipart without parts shows one that is empty.
const EMPTY = '("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 0 0)';
const EMPTY_EXTENDED = '("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 0 0 NIL NIL NIL NIL)';

/** Recursion is as deep as the tree, which the parser limits to PART_DEPTH_MAX. */
function* render(part: Part, extended: boolean): Steps<string> {
  return part.type === "multipart"
    ? yield* multipart(part, extended)
    : yield* single(part, extended);
}

function* multipart(part: Part, extended: boolean): Steps<string> {
  let text = "(";
  let stepAt = STEP_CHARACTERS;
  for (const child of part.children) {
    text += yield* render(child, extended);
    if (text.length < stepAt) continue;
    stepAt = text.length + STEP_CHARACTERS;
    yield;
  }
  if (part.children.length === 0) text += extended ? EMPTY_EXTENDED : EMPTY;
  text += ` ${word(part.subtype)}`;
  if (extended) text += ` ${parameters(part.parameters)} ${extension(part)}`;
  return text + ")";
}

function* single(part: Part, extended: boolean): Steps<string> {
  // RFC 3501 §9: body-fields
  let text = `(${word(part.type)} ${word(part.subtype)} ${parameters(withCharset(part))} ` +
    `${imapText(part.id)} ${imapText(part.description)} ${word(part.encoding)} ` +
    `${part.bodyEnd - part.bodyStart}`;
  if (part.message) {
    const { envelope, body } = part.message;
    text += ` ${renderEnvelope(envelope)} ${yield* render(body, extended)} ${part.lines}`;
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
  const octets = encodeUtf8(text);
  const encoded = new Uint8Array(octets.length * 3);
  let length = 0;
  for (const octet of octets) {
    if (IS_ATTRIBUTE_CHAR[octet] === 1) encoded[length++] = octet;
    else {
      encoded[length++] = PERCENT;
      encoded[length++] = HEX_DIGITS[octet >> 4] ?? 0;
      encoded[length++] = HEX_DIGITS[octet & 15] ?? 0;
    }
  }
  return toBinary(encoded.subarray(0, length));
}

const PERCENT = 0x25;
const HEX_DIGITS: Uint8Array = encodeUtf8("0123456789ABCDEF");
const IS_ATTRIBUTE_CHAR = new Uint8Array(256);
for (
  const octet of encodeUtf8(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+.^_`{|}~-",
  )
) IS_ATTRIBUTE_CHAR[octet] = 1;
