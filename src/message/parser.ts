import { concat, toBinary } from "../lib/bytes.ts";
import type { Envelope } from "./envelope.ts";
import { Header } from "./header.ts";
import type { Part } from "./part.ts";
import { PartBuilder } from "./part_builder.ts";
import { Boundaries } from "./boundaries.ts";

/** A whole message, looked through once. */
export interface ParsedMessage {
  /** Octets pushed. */
  readonly sizeBytes: number;
  /** Length of the header block with its blank line; equals `sizeBytes` when there is no body. */
  readonly headerBytes: number;
  /** The raw header block with its blank line; at most HEADER_BYTES_MAX of it. */
  readonly header: Uint8Array;
  /** The same, read. */
  readonly fields: Header;
  readonly root: Part;
}

/** Parts of one message that are told apart; the rest is text of the last one. */
export const PARTS_MAX = 10_000;
/** Levels of multipart and message/rfc822; what lies deeper is application/octet-stream. */
export const PART_DEPTH_MAX = 100;
/** Octets of a message's own header block that are kept and read. */
export const HEADER_BYTES_MAX = 10 * 1024 * 1024;
/** Octets of all header blocks of parts, together: WHY: a flood of tiny parameters is 25 times as
 * large in memory, and BODYSTRUCTURE writes an octet in up to nine. 3,000 parts with 350 octets fit. */
export const PART_HEADER_BYTES_MAX = 1024 * 1024;
/** Characters of names, parameters, subjects … of all parts together: BODYSTRUCTURE writes one in up
 * to nine octets, and clients ask for thousands. 2,500 parts with 100 each fit; the rest has none. */
export const DESCRIPTION_MAX = 256 * 1024;
/** Addresses in the envelopes of all embedded messages, together. */
const EMBEDDED_ADDRESSES_MAX = 20_000;
/** Octets of a line that are looked at: RFC 5322 §2.1.1 allows 998. */
const LINE_HEAD_MAX = 1_000;
/** WHY: octets turned into a string at once: big enough to be fast, small enough to stay in cache. */
const SLICE_BYTES = 64 * 1024;

/** RFC 5322 §2.2: what a field line begins with. */
const FIELD_LINE = /^[!-9;-~]+[ \t]*:/;

/**
 * Push parser: a state machine over lines (ended by LF or CRLF; a bare CR ends nothing). Linear,
 * total, and the result does not depend on where chunks end. Bodies are neither kept nor decoded;
 * chunks are not kept, so the caller may reuse its buffer.
 */
export class MessageParser {
  /** Open parts, the outermost first. */
  readonly #open: PartBuilder[] = [new PartBuilder("message", 0, 1)];
  readonly #boundaries = new Boundaries();
  #parts = 1;

  /** Octets before the slice at hand. */
  #base = 0;
  /** Lines ended so far. */
  #lines = 0;
  /** Of the line before the one at hand: length of its line end; and whether it was empty. */
  #lastEnd = 0;
  #lastEmpty = true;

  /** The beginning of a line that the slices so far have not ended. */
  #head = "";
  #headBytes = 0;
  #headEndsInCr = false;

  /** Collecting the header block of the innermost part? */
  #inHeader = true;
  #headerLines = 0;
  #headerPieces: Uint8Array[] = [];
  #headerKept = 0;
  #headerBudget = HEADER_BYTES_MAX;
  #addressBudget = EMBEDDED_ADDRESSES_MAX;
  #descriptionBudget = DESCRIPTION_MAX;
  /** Where in the slice at hand the uncollected rest of the header block begins. */
  #keepFrom = 0;

  #rootHeader:
    | { readonly bytes: Uint8Array; readonly fields: Header; readonly end: number }
    | null = null;

