/**
 * A strict checker of RFC 3501 §9 `body` and `envelope`, written from the ABNF and knowing nothing
 * of the renderer. Every method is one rule; it throws with the offset where the text departs.
 */
export class BodyGrammar {
  #at = 0;

  private constructor(readonly text: string) {}

  /** Throws unless the whole text is one `body`, with or without extension data. */
  static checkBody(text: string, options: { readonly extended: boolean }): void {
    const grammar = new BodyGrammar(text);
    grammar.#body(options.extended, 1);
    grammar.#end();
  }

  /** Throws unless the whole text is one `envelope`. */
  static checkEnvelope(text: string): void {
    const grammar = new BodyGrammar(text);
    grammar.#envelope();
    grammar.#end();
  }

  /** body = "(" (body-type-1part / body-type-mpart) ")" */
  #body(extended: boolean, depth: number): void {
    if (depth > 200) this.#fail("less depth");
    this.#literally("(");
    if (this.text[this.#at] === "(") {
      while (this.text[this.#at] === "(") this.#body(extended, depth + 1);
      this.#sp();
      this.#string(); // media-subtype
      if (extended) {
        this.#sp();
        this.#parameters();
        this.#extension();
      }
    } else this.#onePart(extended, depth);
    this.#literally(")");
  }

  #onePart(extended: boolean, depth: number): void {
    const type = this.#string().toUpperCase();
    this.#sp();
    const subtype = this.#string().toUpperCase();
    if (type === "MULTIPART") this.#fail("a part list for a multipart");
    this.#sp();
    this.#parameters();
    this.#sp();
    this.#nstring(); // body-fld-id
    this.#sp();
    this.#nstring(); // body-fld-desc
    this.#sp();
    this.#string(); // body-fld-enc
    this.#sp();
    this.#number(); // body-fld-octets
    if (type === "MESSAGE" && subtype === "RFC822") {
      this.#sp();
      this.#envelope();
      this.#sp();
      this.#body(extended, depth + 1);
      this.#sp();
      this.#number();
    } else if (type === "TEXT") {
      this.#sp();
      this.#number();
    }
    if (extended) {
      this.#sp();
      this.#nstring(); // body-fld-md5
      this.#extension();
    }
  }

  /** SP body-fld-dsp SP body-fld-lang SP body-fld-loc, which this server always sends in full. */
  #extension(): void {
    this.#sp();
    if (this.#nil()) { /* body-fld-dsp = nil */ }
    else {
      this.#literally("(");
      this.#string();
      this.#sp();
      this.#parameters();
      this.#literally(")");
    }
    this.#sp();
    if (this.text[this.#at] === "(") {
      this.#literally("(");
      this.#string();
      while (this.text[this.#at] === " ") {
        this.#sp();
        this.#string();
      }
      this.#literally(")");
    } else this.#nstring();
    this.#sp();
    this.#nstring();
  }

  #parameters(): void {
    if (this.#nil()) return;
    this.#literally("(");
    for (;;) {
      this.#string();
      this.#sp();
      this.#string();
      if (this.text[this.#at] !== " ") break;
      this.#sp();
    }
    this.#literally(")");
  }

  #envelope(): void {
    this.#literally("(");
    this.#nstring();
    this.#sp();
    this.#nstring();
    for (let list = 0; list < 6; list++) {
      this.#sp();
      this.#addresses();
    }
    this.#sp();
    this.#nstring();
    this.#sp();
    this.#nstring();
    this.#literally(")");
  }

  #addresses(): void {
    if (this.#nil()) return;
    this.#literally("(");
    do {
      this.#literally("(");
      this.#nstring();
      for (let field = 0; field < 3; field++) {
        this.#sp();
        this.#nstring();
      }
      this.#literally(")");
    } while (this.text[this.#at] === "(");
    this.#literally(")");
  }

  #nstring(): string | null {
    return this.#nil() ? null : this.#string();
  }

  #nil(): boolean {
    if (!this.text.startsWith("NIL", this.#at)) return false;
    this.#at += 3;
    return true;
  }

  /** string = quoted / literal */
  #string(): string {
    if (this.text[this.#at] === "{") return this.#literal();
    this.#literally('"');
    let value = "";
    for (;;) {
      let character = this.text[this.#at++];
      if (character === undefined) return this.#fail("a closing quote");
      if (character === '"') return value;
      if (character === "\\") {
        character = this.text[this.#at++];
        if (character !== '"' && character !== "\\") return this.#fail("a quoted special");
      }
      const code = character?.charCodeAt(0) ?? 0;
      if (code === 0 || code > 0x7f || code === 0x0d || code === 0x0a) {
        return this.#fail("a TEXT-CHAR");
      }
      value += character;
    }
  }

  /** literal = "{" number "}" CRLF *CHAR8; CHAR8 is any octet but NUL. */
  #literal(): string {
    this.#literally("{");
    const length = this.#number();
    this.#literally("}\r\n");
    const value = this.text.slice(this.#at, this.#at + length);
    if (value.length !== length) return this.#fail("a whole literal");
    // deno-lint-ignore no-control-regex
    if (/[^\x01-\xff]/.test(value)) return this.#fail("a CHAR8");
    this.#at += length;
    return value;
  }

  #number(): number {
    const rule = /(?:0|[1-9]\d{0,9})(?!\d)/y;
    rule.lastIndex = this.#at;
    const [digits] = rule.exec(this.text) ?? [];
    if (digits === undefined) return this.#fail("a number");
    this.#at += digits.length;
    return Number(digits);
  }

  #sp(): void {
    this.#literally(" ");
  }

  #literally(expected: string): void {
    if (!this.text.startsWith(expected, this.#at)) this.#fail(JSON.stringify(expected));
    this.#at += expected.length;
  }

  #end(): void {
    if (this.#at !== this.text.length) this.#fail("the end");
  }

  #fail(expected: string): never {
    const near = JSON.stringify(this.text.slice(Math.max(0, this.#at - 40), this.#at + 40));
    throw new Error(`Expected ${expected} at ${this.#at}, near ${near}`);
  }
}
