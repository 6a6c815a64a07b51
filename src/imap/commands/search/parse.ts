import { fromBinary } from "../../../lib/bytes.ts";
import { Refused } from "../../../lib/refused.ts";
import { decodeCharset, knownCharset } from "../../../message/charset.ts";
import { FLAG } from "../../../store/flags.ts";
import type { SearchCondition, SearchHeader } from "../../../store/search_condition.ts";
import type { Scanner } from "../../wire/scanner.ts";
import { foldCase, type SearchKey } from "./key.ts";
import { sentBefore, sentOn, sentSince } from "./sent.ts";

/** WHY: more than clients send that ask for many message ids at once, and cheap to evaluate. */
const KEYS_MAX = 2_000;
/** WHY: nothing that anybody looks for is longer; each is compared with every text. */
const NEEDLE_BYTES_MAX = 4_096;
/** WHY: OR and NOT nest without parentheses: `OR a OR b OR c d`. */
const DEPTH_MAX = 1_000;
const DAY_MS = 24 * 60 * 60 * 1_000;

/**
 *     search = "SEARCH" [SP "CHARSET" SP astring] 1*(SP search-key)         RFC 3501 §9
 *
 * Throws `unknown-charset`, which is an answer of its own: RFC 3501 §7.1 BADCHARSET.
 */
export function searchKeys(wire: Scanner): SearchKey {
  const named = wire.maybe("CHARSET ");
  const charset = named ? wire.astring() : "utf-8";
  if (named) wire.sp();
  if (!knownCharset(charset)) throw new Refused({ kind: "unknown-charset", charset });
  return new Parser(wire, charset).keys();
}

class Parser {
  readonly #wire: Scanner;
  readonly #charset: string;
  #count = 0;
  #depth = 0;

  constructor(wire: Scanner, charset: string) {
    this.#wire = wire;
    this.#charset = charset;
  }

  /** `search-key *(SP search-key)`: all of them. */
  keys(): SearchKey {
    const keys = [this.key()];
    while (this.#wire.maybe(" ")) keys.push(this.key());
    return all(keys);
  }

  key(): SearchKey {
    const wire = this.#wire;
    if (++this.#count > KEYS_MAX) wire.fail(`at most ${KEYS_MAX} search keys`);
    if (++this.#depth > DEPTH_MAX) wire.fail("less nesting");
    try {
      if (wire.peek() === "(") return this.#list();
      if (/[\d*]/.test(wire.peek())) return { kind: "set", set: wire.sequenceSet(), byUid: false };
      const read = readers.get(wire.word()) ?? wire.fail("search-key");
      return read(this);
    } finally {
      this.#depth--;
    }
  }

  #list(): SearchKey {
    this.#wire.open();
    const keys = this.keys();
    this.#wire.close();
    return keys;
  }

  get wire(): Scanner {
    return this.#wire;
  }

  next(): SearchKey {
    this.#wire.sp();
    return this.key();
  }

  /** A text to be looked for, in lower case. */
  needle(): string {
    return foldCase(this.text());
  }

  /** An astring in the charset of the command. */
  text(): string {
    const binary = this.#wire.sp().astring();
    if (binary.length > NEEDLE_BYTES_MAX) this.#wire.fail("a shorter string");
    return decodeCharset(fromBinary(binary), this.#charset);
  }

  date(): Date {
    return this.#wire.sp().date();
  }
}

type Reader = (parser: Parser) => SearchKey;

/** Every key of RFC 3501 §6.4.4. WHY a Map: no client may find `constructor` in it. */
const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["ALL", () => stored({ everything: true })],
  ["ANSWERED", () => stored({ flagsSet: FLAG.answered })],
  ["BCC", (parser) => header("bcc", parser)],
  ["BEFORE", (parser) => stored({ internalDate: { before: parser.date() } })],
  ["BODY", (parser) => ({ kind: "text", where: "body", needle: parser.needle() })],
  ["CC", (parser) => header("cc", parser)],
  ["DELETED", () => stored({ flagsSet: FLAG.deleted })],
  ["DRAFT", () => stored({ flagsSet: FLAG.draft })],
  ["FLAGGED", () => stored({ flagsSet: FLAG.flagged })],
  ["FROM", (parser) => header("from", parser)],
  ["HEADER", namedField],
  ["KEYWORD", ({ wire }) => stored({ keyword: wire.sp().atom() })],
  ["LARGER", ({ wire }) => stored({ larger: wire.sp().number() })],
  ["NEW", () => all([{ kind: "recent" }, stored({ flagsClear: FLAG.seen })])],
  ["NOT", (parser) => ({ kind: "not", key: parser.next() })],
  ["OLD", () => ({ kind: "not", key: { kind: "recent" } })],
  ["ON", (parser) => stored({ internalDate: wholeDay(parser.date()) })],
  ["OR", (parser) => ({ kind: "any", keys: [parser.next(), parser.next()] })],
  ["RECENT", () => ({ kind: "recent" })],
  ["SEEN", () => stored({ flagsSet: FLAG.seen })],
  ["SENTBEFORE", (parser) => sentBefore(parser.date())],
  ["SENTON", (parser) => sentOn(parser.date())],
  ["SENTSINCE", (parser) => sentSince(parser.date())],
  ["SINCE", (parser) => stored({ internalDate: { from: parser.date() } })],
  ["SMALLER", ({ wire }) => stored({ smaller: wire.sp().number() })],
  ["SUBJECT", (parser) => header("subject", parser)],
  ["TEXT", (parser) => ({ kind: "text", where: "all", needle: parser.needle() })],
  ["TO", (parser) => header("to", parser)],
  ["UID", ({ wire }) => ({ kind: "set", set: wire.sp().sequenceSet(), byUid: true })],
  ["UNANSWERED", () => stored({ flagsClear: FLAG.answered })],
  ["UNDELETED", () => stored({ flagsClear: FLAG.deleted })],
  ["UNDRAFT", () => stored({ flagsClear: FLAG.draft })],
  ["UNFLAGGED", () => stored({ flagsClear: FLAG.flagged })],
  ["UNKEYWORD", ({ wire }) => stored({ not: { keyword: wire.sp().atom() } })],
  ["UNSEEN", () => stored({ flagsClear: FLAG.seen })],
]);

function all(keys: readonly SearchKey[]): SearchKey {
  const [only] = keys;
  return only && keys.length === 1 ? only : { kind: "all", keys };
}

function stored(condition: SearchCondition): SearchKey {
  return { kind: "stored", condition };
}

function wholeDay(from: Date): { readonly from: Date; readonly before: Date } {
  return { from, before: new Date(from.getTime() + DAY_MS) };
}

function header(name: SearchHeader, parser: Parser): SearchKey {
  return stored({ header: name, contains: parser.text() });
}

/** `"HEADER" SP header-fld-name SP astring`; an empty string asks for any field of that name. */
function namedField(parser: Parser): SearchKey {
  const name = parser.wire.sp().astring().toLowerCase();
  const text = parser.text();
  switch (name) {
    case "from":
    case "to":
    case "cc":
    case "bcc":
    case "subject":
      if (text !== "") return stored({ header: name, contains: text });
      break;
    case "message-id":
      // WHY: a whole id is what clients ask for, and the store has an index for it.
      if (WHOLE_ID.test(text)) return stored({ messageId: text });
      break;
  }
  return { kind: "field", name, needle: foldCase(text) };
}

/** Without quotes, which are no part of an id as it is stored: RFC 5256 §2.2. */
const WHOLE_ID = /^<[!#-;=?-~]+>$/;
