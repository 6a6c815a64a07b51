import { concat, fromBinary, toBinary } from "../lib/bytes.ts";
import type { Steps } from "../lib/steps.ts";

const LF = 0x0a;
const CR = 0x0d;
const TAB = 0x09;
const SPACE = 0x20;
const COLON = 0x3a;
const TILDE = 0x7e;
/** WHY: as much white space in front of a colon (RFC 5322 §4.5) as the parser takes. */
const BLANKS_MAX = 256;
/** What a field name can be at all; anything else is the name of no field. */
const FIELD_NAME = /^[!-9;-~]{1,256}$/;
const NAME_MAX = 256;
/** Names with the same first octet that are compared one by one. */
const COMPARED_MAX = 8;
/** WHY: some 2 ms of work; a header may have millions of lines. */
const LINES_PER_STEP = 20_000;

/**
 * HEADER.FIELDS and HEADER.FIELDS.NOT (RFC 3501 §6.4.5): the fields of a header block that have one of
 * some names, or none of them. One filter serves all messages of a FETCH; it makes no strings unless
 * there are very many names.
 */
export class FieldFilter {
  /** The names in lower case, by their first octet. */
  readonly #names = new Map<number, Uint8Array[]>();
  /** The same where there are many. */
  readonly #many = new Map<number, Set<string>>();
  readonly #wanted: boolean;

  /** `wanted`: the named fields pass; otherwise all others, lines that are no field included. */
  constructor(names: readonly string[], wanted: boolean) {
    this.#wanted = wanted;
    const valid = names.filter((name) => FIELD_NAME.test(name)).map((name) => name.toLowerCase());
    for (const [first, those] of Map.groupBy(valid, (name) => name.charCodeAt(0))) {
      if (those.length > COMPARED_MAX) this.#many.set(first, new Set(those));
      else this.#names.set(first, those.map(fromBinary));
    }
  }

  /** The octets that pass, with their folds, and the blank line if there is one: never added. */
  *apply(header: Uint8Array): Steps<Uint8Array> {
    const done: Uint8Array[] = [];
    let kept: Uint8Array[] = [];
    let from = -1; // start of the stretch that passes, -1 outside of one
    let line = 1;
    for (let at = 0; at < header.length; line++) {
      const lf = header.indexOf(LF, at);
      const first = header[at];
      const isBlankLine = first === LF || (first === CR && lf === at + 1);
      const isFold = at > 0 && (first === SPACE || first === TAB);
      if (!isFold) {
        const keep = isBlankLine || this.#isNamed(header, at) === this.#wanted;
        if (keep && from < 0) from = at;
        else if (!keep && from >= 0) {
          kept.push(header.subarray(from, at));
          from = -1;
        }
        if (isBlankLine) {
          kept.push(header.subarray(from, lf + 1));
          return concat([...done, ...kept]);
        }
      }
      at = lf < 0 ? header.length : lf + 1;
      if (line % LINES_PER_STEP !== 0) continue;
      done.push(concat(kept));
      kept = [];
      yield;
    }
    if (from >= 0) kept.push(header.subarray(from));
    return concat([...done, ...kept]);
  }

  #isNamed(header: Uint8Array, at: number): boolean {
    const first = lower(header[at] ?? 0);
    const names = this.#names.get(first);
    if (names) return names.some((name) => hasName(header, at, name));
    const many = this.#many.get(first);
    return many !== undefined && many.has(nameAt(header, at));
  }
}

function hasName(header: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) {
    if (lower(header[at + i] ?? 0) !== name[i]) return false;
  }
  return isFollowedByColon(header, at + name.length);
}

/** In lower case; empty when there is none. */
function nameAt(header: Uint8Array, at: number): string {
  let end = at;
  while (end - at <= NAME_MAX && isNameOctet(header[end])) end++;
  if (!isFollowedByColon(header, end)) return "";
  return toBinary(header.subarray(at, end)).toLowerCase();
}

function isFollowedByColon(header: Uint8Array, from: number): boolean {
  let at = from;
  while (at - from < BLANKS_MAX && (header[at] === SPACE || header[at] === TAB)) at++;
  return header[at] === COLON;
}

function isNameOctet(octet: number | undefined): boolean {
  return octet !== undefined && octet > SPACE && octet <= TILDE && octet !== COLON;
}

function lower(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
}
