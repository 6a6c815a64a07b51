/**
 * What a client has switched on by ENABLE (RFC 5161), or by using an extension that says so. Names
 * are upper case.
 */
export class Enabled {
  readonly #names = new Set<string>();

  /** True when this extension is on. */
  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** Switches an extension on, and what it includes; false when it was on. */
  add(name: string): boolean {
    if (this.#names.has(name)) return false;
    this.#names.add(name);
    for (const included of includes.get(name) ?? []) this.#names.add(included);
    return true;
  }

  /** Everything off again: UNAUTHENTICATE, RFC 8437 §3. */
  clear(): void {
    this.#names.clear();
  }

  /** RFC 9051: the client speaks IMAP4rev2. */
  get rev2(): boolean {
    return this.has("IMAP4REV2");
  }

  /** Strings and mailbox names are UTF-8: RFC 6855 §3, RFC 9051 §5.1. */
  get utf8(): boolean {
    return this.rev2 || this.has("UTF8=ACCEPT");
  }

  /** The client wants MODSEQ in FETCH responses: RFC 7162 §3.1. */
  get condstore(): boolean {
    return this.has("CONDSTORE");
  }

  /** VANISHED instead of EXPUNGE: RFC 7162 §3.2. */
  get qresync(): boolean {
    return this.has("QRESYNC");
  }

  /** No message numbers in either direction: RFC 9586 §3. */
  get uidOnly(): boolean {
    return this.has("UIDONLY");
  }
}

// RFC 7162 §3.2.3: QRESYNC includes CONDSTORE.
const includes: ReadonlyMap<string, readonly string[]> = new Map([["QRESYNC", ["CONDSTORE"]]]);
