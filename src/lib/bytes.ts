import { Buffer } from "node:buffer";

/** Joins chunks into one array; a single chunk is returned as it is. */
export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks;
  if (first && chunks.length === 1) return first;
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/**
 * Bytes as a binary string: one character U+0000 … U+00FF per octet, one byte per character in V8.
 * (TextDecoder("latin1") is windows-1252 and would change 0x80 … 0x9F.)
 */
export function toBinary(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** A binary string as bytes. Characters above U+00FF lose their high bits: callers never have any. */
export function fromBinary(text: string): Uint8Array {
  const bytes = Buffer.allocUnsafe(text.length);
  writeBinary(text, bytes);
  return bytes;
}

/** WHY: few stretches of this length have 8-bit octets, even where a text has some. */
const STRETCH = 512;

/** A binary string into the beginning of `bytes`, which has room for it. */
export function writeBinary(text: string, bytes: Uint8Array): void {
  // WHY: nearly all text is US-ASCII, and Deno's latin1 is a loop in JavaScript, ten times as slow.
  const { read } = utf8.encodeInto(text, bytes.subarray(0, text.length));
  if (read === text.length) return;
  if (text.length > STRETCH) {
    for (let at = 0; at < text.length; at += STRETCH) {
      writeBinary(text.slice(at, at + STRETCH), bytes.subarray(at));
    }
  } else {
    for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  }
}

const utf8 = new TextEncoder();
const utf8Decoder = new TextDecoder();

/** Text as UTF-8 bytes. */
export function encodeUtf8(text: string): Uint8Array {
  return utf8.encode(text);
}

/** UTF-8 bytes as text; malformed input gives U+FFFD, never an error. */
export function decodeUtf8(bytes: Uint8Array): string {
  return utf8Decoder.decode(bytes);
}

/** True when every octet is US-ASCII. */
export function isAscii(text: string): boolean {
  // deno-lint-ignore no-control-regex
  return /^[\x00-\x7f]*$/.test(text);
}
