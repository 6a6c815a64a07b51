import { concat } from "../lib/bytes.ts";

const LF = 0x0a;
const CR = 0x0d;
const TAB = 0x09;
const SPACE = 0x20;
const COLON = 0x3a;
/** WHY: as much white space in front of a colon (RFC 5322 §4.5) as the parser takes. */
const BLANKS_MAX = 256;
/** What a field name can be at all; anything else is the name of no field. */
const FIELD_NAME = /^[!-9;-~]{1,256}$/;

/**
 * HEADER.FIELDS and HEADER.FIELDS.NOT (RFC 3501 §6.4.5): the fields of a header block that have one of
 * some names, or none of them. One filter serves all messages of a FETCH; it makes no strings.
 */
export class FieldFilter {
  /** The names in lower case, by their first octet. */
  readonly #names = new Map<number, Uint8Array[]>();
  readonly #wanted: boolean;

  /** `wanted`: the named fields pass; otherwise all others, lines that are no field included. */
  constructor(names: readonly string[], wanted: boolean) {
    this.#wanted = wanted;
    for (const name of names) {
      if (!FIELD_NAME.test(name)) continue;
      const octets = Uint8Array.from(name, (character) => lower(character.charCodeAt(0)));
      const first = octets[0] ?? 0;
      const others = this.#names.get(first);
      if (others) others.push(octets);
      else this.#names.set(first, [octets]);
    }
  }

  /** The octets that pass, with their folds, and the blank line if there is one: never added. */
  apply(header: Uint8Array): Uint8Array {
    const kept: Uint8Array[] = [];
    let from = -1; // start of the stretch that passes, -1 outside of one
    for (let at = 0; at < header.length;) {
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
          return concat(kept);
        }
      }
      at = lf < 0 ? header.length : lf + 1;
    }
    if (from >= 0) kept.push(header.subarray(from));
    return concat(kept);
  }

  #isNamed(header: Uint8Array, at: number): boolean {
    const names = this.#names.get(lower(header[at] ?? 0));
    return names !== undefined && names.some((name) => hasName(header, at, name));
  }
}

function hasName(header: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) {
    if (lower(header[at + i] ?? 0) !== name[i]) return false;
  }
  let end = at + name.length;
  while (end - at - name.length < BLANKS_MAX && (header[end] === SPACE || header[end] === TAB)) {
    end++;
  }
  return header[end] === COLON;
}

function lower(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
}
