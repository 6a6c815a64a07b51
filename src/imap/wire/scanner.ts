import { fromBinary, isAscii } from "../../lib/bytes.ts";
import { type Modseq, NUMBER_MAX } from "../../lib/ids.ts";
import { decodeUtf7 } from "../../lib/modified_utf7.ts";
import { Refused } from "../../lib/refused.ts";
import { readDate, readDateTime } from "./date_time.ts";
import { type FlagList, readFlags } from "./flags.ts";
import { SequenceSet } from "./sequence_set.ts";
import { WireError } from "./wire_error.ts";

/** Deeper parentheses than this are an attack (Dovecot CVE-2026-27857), never a client. */
export const NESTING_MAX = 100;

/** As large as a number can be told from its neighbours. */
const MODSEQ_MAX = Number.MAX_SAFE_INTEGER;

/** A literal whose octets the command reads itself, as they arrive: APPEND's message. */
export interface LiteralHeader {
  readonly sizeBytes: number;
  /** RFC 7888: the client sends the octets without waiting for us. */
  readonly nonSync: boolean;
  /** RFC 3516 §4.3 literal8: the octets may hold NUL. */
  readonly binary: boolean;
}

/** How a text is read. */
export interface ScannerOptions {
  /** The client has enabled UTF-8 (RFC 6855 §3, RFC 9051 §5.1): strings and names are UTF-8. */
  readonly utf8?: boolean;
  /** Octets that have been read already. */
  readonly at?: number;
}

/**
 * One method per grammar rule, under the RFC's own name for the rule. Works on a whole command that
 * the framer has already limited: a binary string with its literals inline, without the last CRLF.
 * Every method either moves past what it read or throws WireError.
 */
export class Scanner {
  readonly #utf8: boolean;
  #at: number;
  #depth = 0;

  constructor(readonly line: string, { utf8 = false, at = 0 }: ScannerOptions = {}) {
    this.#utf8 = utf8;
    this.#at = at;
  }

  /** Octets read so far. */
  get at(): number {
    return this.#at;
  }

  /** The client has enabled UTF-8. */
  get utf8(): boolean {
    return this.#utf8;
  }

  /** Reads on from an octet that was read before. */
  back(at: number): void {
    this.#at = Math.min(at, this.#at);
  }

