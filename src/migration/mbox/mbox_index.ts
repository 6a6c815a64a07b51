import { toBinary } from "../../lib/bytes.ts";

/** One message of an mbox file. */
export interface MboxEntry {
  /** Its "From " line without the end. */
  readonly fromLine: string;
  /** Where its header begins, in octets of the file. */
  readonly start: number;
  /** Behind its last line: the empty line that ends it in the file is no part of it. */
  readonly end: number;
  /** Fields that a mail program put in, and the date: names in lower case, the first of each. */
  readonly fields: ReadonlyMap<string, string>;
}

/** Fields that mbox programs keep flags and UIDs in; they are no part of the message. */
export const STATUS_FIELDS: ReadonlySet<string> = new Set([
  "content-length",
  "status",
  "x-imap",
  "x-imapbase",
  "x-keywords",
  "x-mozilla-keys",
  "x-mozilla-status",
  "x-mozilla-status2",
  "x-status",
  "x-uid",
]);
const DATE = "date";

/** Octets of a line that are looked at. */
const LINE_HEAD_MAX = 2_000;
const LF = 0x0a;

/**
 * RFC 4155 §A: a line "From ", an address and a time. QUIRK: the time is asked for so that a line of
 * text is none, where a program did not quote it.
 */
const FROM_LINE = /^From \S.*\d{1,2}:\d{2}(?::\d{2})?.*\d{4}/;

/** WHY: longer than any address and time, and short enough for a pattern with two stars. */
const FROM_LINE_MAX = 400;

/** Finds the messages of an mbox file, block by block, in one pass and bounded memory for each. */
export class MboxIndex {
  readonly #entries: MboxEntry[] = [];
  /** The beginning of a line that no block has ended yet. */
  #head = "";
  #lineStart = 0;
  #position = 0;
  /** Where the empty line in front of this one begins; null: it is not empty. */
  #blankStart: number | null = 0;
  #open: { fromLine: string; start: number; fields: Map<string, string> } | null = null;
  #inHeader = false;
  #field = "";

  /** The next octets; nothing of the array is kept. */
  push(block: Uint8Array): void {
    let from = 0;
    for (let at = block.indexOf(LF); at >= 0; at = block.indexOf(LF, from)) {
      this.#addHead(block.subarray(from, at));
      this.#line(this.#position + at + 1);
      from = at + 1;
    }
    this.#addHead(block.subarray(from));
    this.#position += block.length;
  }

  /** The file ends here. */
  end(): readonly MboxEntry[] {
    if (this.#position > this.#lineStart) this.#line(this.#position);
    this.#close(this.#blankStart ?? this.#position);
    return this.#entries;
  }

  #addHead(octets: Uint8Array): void {
    const room = LINE_HEAD_MAX - this.#head.length;
    if (room > 0 && octets.length > 0) this.#head += toBinary(octets.subarray(0, room));
  }

  /** The line in `#head` ends in front of `next`. */
  #line(next: number): void {
    const line = this.#head.replace(/\r$/, "");
    const start = this.#lineStart;
    this.#head = "";
    this.#lineStart = next;
    if (
      this.#blankStart !== null && line.startsWith("From ") &&
      (this.#open === null || FROM_LINE.test(line.slice(0, FROM_LINE_MAX)))
    ) {
      this.#close(this.#blankStart);
      this.#open = { fromLine: line, start: next, fields: new Map() };
      this.#inHeader = true;
      this.#field = "";
      this.#blankStart = null;
      return;
    }
    this.#blankStart = line === "" ? start : null;
    if (this.#inHeader) this.#headerLine(line);
  }

  #headerLine(line: string): void {
    const fields = this.#open?.fields;
    if (line === "" || !fields) return void (this.#inHeader = false);
    if (/^[ \t]/.test(line)) {
      const value = fields.get(this.#field);
      if (value !== undefined && value.length < LINE_HEAD_MAX) {
        fields.set(this.#field, `${value} ${line.trim()}`);
      }
      return;
    }
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).trim().toLowerCase();
    const isWanted = (name === DATE || STATUS_FIELDS.has(name)) && !fields.has(name);
    this.#field = isWanted ? name : "";
    if (isWanted) fields.set(name, line.slice(colon + 1).trim());
  }

  #close(end: number): void {
    if (this.#open) this.#entries.push({ ...this.#open, end: Math.max(end, this.#open.start) });
    this.#open = null;
  }
}