  /** Takes the next octets; nothing of the array is kept. */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; at += SLICE_BYTES) {
      this.#slice(chunk.subarray(at, at + SLICE_BYTES));
    }
  }

  /** The message ends here; the parser is used up. */
  finish(): ParsedMessage {
    const end = this.#base;
    this.#keepFrom = 0;
    const unended = this.#headBytes > 0;
    if (unended) this.#line(this.#head, end - this.#headBytes, end, 0, NOTHING);
    while (this.#inHeader) this.#endHeader(end, NOTHING);
    for (const part of this.#open) {
      part.close(end, this.#lines + (unended && part.bodyStart < end ? 1 : 0));
    }
    const root = this.#open[0];
    if (!root || !this.#rootHeader) throw new Error("A message has a root part and a header");
    const { bytes, fields, end: headerBytes } = this.#rootHeader;
    return { sizeBytes: end, headerBytes, header: bytes, fields, root: root.build(headerBytes) };
  }

  #slice(bytes: Uint8Array): void {
    const text = toBinary(bytes);
    this.#keepFrom = 0;
    let at = 0;
    for (let lf = text.indexOf("\n"); lf >= 0; lf = text.indexOf("\n", at)) {
      if (this.#headBytes > 0) this.#endHeadLine(text, lf, bytes);
      else {
        const ending = lf > at && text.charCodeAt(lf - 1) === 0x0d ? 2 : 1;
        if (!this.#inHeader && !(text.charCodeAt(at) === 0x2d && this.#boundaries.size > 0)) {
          this.#lines++;
          this.#lastEnd = ending;
          this.#lastEmpty = lf + 1 - at === ending;
        } else {
          const head = text.slice(at, Math.min(lf + 1 - ending, at + LINE_HEAD_MAX));
          this.#line(head, this.#base + at, this.#base + lf + 1, ending, bytes);
        }
      }
      at = lf + 1;
    }
    if (at < text.length) this.#keepHead(text, at);
    if (this.#inHeader) this.#keep(bytes.subarray(this.#keepFrom));
    this.#base += bytes.length;
  }

  #keepHead(text: string, at: number): void {
    if (this.#head.length < LINE_HEAD_MAX + 1) {
      this.#head += text.slice(at, at + LINE_HEAD_MAX + 1 - this.#head.length);
    }
    this.#headBytes += text.length - at;
    this.#headEndsInCr = text.charCodeAt(text.length - 1) === 0x0d;
  }

  #endHeadLine(text: string, lf: number, bytes: Uint8Array): void {
    const cr = lf > 0 ? text.charCodeAt(lf - 1) === 0x0d : this.#headEndsInCr;
    const ending = cr ? 2 : 1;
    const start = this.#base - this.#headBytes;
    const length = this.#headBytes + lf + 1 - ending;
    const head = (this.#head + text.slice(0, lf + 1)).slice(0, Math.min(length, LINE_HEAD_MAX));
    this.#head = "";
    this.#headBytes = 0;
    this.#line(head, start, this.#base + lf + 1, ending, bytes);
  }

  /** One line, octets [start, end) of which the last `ending` are its line end. */
  #line(head: string, start: number, end: number, ending: number, slice: Uint8Array): void {
    const length = end - start - ending;
    if (length <= LINE_HEAD_MAX && this.#boundaries.size > 0 && head.startsWith("--")) {
      if (this.#boundaryLine(head, start, end, slice)) return this.#count(ending, length);
    }
    while (this.#inHeader) {
      if (length === 0 && ending > 0) {
        this.#count(ending, length);
        return this.#endHeader(end, slice);
      }
      if (!this.#endsHeader(head)) {
        this.#headerLines++;
        break;
      }
      this.#endHeader(start, slice);
    }
    this.#count(ending, length);
  }

  #count(ending: number, length: number): void {
    if (ending === 0) return;
    this.#lines++;
    this.#lastEnd = ending;
    this.#lastEmpty = length === 0;
  }

  /** QUIRK: parts whose generator forgot the blank line; a message header may hold junk lines. */
  #endsHeader(head: string): boolean {
    if (this.#open.at(-1)?.kind !== "child") return false;
    const folded = head.startsWith(" ") || head.startsWith("\t");
    return folded ? this.#headerLines === 0 : !FIELD_LINE.test(head);
  }

  /** Acts on a delimiter (RFC 2046 §5.1.1) of any open multipart; false when the line is none. */
  #boundaryLine(head: string, start: number, end: number, slice: Uint8Array): boolean {
    const found = this.#boundaries.find(head);
    if (!found || (!found.closes && this.#parts >= PARTS_MAX)) return false;
    const { multipart, closes } = found;
    const textEnd = start - this.#lastEnd;
    while (this.#inHeader) this.#endHeader(Math.max(this.#headerStart(), textEnd), slice);
    this.#closeAbove(multipart, start);
    if (closes) this.#boundaries.remove(multipart);
    else {
      this.#parts++;
      this.#begin(multipart.child(end), slice);
    }
    return true;
  }

  #headerStart(): number {
    return this.#open.at(-1)?.headerStart ?? 0;
  }

  /** Closes every part inside `multipart`: a line that starts at `start` is its delimiter. */
  #closeAbove(multipart: PartBuilder, start: number): void {
    let inner = 0;
    for (let part = this.#open.at(-1); part && part !== multipart; part = this.#open.at(-1)) {
      this.#open.pop();
      this.#boundaries.remove(part);
      // RFC 2046 §5.1.1: the line end in front of a delimiter belongs to the delimiter.
      const end = Math.max(part.bodyStart, start - this.#lastEnd, inner);
      const isCut = end < start && this.#lastEmpty;
      part.close(end, end === part.bodyStart ? part.firstLine : this.#lines - (isCut ? 1 : 0));
      inner = end;
    }
  }

  /** Starts collecting the header block of a new innermost part. */
  #begin(part: PartBuilder, slice: Uint8Array): void {
    this.#open.push(part);
    this.#inHeader = true;
    this.#headerLines = 0;
    this.#headerPieces = [];
    this.#headerKept = 0;
    this.#keepFrom = Math.min(slice.length, Math.max(0, part.headerStart - this.#base));
  }

  #keep(bytes: Uint8Array): void {
    // WHY: not slice(), which for a Buffer is a view of memory that the caller reuses.
    const kept = new Uint8Array(bytes.subarray(0, this.#headerBudget - this.#headerKept));
    if (kept.length === 0) return;
    this.#headerPieces.push(kept);
    this.#headerKept += kept.length;
  }

  /** The innermost part's header block ends at `end`, where its body begins. */
  #endHeader(end: number, slice: Uint8Array): void {
    const part = this.#open.at(-1);
    if (!part) return;
    if (end - this.#base > this.#keepFrom) {
      this.#keep(slice.subarray(this.#keepFrom, end - this.#base));
    }
    const kept = concat(this.#headerPieces);
    const bytes = kept.subarray(0, end - part.headerStart);
    this.#headerBudget = this.#rootHeader
      ? this.#headerBudget - bytes.length
      : PART_HEADER_BYTES_MAX;
    this.#inHeader = false;
    const fields = Header.parse(bytes);
    this.#rootHeader ??= { bytes, fields, end };
    part.describe(fields, {
      bodyStart: end,
      firstLine: this.#lines,
      canOpen: part.depth < PART_DEPTH_MAX,
      addressesMax: this.#addressBudget,
      descriptionMax: this.#descriptionBudget,
    });
    this.#descriptionBudget -= part.descriptionLength;
    if (part.envelope) this.#addressBudget -= addressCount(part.envelope);
    if (part.boundary !== null) this.#boundaries.add(part);
    else if (part.isMessage) {
      if (this.#parts >= PARTS_MAX) part.makeOpaque();
      else {
        this.#parts++;
        this.#begin(part.embed(), slice);
        this.#keep(kept.subarray(end - part.headerStart));
      }
    }
  }
}

const NOTHING = new Uint8Array(0);

function addressCount({ from, sender, replyTo, to, cc, bcc }: Envelope): number {
  return from.length + sender.length + replyTo.length + to.length + cc.length + bcc.length;
}

/** Parses a message that is wholly in memory. */
export function parseMessage(bytes: Uint8Array): ParsedMessage {
  const parser = new MessageParser();
  parser.push(bytes);
  return parser.finish();
}
