import { isAscii } from "../lib/bytes.ts";
import { decodeWords, encodeWords } from "./encoded_words.ts";

/**
 *     string = quoted / literal   RFC 3501 §9
 *
 * A binary string as IMAP would send it: quoted when it is 7-bit text, else a literal. NUL goes.
 */
export function imapString(text: string): string {
  const clean = text.includes("\0") ? text.replaceAll("\0", "") : text;
  if (!QUOTABLE.test(clean)) return `{${clean.length}}\r\n${clean}`;
  return NEEDS_ESCAPE.test(clean) ? `"${clean.replace(/["\\]/g, "\\$&")}"` : `"${clean}"`;
}

/** `nstring`: null is NIL. */
export function imapNString(text: string | null): string {
  return text === null ? "NIL" : imapString(text);
}

/**
 * Header text as `nstring`. RFC 3501 §7.4.2: headers must be 7-bit, so raw 8-bit text is sent as
 * RFC 2047 encoded words, which every client reads.
 */
export function imapText(text: string | null): string {
  if (text === null || isAscii(text)) return imapNString(text);
  return imapString(encodeWords(decodeWords(text)));
}

// deno-lint-ignore no-control-regex
const QUOTABLE = /^[\x01-\x09\x0b\x0c\x0e-\x7f]*$/;
const NEEDS_ESCAPE = /["\\]/;