  /** The command ends here. */
  end(): void {
    if (this.#at !== this.line.length) this.fail("end of command");
  }

  get atEnd(): boolean {
    return this.#at === this.line.length;
  }

  /** Throws the WireError for this position. */
  fail(expected: string): never {
    throw new WireError(expected, this.#at);
  }

  sp(): this {
    this.#take(SP, "SP");
    return this;
  }

  /** RFC 3501 §9: 1*ATOM-CHAR */
  atom(): string {
    return this.#take(ATOM, "atom");
  }

  /** RFC 3501 §9: 1*ASTRING-CHAR except "+" */
  tag(): string {
    return this.#take(TAG, "tag");
  }

  /** A command or keyword word, upper case. */
  word(): string {
    return this.#take(ATOM, "word").toUpperCase();
  }

  /** True and past it when the text continues with this word or sign, in any case. */
  maybe(text: string): boolean {
    const end = this.#at + text.length;
    const found = this.line.slice(this.#at, end);
    if (found !== text && found.toUpperCase() !== text.toUpperCase()) return false;
    this.#at = end;
    return true;
  }

  /** The text continues with this word or sign, in any case. */
  expect(text: string): this {
    if (!this.maybe(text)) this.fail(text);
    return this;
  }

  /** True when the text continues with this (a sticky expression); nothing is read. */
  continues(rule: RegExp): boolean {
    rule.lastIndex = this.#at;
    return rule.test(this.line);
  }

  /** The next octet as a character, without reading it; "" at the end. */
  peek(): string {
    return this.line.charAt(this.#at);
  }

  /** "(" one level deeper. */
  open(): this {
    this.expect("(");
    if (++this.#depth > NESTING_MAX) this.fail(`at most ${NESTING_MAX} nested lists`);
    return this;
  }

  /** ")" */
  close(): this {
    this.expect(")");
    this.#depth--;
    return this;
  }

  /** "(" item *(SP item) ")"; at least one item. */
  list<T>(item: () => T): T[] {
    const items: T[] = [];
    this.open();
    do items.push(item()); while (this.maybe(" "));
    this.close();
    return items;
  }

  /** RFC 3501 §9: 1*ASTRING-CHAR / string, as a binary string. */
  astring(): string {
    return this.#isString() ? this.string() : this.#take(ASTRING_CHARS, "astring");
  }

  /** RFC 3501 §9: quoted / literal, as a binary string. */
  string(): string {
    if (this.peek() === '"') return this.quoted();
    if (this.#isString()) return this.literal();
    return this.fail("string");
  }

  /** RFC 3501 §9: string / nil */
  nstring(): string | null {
    return this.maybe("NIL") ? null : this.string();
  }

  /** RFC 5464 §5: value = nstring / literal8; only a literal8 may hold NUL. */
  value(): string | null {
    return this.peek() === "~" ? this.#octets() : this.nstring();
  }

  /**
   * RFC 3501 §9: DQUOTE *QUOTED-CHAR DQUOTE; 8-bit octets are let through. RFC 6855 §3: where the
   * client has enabled UTF-8, anything else is an error.
   */
  quoted(): string {
    const at = this.#at;
    const text = this.#take(QUOTED, "quoted").slice(1, -1);
    if (this.#utf8 && asUtf8(text) === null) throw new WireError("UTF-8", at);
    return text.includes("\\") ? text.replace(/\\(["\\])/g, "$1") : text;
  }

  /** RFC 3501 §9, RFC 7888 §8, and literal8 of RFC 3516 with `~` in front. */
  literal(): string {
    const text = this.#octets();
    // RFC 3501 §9: CHAR8 is any octet except NUL.
    if (text.includes("\0")) throw new WireError("literal without NUL", this.#at - text.length);
    return text;
  }

  /** The literal that ends the text read so far; its octets are for the command to read. */
  streamedLiteral(): LiteralHeader {
    const at = this.#at;
    const header = this.#literalHeader();
    if (!this.atEnd) throw new WireError("literal", at);
    return header;
  }

  /**
   * RFC 3501 §9 mailbox, as Unicode in NFC (RFC 9051 §5.1); every spelling of INBOX is "INBOX".
   * A name that no mailbox can have is refused, as that is an answer about the mailbox, not BAD.
   */
  mailbox(): string {
    return this.mailboxAsWritten().normalize("NFC");
  }

  /** The same, but characters are as (de)composed as they came. */
  mailboxAsWritten(): string {
    const at = this.#at;
    const text = this.astring();
    if (text.toUpperCase() === "INBOX") return "INBOX";
    const name = this.#mailboxName(text);
    if (name !== null) return name;
    if (this.#utf8) throw new WireError("UTF-8", at);
    throw new Refused({ kind: "bad-mailbox-name", why: "not modified UTF-7" });
  }

  /**
   * RFC 3501 §9 list-mailbox as Unicode with its wildcards; null when it is not in the client's
   * encoding, which matches nothing.
   */
  listMailbox(): string | null {
    const text = this.#isString() ? this.string() : this.#take(LIST_CHARS, "list-mailbox");
    return this.#mailboxName(text)?.normalize("NFC") ?? null;
  }

  /** RFC 6855 §3: also a client that has enabled nothing may write a name in UTF-8. */
  #mailboxName(text: string): string | null {
    const isUtf8 = this.#utf8 || !isAscii(text);
    return isUtf8 ? asUtf8(text) : decodeUtf7(text);
  }

  /** RFC 3501 §9: sequence-set */
  sequenceSet(): SequenceSet {
    const at = this.#at;
    return SequenceSet.parse(this.#take(SET_CHARS, "sequence-set"), at);
  }

  /** RFC 3501 §9: 0 … 4294967295 */
  number(): number {
    const at = this.#at;
    const n = Number(this.#take(DIGITS, "number"));
    if (n > NUMBER_MAX) throw new WireError("number", at);
    return n;
  }

  /** RFC 9051 §9: 0 … 2^63-1; here up to 2^53-1, beyond what a message or mod-sequence can be. */
  number64(): number {
    const at = this.#at;
    const n = Number(this.#take(DIGITS_64, "number64"));
    if (!Number.isSafeInteger(n)) throw new WireError("number64", at);
    return n;
  }

  /**
   * RFC 7162 §7 mod-sequence-valzer: 0 … 2^63-1. No message ever has one above 2^53-1, so all those
   * are one and the same here.
   */
  modSequenceOrZero(): Modseq {
    return Math.min(Number(this.#take(DIGITS_64, "mod-sequence-valzer")), MODSEQ_MAX) as Modseq;
  }

  /** RFC 7162 §7 mod-sequence-value: the same from 1 on. */
  modSequence(): Modseq {
    const at = this.#at;
    const modseq = this.modSequenceOrZero();
    if (modseq === 0) throw new WireError("mod-sequence-value", at);
    return modseq;
  }

  /** RFC 3501 §9: 1 … 4294967295 */
  nzNumber(): number {
    const at = this.#at;
    const n = this.number();
    if (n === 0) throw new WireError("nz-number", at);
    return n;
  }

  /** RFC 4959 §3: initial-resp = base64 / "="; as written. */
  base64(): string {
    return this.#take(BASE64, "base64");
  }

  /** RFC 3501 §9: one flag as written, `\Seen` or a keyword. */
  flag(): string {
    return this.#take(FLAG_CHARS, "flag");
  }

  /** RFC 3501 §9: "(" [flag *(SP flag)] ")" */
  flagList(): FlagList {
    if (this.maybe("()")) return readFlags([]);
    return readFlags(this.list(() => this.flag()));
  }

  /** RFC 3501 §9: date, quoted or not, as midnight UTC of that day. */
  date(): Date {
    const at = this.#at;
    const date = readDate(this.#take(DATE, "date").replaceAll('"', ""));
    if (!date) throw new WireError("date", at);
    return date;
  }

  /** RFC 3501 §9: date-time */
  dateTime(): Date {
    const at = this.#at;
    const date = readDateTime(this.quoted());
    if (!date) throw new WireError("date-time", at);
    return date;
  }

  #isString(): boolean {
    const next = this.peek();
    return next === '"' || next === "{" || (next === "~" && this.line[this.#at + 1] === "{");
  }

  #octets(): string {
    const { sizeBytes } = this.#literalHeader();
    const start = this.#at;
    if (start + sizeBytes > this.line.length) {
      throw new WireError("literal", start, { incomplete: true });
    }
    this.#at += sizeBytes;
    return this.line.slice(start, this.#at);
  }

  #literalHeader(): LiteralHeader {
    const text = this.#take(LITERAL, "literal");
    const sizeBytes = Number(/\d+/.exec(text)?.[0]);
    return { sizeBytes, nonSync: /[+-]/.test(text), binary: text.startsWith("~") };
  }

  #take(rule: RegExp, name: string): string {
    rule.lastIndex = this.#at; // every rule is sticky: /…/y
    const [text] = rule.exec(this.line) ?? [];
    if (text === undefined) throw new WireError(name, this.#at);
    this.#at += text.length;
    return text;
  }
}

/** Text that came in a quoted string or literal and is UTF-8 by its RFC; null when it is not. */
export function asUtf8(binary: string): string | null {
  try {
    return strictUtf8.decode(fromBinary(binary));
  } catch {
    return null; // WHY: fatal decoding throws only for malformed input.
  }
}
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

// RFC 3501 §9. atom-specials: ( ) { SP CTL % * " \ ]   CTL includes DEL; CHAR is 7-bit.
const SP = / /y;
const ATOM = /[!#$&'+,\-./0-9:;<=>?@A-Z[^_`a-z|}~]+/y;
const ASTRING_CHARS = /[!#$&'+,\-./0-9:;<=>?@A-Z[\]^_`a-z|}~]+/y;
const LIST_CHARS = /[!#$%&'*+,\-./0-9:;<=>?@A-Z[\]^_`a-z|}~]+/y;
const TAG = /[!#$&',\-./0-9:;<=>?@A-Z[\]^_`a-z|}~]+/y;
const FLAG_CHARS = /\\?[!#$&'+,\-./0-9:;<=>?@A-Z[^_`a-z|}~]+/y;
// deno-lint-ignore no-control-regex
const QUOTED = /"(?:[^"\\\x00\r\n]|\\["\\])*"/y;
// RFC 9051 §9: number64; what is larger still is too large, not wrong.
const LITERAL = /~?\{\d{1,20}[+-]?\}\r\n/y;
const SET_CHARS = /[0-9:*,]+|\$/y;
const BASE64 = /=|[A-Za-z0-9+/]+={0,2}/y;
const DIGITS = /\d{1,10}/y;
const DIGITS_64 = /\d{1,19}/y;
const DATE = /"\d{1,2}-[A-Za-z]{3}-\d{4}"|\d{1,2}-[A-Za-z]{3}-\d{4}/y;
