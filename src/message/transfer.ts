import { atOnce, type Steps } from "../lib/steps.ts";

/** Octets decoded between two pauses. */
const OCTETS_PER_STEP = 256 * 1024;

/**
 * Undoes a Content-Transfer-Encoding (RFC 2045 §6). Total: what is not of the encoding is skipped
 * (base64) or kept as it is (quoted-printable); every other encoding is identity, without a copy.
 */
export function decodeTransfer(bytes: Uint8Array, encoding: string): Uint8Array {
  return atOnce(decodeTransferInSteps(bytes, encoding));
}

/** The same for many octets. */
export function* decodeTransferInSteps(bytes: Uint8Array, encoding: string): Steps<Uint8Array> {
  switch (encoding) {
    case "base64":
      return yield* base64(bytes);
    case "quoted-printable":
      return yield* quotedPrintable(bytes);
    default:
      return bytes;
  }
}

const PAD = 64;
const JUNK = 65;
const DIGITS = base64Digits();

function base64Digits(): Uint8Array {
  const digits = new Uint8Array(256).fill(JUNK);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (let value = 0; value < 64; value++) digits[alphabet.charCodeAt(value)] = value;
  digits["=".charCodeAt(0)] = PAD;
  return digits;
}

/** RFC 2045 §6.8: octets outside the alphabet are ignored; padding in the middle starts anew. */
export function decodeBase64(bytes: Uint8Array): Uint8Array {
  return atOnce(base64(bytes));
}

function* base64(bytes: Uint8Array): Steps<Uint8Array> {
  const decoded = new Uint8Array(Math.ceil(bytes.length / 4) * 3);
  let length = 0;
  let bits = 0;
  let have = 0;
  let pauseAt = OCTETS_PER_STEP;
  for (let at = 0; at < bytes.length; at++) {
    if (at >= pauseAt) {
      pauseAt = at + OCTETS_PER_STEP;
      yield;
    }
    const digit = DIGITS[bytes[at] ?? 0] ?? JUNK;
    if (digit === JUNK) continue;
    if (digit === PAD) {
      have = 0; // QUIRK: several base64 bodies glued together by mailing list footers
      continue;
    }
    bits = (bits << 6) | digit;
    have += 6;
    if (have >= 8) {
      have -= 8;
      decoded[length++] = bits >> have;
    }
    bits &= 0x3f;
  }
  return decoded.subarray(0, length);
}

const EQUALS = 0x3d;
const LF = 0x0a;
const CR = 0x0d;

/** RFC 2045 §6.7, with its advice for robust decoders. */
export function decodeQuotedPrintable(bytes: Uint8Array): Uint8Array {
  return atOnce(quotedPrintable(bytes));
}

function* quotedPrintable(bytes: Uint8Array): Steps<Uint8Array> {
  const decoded = new Uint8Array(bytes.length);
  let length = 0;
  let blanks = 0; // white space at the end of what was decoded: dropped when the line ends
  let pauseAt = OCTETS_PER_STEP;
  for (let at = 0; at < bytes.length; at++) {
    if (at >= pauseAt) {
      pauseAt = at + OCTETS_PER_STEP;
      yield;
    }
    const octet = bytes[at] ?? 0;
    if (octet === EQUALS) {
      const high = hex(bytes[at + 1]);
      const low = hex(bytes[at + 2]);
      if (high >= 0 && low >= 0) {
        decoded[length++] = high * 16 + low;
        at += 2;
        blanks = 0;
        continue;
      }
      const end = softBreak(bytes, at + 1);
      if (end > 0) {
        at = end - 1;
        blanks = 0;
        continue;
      }
    }
    if (octet === 0x20 || octet === 0x09) blanks++;
    else if (octet === LF || octet === CR) {
      length -= blanks; // RFC 2045 §6.7 (3): added in transport
      blanks = 0;
    } else blanks = 0;
    decoded[length++] = octet;
  }
  return decoded.subarray(0, length - blanks);
}

/** After `=`: the end of a soft line break (padding allowed), or 0 when there is none. */
function softBreak(bytes: Uint8Array, from: number): number {
  let at = from;
  const stop = Math.min(bytes.length, from + SOFT_BREAK_PADDING_MAX);
  while (at < stop && (bytes[at] === 0x20 || bytes[at] === 0x09)) at++;
  if (bytes[at] === LF) return at + 1;
  if (bytes[at] === CR && bytes[at + 1] === LF) return at + 2;
  return at === bytes.length ? at : 0;
}

/** RFC 2045 §6.7 (5) limits lines to 76: more padding than this is text, and scanning stays linear. */
const SOFT_BREAK_PADDING_MAX = 80;

function hex(octet: number | undefined): number {
  if (octet === undefined) return -1;
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const letter = octet | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
