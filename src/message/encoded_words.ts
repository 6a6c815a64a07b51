import { Buffer } from "node:buffer";
import { fromBinary, isAscii, toBinary } from "../lib/bytes.ts";
import { isBlank } from "./blank.ts";
import { decodeCharset, guessCharset } from "./charset.ts";
import { decodeBase64, decodeQuotedPrintable } from "./transfer.ts";

/**
 * A field body (binary string) as Unicode: RFC 2047 encoded words wherever they stand, and raw
 * 8-bit text guessed. Linear. Octets of adjacent words of one charset are joined before they are
 * decoded, because senders split multibyte characters between words.
 */
export function decodeWords(text: string): string {
  if (!text.includes("=?")) return decodeRaw(text);
  let decoded = "";
  let at = 0; // everything before it is in `decoded` or in `run`
  let run: Run | null = null;
  let search = 0;
  let close = -1; // WHY: the next "?=" is looked for once per word, or floods become quadratic
  for (;;) {
    const start = text.indexOf("=?", search);
    if (start < 0) break;
    OPENING.lastIndex = start;
    const [opening, charset = "", encoding = ""] = OPENING.exec(text) ?? [];
    if (opening === undefined) {
      search = start + 2;
      continue;
    }
    const from = start + opening.length;
    if (close < from) close = text.indexOf("?=", from);
    if (close < 0) break;
    const next = text.indexOf("=?", from);
    // QUIRK: "=?utf-8?Q??=" and Q text that begins with "=": "?=" may overlap the next "=?".
    if (next >= 0 && next < close - 1) {
      search = next;
      continue;
    }
    const between = text.slice(at, start);
    const octets = octetsOf(text.slice(from, close), encoding);
    if (run && (isBlank(between))) {
      // RFC 2047 §6.2: white space between adjacent encoded words is not text.
      if (run.charset === charset.toLowerCase()) run.pieces += octets;
      else {
        decoded += finish(run);
        run = { charset: charset.toLowerCase(), pieces: octets };
      }
    } else {
      decoded += (run ? finish(run) : "") + decodeRaw(between);
      run = { charset: charset.toLowerCase(), pieces: octets };
    }
    at = close + 2;
    search = at;
  }
  return decoded + (run ? finish(run) : "") + decodeRaw(text.slice(at));
}

/** Raw header text without encoded words: 8-bit octets are UTF-8 or windows-1252. */
export function decodeRaw(text: string): string {
  return isAscii(text) ? text : guessCharset(fromBinary(text));
}

/** Unicode text as RFC 2047 encoded words of at most 75 characters, joined by spaces. */
export function encodeWords(text: string): string {
  const octets = Buffer.from(text);
  let words = "";
  let at = 0;
  do {
    let end = Math.min(at + WORD_OCTETS_MAX, octets.length);
    // RFC 2047 §5 (3): a word holds whole characters; octets 10xxxxxx go on with one.
    while (end < octets.length && ((octets[end] ?? 0) & 0xc0) === 0x80) end--;
    words += `${at > 0 ? " " : ""}=?UTF-8?B?${octets.toString("base64", at, end)}?=`;
    at = end;
  } while (at < octets.length);
  return words;
}

/** Octets of decoded words that belong together, as a binary string. */
interface Run {
  readonly charset: string;
  pieces: string;
}

/** RFC 2231 §5: the charset may be followed by `*language`. */
const OPENING = /=\?([!-)+->@-~]{1,64})(?:\*[^?\s]{0,64})?\?([bBqQ])\?/y;

/** RFC 2047 §2: 75 characters with `=?UTF-8?B?` and `?=` leave room for 45 octets of base64. */
const WORD_OCTETS_MAX = 45;

function octetsOf(text: string, encoding: string): string {
  if (encoding === "B" || encoding === "b") return toBinary(decodeBase64(fromBinary(text)));
  // RFC 2047 §4.2 (2): "_" is a space. QUIRK: raw spaces in words are kept, even at the end.
  const spaced = text.replaceAll("_", "=20").replaceAll(" ", "=20");
  return toBinary(decodeQuotedPrintable(fromBinary(spaced)));
}

function finish(run: Run): string {
  return decodeCharset(fromBinary(run.pieces), run.charset);
}
