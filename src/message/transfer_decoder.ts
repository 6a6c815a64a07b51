import { concat } from "../lib/bytes.ts";
import { decodeBase64, decodeQuotedPrintable } from "./transfer.ts";

/** RFC 3516 §4.3: the encodings that can be undone; "" is what a part without a field has. */
const KNOWN: ReadonlySet<string> = new Set([
  "",
  "7bit",
  "8bit",
  "binary",
  "base64",
  "quoted-printable",
]);

/** False for a Content-Transfer-Encoding (lower case) that nobody here can undo. */
export function knownEncoding(encoding: string): boolean {
  return KNOWN.has(encoding);
}

/** `decodeTransfer` bit by bit: the same octets, however the input is cut. */
export interface TransferDecoder {
  push(chunk: Uint8Array): Uint8Array;
  /** What was held back. */
  end(): Uint8Array;
}

/** A decoder for one part. */
export function transferDecoder(encoding: string): TransferDecoder {
  switch (encoding) {
    case "base64":
      return new Cutter(decodeBase64, endOfQuanta);
    case "quoted-printable":
      return new Cutter(decodeQuotedPrintable, endOfLines);
    default:
      return { push: (chunk) => chunk, end: () => new Uint8Array(0) };
  }
}

/** Decodes up to where the input may be cut, and keeps the rest for the next chunk. */
class Cutter implements TransferDecoder {
  readonly #decode: (bytes: Uint8Array) => Uint8Array;
  readonly #endOf: (bytes: Uint8Array) => number;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(decode: (bytes: Uint8Array) => Uint8Array, endOf: (bytes: Uint8Array) => number) {
    this.#decode = decode;
    this.#endOf = endOf;
  }

  push(chunk: Uint8Array): Uint8Array {
    const bytes = this.#rest.length === 0 ? chunk : concat([this.#rest, chunk]);
    const end = this.#endOf(bytes);
    this.#rest = bytes.slice(end);
    return this.#decode(bytes.subarray(0, end));
  }

  end(): Uint8Array {
    return this.#decode(this.#rest);
  }
}

/** Behind the last group of four digits, counted from the last padding; junk is not counted. */
function endOfQuanta(bytes: Uint8Array): number {
  let digits = 0;
  let end = 0;
  for (let at = 0; at < bytes.length; at++) {
    const octet = bytes[at] ?? 0;
    if (octet === EQUALS) digits = 0;
    else if (isDigit(octet)) digits++;
    if (digits % 4 === 0) end = at + 1;
  }
  return end;
}

const EQUALS = 0x3d;
const LF = 0x0a;

function isDigit(octet: number): boolean {
  return octet >= 0x30 && octet <= 0x39 || octet >= 0x41 && octet <= 0x5a ||
    octet >= 0x61 && octet <= 0x7a || octet === 0x2b || octet === 0x2f;
}

/** WHY: text without line ends is cut as well, where no escape, break or white space is near. */
const LINE_MAX = 64 * 1024;

function endOfLines(bytes: Uint8Array): number {
  const end = bytes.lastIndexOf(LF) + 1;
  if (bytes.length - end <= LINE_MAX) return end;
  for (let at = bytes.length - 1; at > end; at--) {
    const octet = bytes[at] ?? 0;
    if (octet === EQUALS || octet <= 0x20) continue;
    if (bytes[at - 1] !== EQUALS && bytes[at - 2] !== EQUALS) return at + 1;
  }
  return bytes.length;
}
