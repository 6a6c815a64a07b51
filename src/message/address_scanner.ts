import { trimBlank } from "./blank.ts";

/** One lexical token of an address list; `spaced`: white space or a comment stood before it. */
export interface Token {
  readonly kind:
    | "word"
    | "at"
    | "comma"
    | "colon"
    | "semicolon"
    | "open"
    | "close"
    | "comment";
  readonly text: string;
  readonly spaced: boolean;
}

/**
 * The lexer of RFC 5322 §3.2 for address lists: linear and total. What is never closed (quote,
 * comment) is read as plain text, and is not looked for a second time.
 */
export class AddressScanner {
  readonly #text: string;
  #at = 0;
  #spaced = false;
  #quotesClose = true;
  #commentsClose = true;
  #inAngle = false;

  constructor(text: string) {
    this.#text = text;
  }

  /** The next token; undefined at the end. */
  next(): Token | undefined {
    this.#skipSpace();
    const character = this.#text[this.#at];
    if (character === undefined) return undefined;
    if (character === '"') return this.#quotedString() ?? this.#single("word");
    if (character === "(") return this.#comment() ?? this.#single("word");
    if (character === "<") {
      this.#inAngle = true;
      return this.#single("open");
    }
    if (character === ">") {
      this.#inAngle = false;
      return this.#single("close");
    }
    if (character === ",") return this.#comma();
    const kind = SPECIALS.get(character);
    if (kind === "colon" && this.#inAngle) return this.#single("word");
    if (kind) return this.#single(kind);
    const special = character === "[" ? DOMAIN_LITERAL : character === "=" ? ENCODED_WORD : null;
    return (special && this.#take(special)) ?? this.#take(ATOM) ?? this.#single("word");
  }

  #token(kind: Token["kind"], text: string, end: number): Token {
    const token = { kind, text, spaced: this.#spaced };
    this.#at = end;
    this.#spaced = kind === "comment";
    return token;
  }

  #single(kind: Token["kind"]): Token {
    return this.#token(kind, this.#text[this.#at] ?? "", this.#at + 1);
  }

  #take(rule: RegExp): Token | undefined {
    rule.lastIndex = this.#at;
    const [text] = rule.exec(this.#text) ?? [];
    return text === undefined ? undefined : this.#token("word", text, this.#at + text.length);
  }

  /** Inside `<@a,@b:c@d>` a comma belongs to the route; elsewhere it ends even an unclosed angle. */
  #comma(): Token {
    if (this.#inAngle && ROUTE_GOES_ON.test(this.#text.slice(this.#at, this.#at + 8))) {
      return this.#single("word");
    }
    this.#inAngle = false;
    return this.#single("comma");
  }

  #skipSpace(): void {
    const from = this.#at;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x09) break;
      this.#at++;
    }
    if (this.#at > from) this.#spaced = true;
  }

  #quotedString(): Token | undefined {
    if (!this.#quotesClose) return undefined;
    const text = this.#text;
    let content = "";
    let from = this.#at + 1;
    for (let at = from; at < text.length; at++) {
      const character = text[at];
      if (character === "\\") {
        content += text.slice(from, at);
        from = ++at;
      } else if (character === '"') {
        return this.#token("word", content + text.slice(from, at), at + 1);
      }
    }
    this.#quotesClose = false;
    return undefined;
  }

  #comment(): Token | undefined {
    if (!this.#commentsClose) return undefined;
    const text = this.#text;
    let depth = 0;
    for (let at = this.#at; at < text.length; at++) {
      const character = text[at];
      if (character === "\\") at++;
      else if (character === "(") depth++;
      else if (character === ")" && --depth === 0) {
        const inner = text.slice(this.#at + 1, at).replace(/\\(.)/g, "$1");
        return this.#token("comment", trimBlank(inner), at + 1);
      }
    }
    this.#commentsClose = false;
    return undefined;
  }
}

const SPECIALS: ReadonlyMap<string, Token["kind"]> = new Map([
  ["@", "at"],
  [":", "colon"],
  [";", "semicolon"],
]);

/** RFC 5322 §3.2.3 atext, dots, and every other octet that is not special. */
const ATOM = /[^\s()<>,;:"@]+/y;
/** RFC 5322 §3.4.1; IPv6 literals hold colons. */
const DOMAIN_LITERAL = /\[[^[\]@\s,<>()"]{0,255}\]/y;
/** QUIRK: encoded words with raw specials in them, `=?utf-8?Q?Doe,_Joe?=`. */
const ENCODED_WORD = /=\?[^?\s]{1,64}\?[bBqQ]\?[^?\s]*\?=/y;
const ROUTE_GOES_ON = /^,[ \t]*@/;
