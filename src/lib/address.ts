/** RFC 5321 §4.5.3.1.1 allows 64; SRS and VERP senders exceed it, so the limit is wider. */
const LOCAL_LENGTH_MAX = 256;
/** RFC 5321 §4.5.3.1.2. */
const DOMAIN_LENGTH_MAX = 255;
/** Both with their "@", quotes and white space around them: nothing longer is looked at. */
const TEXT_LENGTH_MAX = 2000;

/** A mail address, taken apart. */
export interface ParsedAddress {
  /** Before the "@", unquoted, in the case it was written in, `+detail` included. */
  readonly local: string;
  /** RFC 5233: behind the first "+" of the local part, in its own case; null without one. */
  readonly detail: string | null;
  /** Lower case. */
  readonly domain: string;
  /** What accounts are looked up by: lower case, without `+detail`. */
  readonly base: string;
}

/**
 * RFC 5321 §4.1.2 `Mailbox` without address literals, wide enough for RFC 6531: null for anything
 * else. Surrounding white space is dropped. A quoted local part is taken by its meaning.
 */
export function parseAddress(text: string): ParsedAddress | null {
  if (text.length > TEXT_LENGTH_MAX) return null;
  const trimmed = text.trim().normalize("NFC");
  const at = trimmed.lastIndexOf("@");
  if (at < 1) return null;
  const local = unquote(trimmed.slice(0, at));
  const domain = trimmed.slice(at + 1).toLowerCase();
  if (local === null || local.length > LOCAL_LENGTH_MAX || !LOCAL.test(local)) return null;
  if (domain.length > DOMAIN_LENGTH_MAX) return null;
  if (!domain.split(".").every((label) => LABEL.test(label))) return null;
  const plus = local.indexOf("+");
  // WHY: "+x@y" has nothing in front of its detail, so it is all name.
  const user = plus > 0 ? local.slice(0, plus) : local;
  return {
    local,
    detail: plus > 0 ? local.slice(plus + 1) : null,
    domain,
    base: `${user.toLowerCase()}@${domain}`,
  };
}

/** No control character, white space, quote, bracket or second "@"; well-formed Unicode. */
// deno-lint-ignore no-control-regex
const LOCAL = /^[^\x00-\x20\x7f-\xa0"(),:;<>@[\\\]\u2028\u2029\u{d800}-\u{dfff}]+$/u;
/** One label of a domain: letters, digits, "_", non-ASCII, and hyphens inside. */
const LABEL = /^(?!-)[-a-z0-9_\u{a1}-\u{d7ff}\u{e000}-\u{10ffff}]+(?<!-)$/u;

/** RFC 5321 §4.1.2 Quoted-string by its meaning; null when the quotes do not match. */
function unquote(local: string): string | null {
  if (!local.startsWith('"')) return local;
  if (local.length < 2 || !local.endsWith('"')) return null;
  const inner = local.slice(1, -1);
  if (!/^(?:[^"\\]|\\.)*$/s.test(inner)) return null;
  return inner.replaceAll(/\\(.)/gs, "$1");
}
