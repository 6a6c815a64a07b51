import { fromBinary } from "../lib/bytes.ts";
import { trimBlank } from "./blank.ts";
import { decodeCharset } from "./charset.ts";
import { decodeRaw } from "./encoded_words.ts";
import type { Parameter } from "./part.ts";

/** A structured field like Content-Type: its value and its decoded parameters. */
export interface ParameterizedField {
  /** Lower case, without comments and white space; may be empty. */
  readonly value: string;
  readonly parameters: readonly Parameter[];
}

/**
 * Reads `value *(";" name "=" value)` (RFC 2045 §5.1) with RFC 2231 continuations and charsets out
 * of an unfolded binary string. Total and linear: broken pieces are skipped, floods are cut.
 */
export function parseParameters(text: string): ParameterizedField {
  const semicolon = text.indexOf(";");
  const value = semicolon < 0 ? text : text.slice(0, semicolon);
  const pieces = semicolon < 0 ? [] : readPieces(text, semicolon);
  return { value: withoutComments(value).toLowerCase(), parameters: join(pieces) };
}

/** Raw parameters read of one field: RFC 2231 needs a few dozen for a very long file name. */
const PIECES_MAX = 1_000;
/** Parameters kept of one field. */
const PARAMETERS_MAX = 100;
/** Characters kept of one decoded value. */
const VALUE_MAX = 8_192;
const NAME_MAX = 128;

/** One `name=value` as it stands; `name` in lower case, still with its stars. */
type Piece = readonly [name: string, value: string];

function readPieces(text: string, from: number): Piece[] {
  const pieces: Piece[] = [];
  let at = from;
  while (at < text.length && pieces.length < PIECES_MAX) {
    SEPARATORS.lastIndex = at;
    SEPARATORS.test(text);
    at = NAME.lastIndex = SEPARATORS.lastIndex;
    const [opening, name] = NAME.exec(text) ?? [];
    if (opening === undefined || name === undefined) {
      const next = text.indexOf(";", at);
      if (next < 0) break;
      at = next;
      continue;
    }
    const start = at + opening.length;
    const quoted = text[start] === '"';
    const [value, end] = quoted ? quotedString(text, start + 1) : bare(text, start);
    if (name.length <= NAME_MAX) pieces.push([lowerAscii(name), value]);
    const next = text.indexOf(";", end);
    if (next < 0) break;
    at = next;
  }
  return pieces;
}

/** WHY: not toLowerCase(), which in a binary string would change octets of UTF-8. */
function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

const SEPARATORS = /[; \t]*/y;
const NAME = /([^ \t;="]+)[ \t]*=[ \t]*/y;

/** From behind the opening quote; an unclosed one ends at the next semicolon, or with the text. */
function quotedString(text: string, from: number): readonly [value: string, end: number] {
  let value = "";
  let at = from;
  while (at < text.length) {
    const character = text[at];
    if (character === '"') return [value, at + 1];
    // QUIRK: Windows paths in file names: a backslash quotes only what needs quoting.
    if (character === "\\" && (text[at + 1] === '"' || text[at + 1] === "\\")) at++;
    value += text[at];
    at++;
  }
  const semicolon = text.indexOf(";", from);
  return semicolon < 0 ? [value, at] : [text.slice(from, semicolon), semicolon];
}

/** Up to the next semicolon. QUIRK: unquoted values with spaces are kept whole, comments are not. */
function bare(text: string, from: number): readonly [value: string, end: number] {
  const semicolon = text.indexOf(";", from);
  const end = semicolon < 0 ? text.length : semicolon;
  const value = text.slice(from, end);
  const comment = value.indexOf("(");
  const space = comment > 0 ? value[comment - 1] : undefined;
  return [trimBlank(space === " " || space === "\t" ? value.slice(0, comment) : value), end];
}

/** The sections of one parameter, by number; a section may be percent-encoded. */
interface Sections {
  readonly plain: string | null;
  readonly numbered: Map<number, { readonly value: string; readonly encoded: boolean }>;
}

function join(pieces: readonly Piece[]): Parameter[] {
  if (pieces.length === 0) return [];
  const byName = new Map<string, { plain: string | null; numbered: Sections["numbered"] }>();
  for (const [rawName, value] of pieces) {
    const [, name = rawName, number, star] = SECTION.exec(rawName) ?? [];
    let sections = byName.get(name);
    if (!sections) {
      if (byName.size >= PARAMETERS_MAX) continue;
      sections = { plain: null, numbered: new Map() };
      byName.set(name, sections);
    }
    const encoded = star !== undefined;
    if (number === undefined && !encoded) sections.plain ??= value;
    else {
      const index = Number(number ?? 0);
      if (!sections.numbered.has(index)) sections.numbered.set(index, { value, encoded });
    }
  }
  return [...byName].map(([name, sections]) =>
    [
      clean(decodeRaw(name)),
      clean(valueOf(sections)),
    ] as const
  );
}

/** RFC 2231 §7: `name`, `name*`, `name*0`, `name*0*`. */
const SECTION = /^([^*]+)(?:\*(\d{1,4}))?(\*)?$/;

function valueOf({ plain, numbered }: Sections): string {
  const first = numbered.get(0);
  if (!first) return decodeRaw(plain ?? "");
  // RFC 2231 §4: charset'language'octets, told once, in the first section.
  const [, charset = "", , rest = first.value] = first.encoded
    ? /^([^']*)'([^']*)'([^]*)$/.exec(first.value) ?? []
    : [];
  let octets = first.encoded ? percentDecode(rest) : first.value;
  for (let index = 1; octets.length < VALUE_MAX; index++) {
    const section = numbered.get(index);
    if (!section) break;
    octets += section.encoded ? percentDecode(section.value) : section.value;
  }
  return charset === "" ? decodeRaw(octets) : decodeCharset(fromBinary(octets), charset);
}

function percentDecode(text: string): string {
  return text.replace(
    /%([0-9A-Fa-f]{2})/g,
    (_all, digits: string) => String.fromCharCode(parseInt(digits, 16)),
  );
}

function clean(text: string): string {
  const bounded = text.length > VALUE_MAX ? text.slice(0, VALUE_MAX).toWellFormed() : text;
  return CONTROL.test(bounded) ? bounded.replace(CONTROLS, " ") : bounded;
}

// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x1f\x7f]/;
// deno-lint-ignore no-control-regex
const CONTROLS = /[\x00-\x1f\x7f]/g;

/** RFC 5322 §3.2.2 comments out, linear; an unclosed one is text. White space goes too. */
export function withoutComments(text: string): string {
  if (!text.includes("(")) return trimBlank(text);
  let kept = "";
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "\\") at++;
    else if (character === "(") {
      if (depth++ === 0) kept += text.slice(from, at);
    } else if (character === ")" && depth > 0 && --depth === 0) from = at + 1;
  }
  return trimBlank(depth === 0 ? kept + text.slice(from) : kept);
}
