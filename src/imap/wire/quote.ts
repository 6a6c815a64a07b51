import { toBinary } from "../../lib/bytes.ts";
import { encodeUtf7 } from "../../lib/modified_utf7.ts";

/**
 * The shortest wire form of a binary string that any client reads back unchanged.
 *
 *     astring = 1*ASTRING-CHAR / string                                     RFC 3501 §9
 */
export function renderAstring(text: string): string {
  return PLAIN_ASTRING.test(text) && text.toUpperCase() !== "NIL" ? text : renderString(text);
}

// WHY: narrower than ASTRING-CHAR on purpose, as some clients parse "]" or "+" in atoms wrongly.
const PLAIN_ASTRING = /^[A-Za-z0-9!#$&',./:;<=>?@^_`|~-]+$/;

/**
 *     string = quoted / literal                                             RFC 3501 §9
 *
 * A literal when the text is long or holds what a quoted string cannot: CR, LF, NUL or 8-bit octets.
 * NUL cannot be sent at all outside literal8, so it goes as `?`.
 */
export function renderString(text: string): string {
  if (text.length <= QUOTED_MAX && QUOTABLE.test(text)) return renderQuoted(text);
  return renderLiteral(text.replaceAll("\0", "?"));
}

/** `nstring / literal8` of RFC 5464 §5: octets with NUL are a literal8 (RFC 4466 §2). */
export function renderValue(octets: string): string {
  return octets.includes("\0") ? `~${renderLiteral(octets)}` : renderString(octets);
}

/** RFC 3501 §4.5. */
export function renderNstring(text: string | null | undefined): string {
  return text === null || text === undefined ? "NIL" : renderString(text);
}

/** WHY: clients with fixed line buffers (RFC 2683 §3.2.1.5) meet longer strings as literals. */
const QUOTED_MAX = 1_000;
// deno-lint-ignore no-control-regex
const QUOTABLE = /^[\x01-\x09\x0b\x0c\x0e-\x7f]*$/;

/** A quoted string of text that is known to hold no CR, LF, NUL or 8-bit octet. */
export function renderQuoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** A literal; the text is a binary string, so its length is its octet count. */
export function renderLiteral(text: string): string {
  return `{${text.length}}\r\n${text}`;
}

/**
 *     mailbox = "INBOX" / astring                                           RFC 3501 §9
 *
 * From the Unicode name; modified UTF-7 leaves printable US-ASCII only, and no name holds a
 * control character, so that none can end a line or a string. Always quoted, as every client reads that.
 */
export function renderMailbox(name: string, { utf8 }: { readonly utf8: boolean }): string {
  return renderQuoted(utf8 ? toBinary(encoder.encode(name)) : encodeUtf7(name));
}

const encoder = new TextEncoder();
