import { fromBinary } from "../../../lib/bytes.ts";
import { Refused } from "../../../lib/refused.ts";
import { foldCase } from "../../../message/fold_case.ts";
import { decodeCharset, knownCharset } from "../../../message/charset.ts";
import { FLAG } from "../../../store/flags.ts";
import type { SearchCondition, SearchHeader } from "../../../store/search_condition.ts";
import type { Scanner } from "../../wire/scanner.ts";
import { hashOfEmailId, rootOfThreadId } from "../../object_id.ts";
import type { SearchKey } from "./key.ts";
import { sentBefore, sentOn, sentSince } from "./sent.ts";

/** WHY: more than clients send that ask for many message ids at once, and cheap to evaluate. */
const KEYS_MAX = 1_000;
/** WHY: nothing that anybody looks for is longer; each is compared with every text. */
const NEEDLE_BYTES_MAX = 4_096;
/** WHY: OR and NOT nest without parentheses: `OR a OR b OR c d`. */
const DEPTH_MAX = 1_000;
/** A moment is near the day, or far from it, and the header tells which day it names. */
const PARTS_MAX = 4;
/** WHY: each word is looked for by itself. */
const FUZZY_WORDS_MAX = 20;
const DAY_MS = 24 * 60 * 60 * 1_000;

/**
 *     search = "SEARCH" [SP "CHARSET" SP astring] 1*(SP search-key)         RFC 3501 §9
 *
 * Throws `unknown-charset`, which is an answer of its own: RFC 3501 §7.1 BADCHARSET.
 */
export function searchKeys(wire: Scanner): SearchKey {
  const charset = wire.maybe("CHARSET ") ? wire.astring() : null;
  if (charset !== null) wire.sp();
  return searchProgram(wire, charset);
}

/** `1*(SP search-key)` in a charset that was named before, or in UTF-8. */
function searchProgram(wire: Scanner, charset: string | null): SearchKey {
  // RFC 6855 §3: where everything is UTF-8 no charset may be named.
  if (charset !== null && wire.utf8) wire.fail("no CHARSET");
  if (charset !== null && !knownCharset(charset)) {
    throw new Refused({ kind: "unknown-charset", charset });
  }
  return new Parser(wire, charset ?? "utf-8").keys();
}

/**
 *     search-criteria = charset 1*(SP search-key)          RFC 5256 §5
 *
 * Throws `unknown-charset`.
 */
export function searchCriteria(wire: Scanner): SearchKey {
  const charset = wire.astring();
  wire.sp();
  // RFC 6855 §3: where everything is UTF-8 no other charset may be named; here one must be.
  const isNeeded = wire.utf8 && /^(?:utf-8|us-ascii)$/i.test(charset);
  return searchProgram(wire, isNeeded ? null : charset);
}

class Parser {
  readonly #wire: Scanner;
  readonly #charset: string;
  #count = 0;
  #depth = 0;
  #isFuzzy = false;

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
      if (/[\d*$]/.test(wire.peek())) return { kind: "set", set: wire.sequenceSet(), byUid: false };
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

  /** RFC 6203 §3: what follows, once as it is and once with any of its words anywhere. */
  fuzzy(): SearchKey {
    const before = this.#isFuzzy;
    const at = this.#wire.sp().at;
    const exact = this.key();
    this.#wire.back(at);
    this.#isFuzzy = true;
    const loose = this.key();
    this.#isFuzzy = before;
    return { kind: "fuzzy", exact, loose };
  }

  /** A key for a text, or, in a fuzzy search, one for each of its words. */
  texts(make: (text: string) => SearchKey): SearchKey {
    const text = this.text();
    const words = this.#isFuzzy ? text.split(/[\s\p{P}]+/u).filter((word) => word !== "") : [];
    return words.length > 1 ? all(words.slice(0, FUZZY_WORDS_MAX).map(make)) : make(text);
  }

