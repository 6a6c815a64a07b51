/** A key of a TOML document: names, and numbers for the elements of arrays. */
export type KeyPath = readonly (string | number)[];

/** Both 1-based; the column in UTF-16 code units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** WHY: no setting is nested deeper; without a limit a line of dots would cost quadratic time. */
const DEPTH_MAX = 32;

/**
 * Where every key of a TOML text stands, because the TOML parser gives values without positions.
 * Total and linear: a text that is no TOML gives fewer positions, never an error. A key belongs to
 * the place where it is first written; a table header to its bracket.
 */
export class PositionIndex {
  readonly #offsets: ReadonlyMap<string, number>;
  readonly #lineStarts: readonly number[];

  constructor(text: string) {
    this.#offsets = new Scan(text).run();
    const starts = [0];
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
    this.#lineStarts = starts;
  }

  /** Where the key stands, or else its nearest ancestor; the document stands at 1:1. */
  at(path: KeyPath): Position {
    for (let length = Math.min(path.length, DEPTH_MAX); length > 0; length--) {
      const offset = this.#offsets.get(keyOf(path.slice(0, length)));
      if (offset !== undefined) return this.position(offset);
    }
    return { line: 1, column: 1 };
  }

  /** True when the key itself is written in the text. */
  has(path: KeyPath): boolean {
    return this.#offsets.has(keyOf(path));
  }

  /** The line and column of an offset into the text. */
  position(offset: number): Position {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.#lineStarts[low] ?? 0) + 1 };
  }
}

function keyOf(path: KeyPath): string {
  return JSON.stringify(path);
}

const SPACE = /[ \t]*/y;
const BLANK = /(?:[ \t\r\n]|#[^\n]*)*/y;
const REST_OF_LINE = /[^\n]*\n?/y;
const BARE_KEY = /[^\s.=[\]{},#"']+/y;
const BASIC_STRING = /"(?:[^"\\\n]|\\[^\n])*"?/y;
const LITERAL_STRING = /'[^'\n]*'?/y;
const BARE_VALUE = /[^\s,\]}#]+(?:[ \t]+[^\s,\]}#]+)*/y;

/** One pass over the text; every method leaves `#at` at or after where it began. */
class Scan {
  readonly #text: string;
  readonly #offsets = new Map<string, number>();
  /** How many elements each array of tables has so far. */
  readonly #lengths = new Map<string, number>();
  #at = 0;
  #table: KeyPath = [];

  constructor(text: string) {
    this.#text = text;
  }

  run(): ReadonlyMap<string, number> {
    for (;;) {
      this.#take(BLANK);
      if (this.#at >= this.#text.length) return this.#offsets;
      if (this.#text[this.#at] === "[") this.#header();
      else this.#assignment(this.#table, 0);
      this.#take(REST_OF_LINE);
    }
  }

  #header(): void {
    const start = this.#at;
    const isArray = this.#text.startsWith("[[", start);
    this.#at += isArray ? 2 : 1;
    const names = this.#dottedKey();
    if (names.length === 0) return;
    const path: (string | number)[] = [];
    for (const [i, name] of names.entries()) {
      path.push(name);
      this.#note(path, start);
      const length = this.#lengths.get(keyOf(path));
      if (isArray && i === names.length - 1) {
        this.#lengths.set(keyOf(path), (length ?? 0) + 1);
        path.push(length ?? 0);
        this.#note(path, start);
      } else if (length !== undefined) path.push(length - 1);
    }
    this.#table = path;
  }

  /** `key = value` within `table`; stops where it understands nothing. */
  #assignment(table: KeyPath, depth: number): void {
    const start = this.#at;
    const names = this.#dottedKey();
    const path: (string | number)[] = [...table];
    for (const name of names) {
      path.push(name);
      if (path.length > DEPTH_MAX) break;
      this.#note(path, start);
    }
    this.#take(SPACE);
    if (names.length === 0 || this.#text[this.#at] !== "=") return;
    this.#at++;
    this.#take(SPACE);
    this.#value(path, depth);
  }

  #value(path: KeyPath, depth: number): void {
    const open = this.#text[this.#at];
    if (open === '"' || open === "'") this.#string(open);
    else if (depth >= DEPTH_MAX) return;
    else if (open === "[") this.#array(path, depth);
    else if (open === "{") this.#inlineTable(path, depth);
    else this.#take(BARE_VALUE);
  }

  #array(path: KeyPath, depth: number): void {
    this.#at++;
    for (let n = 0;; n++) {
      this.#take(BLANK);
      if (this.#closes("]")) return;
      const start = this.#at;
      this.#note([...path, n], start);
      this.#value([...path, n], depth + 1);
      this.#take(BLANK);
      if (this.#text[this.#at] === ",") this.#at++;
      else if (this.#at === start) return; // WHY: not TOML; the caller goes on with the next line.
    }
  }

  #inlineTable(path: KeyPath, depth: number): void {
    this.#at++;
    for (;;) {
      this.#take(BLANK);
      if (this.#closes("}")) return;
      const start = this.#at;
      this.#assignment(path, depth + 1);
      this.#take(BLANK);
      if (this.#text[this.#at] === ",") this.#at++;
      else if (this.#at === start) return;
    }
  }

  /** True at the closing bracket, which is taken, and at the end of the text. */
  #closes(bracket: string): boolean {
    if (this.#at >= this.#text.length) return true;
    if (this.#text[this.#at] !== bracket) return false;
    this.#at++;
    return true;
  }

  #string(quote: string): void {
    const triple = quote.repeat(3);
    if (!this.#text.startsWith(triple, this.#at)) {
      this.#take(quote === '"' ? BASIC_STRING : LITERAL_STRING);
      return;
    }
    let end = this.#text.indexOf(triple, this.#at + 3);
    while (end > 0 && quote === '"' && this.#isEscaped(end)) {
      end = this.#text.indexOf(triple, end + 1);
    }
    this.#at = end < 0 ? this.#text.length : end + 3;
    // TOML: up to two quotes may stand directly before the closing three.
    while (end > 0 && this.#at < end + 5 && this.#text[this.#at] === quote) this.#at++;
  }

  #isEscaped(at: number): boolean {
    let backslashes = 0;
    while (backslashes < at && this.#text[at - 1 - backslashes] === "\\") backslashes++;
    return backslashes % 2 === 1;
  }

  #dottedKey(): string[] {
    const names: string[] = [];
    while (names.length < DEPTH_MAX) {
      this.#take(SPACE);
      const name = this.#simpleKey();
      if (name === undefined) break;
      names.push(name);
      this.#take(SPACE);
      if (this.#text[this.#at] !== ".") break;
      this.#at++;
    }
    return names;
  }

  #simpleKey(): string | undefined {
    const quote = this.#text[this.#at];
    if (quote === "'") return this.#take(LITERAL_STRING).slice(1, -1);
    if (quote === '"') return unescaped(this.#take(BASIC_STRING));
    const bare = this.#take(BARE_KEY);
    return bare === "" ? undefined : bare;
  }

  #take(rule: RegExp): string {
    rule.lastIndex = this.#at;
    const text = rule.exec(this.#text)?.[0] ?? "";
    this.#at += text.length;
    return text;
  }

  /** The first place wins: `[servers]` stands where its first member stands. */
  #note(path: KeyPath, offset: number): void {
    const key = keyOf(path);
    if (!this.#offsets.has(key)) this.#offsets.set(key, offset);
  }
}

/** A quoted key without quotes and escapes; TOML's escapes are JSON's but for `\U` and `\e`. */
function unescaped(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted.slice(1, -1);
  }
}
