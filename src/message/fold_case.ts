import { atOnce, type Steps } from "../lib/steps.ts";

/** Characters folded between two pauses. */
const CHARS_PER_STEP = 16 * 1024;

/**
 * RFC 5051 i;unicode-casemap: what compares equal becomes equal, and the order of the UTF-8 octets
 * is the collation's. Each character becomes its (simple) title case, then is decomposed. Linear:
 * more than 64 combining marks in a row, which no language has, keep the order that they have.
 */
export function foldCase(text: string): string {
  return atOnce(foldCaseInSteps(text));
}

/** The same for much text. */
export function* foldCaseInSteps(text: string): Steps<string> {
  if (text.length <= CHARS_PER_STEP) return folded(text);
  const pieces: string[] = [];
  for (let at = 0; at < text.length;) {
    const end = pieceEnd(text, at);
    pieces.push(folded(text.slice(at, end)));
    at = end;
    yield;
  }
  return pieces.join("");
}

function folded(text: string): string {
  const upper = text.toUpperCase();
  // WHY: only a few mappings, `ß` to `SS`, are not the simple ones, and those change the length.
  const simple = upper.length === text.length ? upper : text.replace(/./gsu, simpleUpper);
  const parts: string[] = [];
  let at = 0;
  // WHY: marks in a row are sorted, in quadratic time.
  for (const { 0: marks, index } of simple.matchAll(MANY_MARKS)) {
    parts.push(simple.slice(at, index + marks.length).normalize("NFKD"));
    at = index + marks.length;
  }
  return parts.join("") + simple.slice(at).normalize("NFKD");
}

/** UAX #15: characters that are, or become, combining marks. */
const MANY_MARKS = /[\p{M}\uff9e\uff9f]{64}(?=[\p{M}\uff9e\uff9f])/gu;
const MARK = /^[\p{M}\uff9e\uff9f]/u;
const MARKS_MAX = 64;

/** Where text can be cut: in front of a whole character that is no combining mark. */
function pieceEnd(text: string, from: number): number {
  const end = from + CHARS_PER_STEP;
  if (end >= text.length) return text.length;
  for (let at = end; at > end - 2 * MARKS_MAX; at--) {
    const code = text.codePointAt(at) ?? 0;
    const isLow = code >= 0xdc00 && code <= 0xdfff;
    if (!isLow && !MARK.test(String.fromCodePoint(code))) return at;
  }
  return end;
}

function simpleUpper(character: string): string {
  const upper = character.toUpperCase();
  return upper.length === character.length ? upper : character;
}