  /** An astring in the charset of the command. */
  text(): string {
    const binary = this.#wire.sp().astring();
    if (binary.length > NEEDLE_BYTES_MAX) this.#wire.fail("a shorter string");
    return decodeCharset(fromBinary(binary), this.#charset);
  }

  /** The key under way counts as the keys that it is made of. */
  compound(): this {
    this.#count += PARTS_MAX - 1;
    return this;
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
  ["BODY", (parser) => parser.texts((text) => inText("body", text))],
  ["CC", (parser) => header("cc", parser)],
  ["DELETED", () => stored({ flagsSet: FLAG.deleted })],
  ["DRAFT", () => stored({ flagsSet: FLAG.draft })],
  ["EMAILID", ({ wire }) => objectId(hashOfEmailId(wire.sp().atom()), (hash) => ({ hash }))],
  ["FLAGGED", () => stored({ flagsSet: FLAG.flagged })],
  ["FUZZY", (parser) => parser.fuzzy()],
  ["FROM", (parser) => header("from", parser)],
  ["HEADER", namedField],
  ["KEYWORD", ({ wire }) => stored({ keyword: wire.sp().atom() })],
  ["LARGER", ({ wire }) => stored({ larger: wire.sp().number() })],
  ["MODSEQ", modseq],
  ["NEW", () => all([{ kind: "recent" }, stored({ flagsClear: FLAG.seen })])],
  ["NOT", (parser) => ({ kind: "not", key: parser.next() })],
  ["OLD", () => ({ kind: "not", key: { kind: "recent" } })],
  ["OLDER", (parser) => age(parser, { isYounger: false })],
  ["ON", (parser) => stored({ internalDate: wholeDay(parser.date()) })],
  ["OR", (parser) => ({ kind: "any", keys: [parser.next(), parser.next()] })],
  ["RECENT", () => ({ kind: "recent" })],
  ["SAVEDATESUPPORTED", () => stored({ everything: true }, "SAVEDATE")],
  ["SAVEDBEFORE", (parser) => stored({ savedDate: { before: parser.date() } }, "SAVEDATE")],
  ["SAVEDON", (parser) => stored({ savedDate: wholeDay(parser.date()) }, "SAVEDATE")],
  ["SAVEDSINCE", (parser) => stored({ savedDate: { from: parser.date() } }, "SAVEDATE")],
  ["SEEN", () => stored({ flagsSet: FLAG.seen })],
  ["SENTBEFORE", (parser) => sentBefore(parser.compound().date())],
  ["SENTON", (parser) => sentOn(parser.compound().date())],
  ["SENTSINCE", (parser) => sentSince(parser.compound().date())],
  ["SINCE", (parser) => stored({ internalDate: { from: parser.date() } })],
  ["SMALLER", ({ wire }) => stored({ smaller: wire.sp().number() })],
  ["SUBJECT", (parser) => header("subject", parser)],
  ["TEXT", (parser) => parser.texts((text) => inText("all", text))],
  [
    "THREADID",
    ({ wire }) => objectId(rootOfThreadId(wire.sp().atom()), (threadRoot) => ({ threadRoot })),
  ],
  ["TO", (parser) => header("to", parser)],
  ["UID", ({ wire }) => ({ kind: "set", set: wire.sp().sequenceSet(), byUid: true })],
  ["UNANSWERED", () => stored({ flagsClear: FLAG.answered })],
  ["UNDELETED", () => stored({ flagsClear: FLAG.deleted })],
  ["UNDRAFT", () => stored({ flagsClear: FLAG.draft })],
  ["UNFLAGGED", () => stored({ flagsClear: FLAG.flagged })],
  ["UNKEYWORD", ({ wire }) => stored({ not: { keyword: wire.sp().atom() } })],
  ["UNSEEN", () => stored({ flagsClear: FLAG.seen })],
  ["YOUNGER", (parser) => age(parser, { isYounger: true })],
]);

function all(keys: readonly SearchKey[]): SearchKey {
  const [only] = keys;
  return only && keys.length === 1 ? only : { kind: "all", keys };
}

function stored(condition: SearchCondition, extension?: string): SearchKey {
  return extension === undefined
    ? { kind: "stored", condition }
    : { kind: "stored", condition, extension };
}

function wholeDay(from: Date): { readonly from: Date; readonly before: Date } {
  return { from, before: new Date(from.getTime() + DAY_MS) };
}

function header(name: SearchHeader, parser: Parser): SearchKey {
  return parser.texts((contains) => stored({ header: name, contains }));
}

function inText(where: "body" | "all", text: string): SearchKey {
  return { kind: "text", where, needle: foldCase(text) };
}

/** `( "OLDER" / "YOUNGER" ) SP nz-number`: RFC 5032 §3. */
function age({ wire }: Parser, { isYounger }: { readonly isYounger: boolean }): SearchKey {
  return { kind: "age", seconds: wire.sp().nzNumber(), isYounger };
}

/** What is no id of ours is nobody's. */
function objectId<T>(id: T | null, condition: (id: T) => SearchCondition): SearchKey {
  return stored(id === null ? { any: [] } : condition(id), "OBJECTID");
}

/**
 *     search-modsequence = "MODSEQ" [search-modseq-ext] SP mod-sequence-valzer      RFC 7162 §7
 *
 * Per-entry mod-sequences are not kept: RFC 7162 §3.1.5 lets one of the message stand for them.
 */
function modseq({ wire }: Parser): SearchKey {
  wire.sp();
  if (wire.peek() === '"') {
    if (!/^\/flags\/./.test(wire.quoted())) wire.fail("entry-name");
    wire.sp();
    if (!["ALL", "PRIV", "SHARED"].includes(wire.word())) wire.fail("entry-type-req");
    wire.sp();
  }
  return stored({ modseqFrom: wire.modSequenceOrZero() });
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
