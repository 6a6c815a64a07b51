import { isUtf8 } from "node:buffer";
import type { Steps } from "../lib/steps.ts";
import { decodeUtf7 } from "./utf7.ts";

/**
 * Text in a named charset as Unicode, by the WHATWG decoders. Total: malformed octets give U+FFFD;
 * an unknown charset, or 8-bit text that claims to be US-ASCII, is guessed.
 */
export function decodeCharset(bytes: Uint8Array, charset: string): string {
  const label = resolve(charset);
  if (label === "utf-7") return decodeUtf7(bytes);
  const decoder = label === null ? null : decoders.get(label);
  return decoder ? decoder.decode(bytes) : guessCharset(bytes);
}

/** Octets decoded between two pauses. */
const OCTETS_PER_STEP = 128 * 1024;

/** `decodeCharset` for much text. */
export function* decodeCharsetInSteps(bytes: Uint8Array, charset: string): Steps<string> {
  if (bytes.length <= OCTETS_PER_STEP) return decodeCharset(bytes, charset);
  const label = resolve(charset) ?? (isUtf8(bytes) ? "utf-8" : "windows-1252");
  const pieces: string[] = [];
  // WHY: a decoder that others use in between would mix up their texts.
  const decoder = label === "utf-7" ? null : new TextDecoder(label);
  for (let at = 0; at < bytes.length;) {
    const end = decoder ? at + OCTETS_PER_STEP : lineEnd(bytes, at);
    const piece = bytes.subarray(at, end);
    pieces.push(decoder ? decoder.decode(piece, { stream: true }) : decodeUtf7(piece));
    at = end;
    yield;
  }
  return pieces.join("") + (decoder?.decode() ?? "");
}

/** RFC 2152: every line of UTF-7 stands for itself; one without an end is cut. */
function lineEnd(bytes: Uint8Array, at: number): number {
  const end = Math.min(at + OCTETS_PER_STEP / 2, bytes.length); // WHY: its decoder is slower.
  const lf = bytes.subarray(at, end).lastIndexOf(0x0a);
  return lf < 0 ? end : at + lf + 1;
}

/** Text without a charset: UTF-8 when it is valid UTF-8, else windows-1252, which is total. */
export function guessCharset(bytes: Uint8Array): string {
  return (isUtf8(bytes) ? UTF8 : WINDOWS_1252).decode(bytes);
}

/** True when `decodeCharset` knows that charset by name (SEARCH CHARSET); US-ASCII is known. */
export function knownCharset(name: string): boolean {
  return ASCII.has(normal(name)) || resolve(name) !== null;
}

/** Longer names are not charsets: RFC 2978 §2.3 allows 40 characters. */
const NAME_MAX = 64;
/** Decoders are kept by label; strangers choose the labels, so their number is bounded. */
const LABELS_MAX = 512;

const UTF8 = new TextDecoder("utf-8");
const WINDOWS_1252 = new TextDecoder("windows-1252");

const ASCII: ReadonlySet<string> = new Set(["us-ascii", "ascii", "ansi_x3.4-1968", "iso-ir-6"]);

/** QUIRK: names seen in mail that the WHATWG table does not list. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["utf7", "utf-7"],
  ["unicode-1-1-utf-7", "utf-7"],
  ["x-unicode-2-0-utf-7", "utf-7"],
  ["utf8mb4", "utf-8"],
  ["utf-8mb4", "utf-8"],
  ["unicode", "utf-16"],
  ["cp932", "shift_jis"],
  ["iso-2022-jp-1", "iso-2022-jp"],
  ["iso-2022-jp-2", "iso-2022-jp"],
  ["iso-2022-jp-3", "iso-2022-jp"],
  ["iso-2022-jp-2004", "iso-2022-jp"],
  ["iso-2022-jp-ms", "iso-2022-jp"],
  ["cp50220", "iso-2022-jp"],
  ["cp50221", "iso-2022-jp"],
  ["cp50222", "iso-2022-jp"],
  ["cp51932", "euc-jp"],
  ["eucjp", "euc-jp"],
  ["eucjp-ms", "euc-jp"],
  ["x-euc-jp", "euc-jp"],
  ["euckr", "euc-kr"],
  ["cp949", "euc-kr"],
  ["uhc", "euc-kr"],
  ["x-windows-949", "euc-kr"],
  ["cp936", "gbk"],
  ["euc-cn", "gbk"],
  ["euccn", "gbk"],
  ["gb-2312", "gbk"],
  ["gb_2312", "gbk"],
  ["gb-18030", "gb18030"],
  ["cp950", "big5"],
  ["big-5", "big5"],
  ["koi8r", "koi8-r"],
  ["koi8u", "koi8-u"],
  ["x-mac-roman", "macintosh"],
  ["macroman", "macintosh"],
  ["cp819", "windows-1252"],
  ["8859-1", "windows-1252"],
]);

const resolved = new Map<string, string | null>();
const decoders = new Map<string, TextDecoder>();

function normal(name: string): string {
  return name.trim().toLowerCase();
}

/** The decoder's label for a name; null when there is none. Makes the decoder. */
function resolve(name: string): string | null {
  if (name.length > NAME_MAX) return null;
  const known = resolved.get(name);
  if (known !== undefined) return known;
  const label = labelOf(normal(name).replace(/^["']|["']$/g, ""));
  if (resolved.size < LABELS_MAX) resolved.set(name, label);
  return label;
}

function labelOf(name: string): string | null {
  // WHY: WHATWG reads US-ASCII as windows-1252; UTF-8 under that name is far more common.
  if (name === "" || ASCII.has(name)) return null;
  const candidate = ALIASES.get(name) ?? name
    .replace(/^(?:win|windows|x-cp|cp|ms|x-windows|x-ms)[-_]?(125\d|874)$/, "windows-$1")
    .replace(/^(?:ms|cp|x-ms)[-_]?(932|936|949|950)$/, (_all, page: string) => PAGES[page] ?? page)
    .replace(/^(?:x-)?iso[-_ ]?8859[-_ ]?(\d{1,2})$/, "iso-8859-$1")
    .replace(/^utf[-_ ]?(8|16|16le|16be)$/, "utf-$1");
  if (candidate === "utf-7" || decoders.has(candidate)) return candidate;
  try {
    const decoder = new TextDecoder(candidate);
    decoders.set(candidate, decoder);
    return candidate;
  } catch {
    return null; // not in the WHATWG table, or its "replacement" encoding
  }
}

const PAGES: Readonly<Record<string, string>> = {
  932: "shift_jis",
  936: "gbk",
  949: "euc-kr",
  950: "big5",
};
