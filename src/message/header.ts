import { toBinary } from "../lib/bytes.ts";
import { trimBlank } from "./blank.ts";
import { decodeWords } from "./encoded_words.ts";

/** More fields than this are not read: no honest message comes near. */
export const FIELDS_MAX = 10_000;
/** Lines looked at, folds and what is no field included: ten for each field. */
const LINES_MAX = 100_000;
/** Octets of one field body that are read: a To field with 6,000 addresses fits. */
export const FIELD_BODY_MAX = 256 * 1024;

/**
 * A header block (RFC 5322 §2.2): fields in order, names case-insensitive. Lines that are no field
 * (no colon, or white space in the name, as in mbox's `From `) are skipped with their folds.
 */
export class Header {
  readonly #text: string;
  readonly #names: string[] = [];
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  private constructor(text: string) {
    this.#text = text;
    this.#index();
  }

  /** Total and linear: any octets give a header. Reads up to the first blank line. */
  static parse(bytes: Uint8Array): Header {
    return new Header(toBinary(bytes));
  }

  /** The first field of that name: unfolded, trimmed binary string without NUL, CR and LF. */
  get(name: string): string | undefined {
    const index = this.#names.indexOf(name.toLowerCase());
    return index < 0 ? undefined : this.#body(index);
  }

  /** Every field of that name, in order, together at most FIELD_BODY_MAX octets. */
  all(name: string): string[] {
    const wanted = name.toLowerCase();
    const bodies: string[] = [];
    let octets = 0;
    for (let at = this.#names.indexOf(wanted); at >= 0; at = this.#names.indexOf(wanted, at + 1)) {
      const body = this.#body(at);
      octets += body.length;
      if (octets > FIELD_BODY_MAX) break;
      bodies.push(body);
    }
    return bodies;
  }

  /** The first field of that name as Unicode text: RFC 2047 words and raw 8-bit text decoded. */
  decoded(name: string): string | undefined {
    const body = this.get(name);
    return body === undefined ? undefined : decodeWords(body);
  }

  #index(): void {
    const text = this.#text;
    let at = 0;
    let inField = false;
    for (let line = 0; line < LINES_MAX; line++) {
      if (at >= text.length || this.#names.length >= FIELDS_MAX) return;
      const lf = text.indexOf("\n", at);
      const end = lf < 0 ? text.length : lf + 1;
      const first = text.charCodeAt(at);
      if (first === 0x0a || (first === 0x0d && text.charCodeAt(at + 1) === 0x0a)) return;
      if (first === 0x20 || first === 0x09) {
        if (inField) this.#ends[this.#ends.length - 1] = end;
      } else {
        inField = this.#field(at, end);
      }
      at = end;
    }
  }

  #field(start: number, end: number): boolean {
    FIELD_NAME.lastIndex = start;
    const [matched, name] = FIELD_NAME.exec(this.#text) ?? [];
    if (matched === undefined || name === undefined) return false;
    this.#names.push(name.toLowerCase());
    this.#starts.push(start + matched.length);
    this.#ends.push(end);
    return true;
  }

  #body(index: number): string {
    const start = this.#starts[index] ?? 0;
    const end = Math.min(this.#ends[index] ?? start, start + FIELD_BODY_MAX);
    return unfold(this.#text.slice(start, end));
  }
}

/** RFC 5322 §2.2 and §4.5: printable US-ASCII but the colon; obsolete white space before it. */
const FIELD_NAME = /([!-9;-~]{1,256})[ \t]{0,256}:/y;

/** RFC 5322 §2.2.3: line ends in front of white space go; stray CR, LF become spaces, NUL goes. */
function unfold(body: string): string {
  const trimmed = trimBlank(body);
  if (!STRAY.test(trimmed)) return trimmed;
  return trimmed.replace(/\r?\n(?=[ \t])/g, "").replace(/\r\n|\r|\n/g, " ").replaceAll("\0", "");
}

const STRAY = /[\r\n\0]/;
