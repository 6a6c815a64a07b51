import { AddressScanner, type Token } from "./address_scanner.ts";

/**
 * RFC 3501 §9 `address`, binary strings: host null with a mailbox starts a group of that name, all
 * four null ends it. A mailbox without a domain has an empty host.
 */
export interface Address {
  /** The phrase without quoting, or the comment behind a bare address; encoded words left alone. */
  readonly name: string | null;
  /** RFC 5322 §4.4 obs-route, without its colon. */
  readonly route: string | null;
  /** The local part without quoting. */
  readonly mailbox: string | null;
  readonly host: string | null;
}

/** Addresses read of one list; the rest is ignored: as many as a field has room for (header.ts). */
export const ADDRESSES_MAX = 6_000;

/** Words and specials kept of one address; names have a few, routes a few dozen. */
const TOKENS_MAX = 500;

const GROUP_END: Address = { name: null, route: null, mailbox: null, host: null };

/**
 * Reads an address list (RFC 5322 §3.4 and §4.4, and what is seen in the wild) out of an unfolded
 * binary string. Total and linear; stops after `limit` addresses.
 */
export function parseAddresses(text: string, limit = ADDRESSES_MAX): Address[] {
  const scanner = new AddressScanner(text);
  const list: Address[] = [];
  let inGroup = false;
  let pending = new Pending();
  for (let token = scanner.next(); token && list.length < limit; token = scanner.next()) {
    switch (token.kind) {
      case "comma":
        pending.end(list);
        pending = new Pending();
        break;
      case "colon":
        if (inGroup || pending.hasAddress) pending.add({ ...token, kind: "word" });
        else {
          list.push({ name: null, route: null, mailbox: pending.phrase() ?? "", host: null });
          pending = new Pending();
          inGroup = true;
        }
        break;
      case "semicolon":
        // QUIRK: outside a group Outlook users separate addresses by semicolons.
        pending.end(list);
        pending = new Pending();
        if (inGroup) list.push(GROUP_END);
        inGroup = false;
        break;
      default:
        pending.add(token);
    }
  }
  if (list.length < limit) pending.end(list);
  if (inGroup) list.push(GROUP_END);
  return list;
}

/** The tokens of one address until its comma. */
class Pending {
  #outside: Token[] = [];
  #angle: Token[] | null = null;
  #closed = false;
  #comment: string | null = null;
  #at = false;

  /** True once it is clear that this is no group name. */
  get hasAddress(): boolean {
    return this.#at || this.#angle !== null;
  }

  add(token: Token): void {
    if (token.kind === "comment") this.#comment ??= token.text;
    else if (token.kind === "open") this.#angle ??= [];
    else if (token.kind === "close") this.#closed = this.#angle !== null;
    else if (this.#angle) {
      if (!this.#closed && this.#angle.length < TOKENS_MAX) this.#angle.push(token);
    } else if (this.#outside.length < TOKENS_MAX) {
      this.#outside.push(token);
      if (token.kind === "at") this.#at = true;
    }
  }

  /** The words in front, as a phrase: null when there are none. */
  phrase(words: readonly Token[] = this.#outside): string | null {
    if (words.length === 0) return null;
    let text = "";
    for (const word of words) text += word.spaced && text !== "" ? ` ${word.text}` : word.text;
    return text;
  }

  /** Appends what was meant, if anything. */
  end(list: Address[]): void {
    if (this.#angle) {
      const name = this.phrase() ?? this.#comment;
      const { route, spec } = splitRoute(this.#angle);
      const at = lastAt(spec);
      const mailbox = glue(at < 0 ? spec : spec.slice(0, at));
      list.push({ name, route, mailbox, host: at < 0 ? "" : glue(spec.slice(at + 1)) });
    } else if (this.#outside.length > 0) list.push(this.#bare());
  }

  /** An address without angle brackets; words before it (`Joe joe@example.com`) are its name. */
  #bare(): Address {
    const tokens = this.#outside;
    const at = lastAt(tokens);
    if (at < 0) {
      // `root` is a mailbox; `John Doe` and `"Joe"` can only be names.
      const alone = tokens.length === 1 || !tokens.some(({ spaced }, index) => spaced && index > 0);
      return alone
        ? { name: this.#comment, route: null, mailbox: glue(tokens), host: "" }
        : { name: this.phrase(), route: null, mailbox: "", host: "" };
    }
    let start = at - 1;
    while (start > 0 && !(tokens[start]?.spaced && !dotted(tokens, start))) start--;
    const name = start > 0 ? this.phrase(tokens.slice(0, start)) : null;
    return {
      name: name ?? this.#comment,
      route: null,
      mailbox: glue(tokens.slice(Math.max(start, 0), at)),
      host: glue(tokens.slice(at + 1)),
    };
  }
}

/** RFC 5322 §4.4: white space around the dots of a local part is obsolete, not a gap. */
function dotted(tokens: readonly Token[], index: number): boolean {
  const before = tokens[index - 1]?.text ?? "";
  return (tokens[index]?.text ?? "").startsWith(".") || before.endsWith(".");
}

function lastAt(tokens: readonly Token[]): number {
  return tokens.findLastIndex(({ kind }) => kind === "at");
}

function glue(tokens: readonly Token[]): string {
  return tokens.map(({ text }) => text).join("");
}

/** `@a,@b:local@domain` (RFC 5322 §4.4): the route ends at the last colon in front. */
function splitRoute(tokens: readonly Token[]): { route: string | null; spec: readonly Token[] } {
  if (tokens[0]?.kind !== "at") return { route: null, spec: tokens };
  const colon = tokens.findIndex(({ kind, text }) => kind === "colon" || text === ":");
  if (colon < 0) return { route: null, spec: tokens };
  return { route: glue(tokens.slice(0, colon)), spec: tokens.slice(colon + 1) };
}
