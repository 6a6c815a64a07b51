import { Refused } from "../lib/refused.ts";

/** The hierarchy delimiter, always. */
export const DELIMITER = "/";
/** The character behind it: keys from "x/" to "x0" are what lies below "x". */
export const AFTER_DELIMITER = "0";
/** Of one level: what file systems and other servers take when mail is moved on. */
const SEGMENT_BYTES_MAX = 255;
/** Of a whole name: it is written into single protocol lines. */
const NAME_BYTES_MAX = 1024;
/** Levels: what a client can still draw. */
const DEPTH_MAX = 32;

// deno-lint-ignore no-control-regex
const FORBIDDEN = /[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\u{d800}-\u{dfff}]/u;
const utf8 = new TextEncoder();

/**
 * A mailbox name as it is stored: NFC, "INBOX" in upper case where it is the first level. Throws
 * `bad-mailbox-name` for empty, "." and ".." levels, control characters and what is too long.
 */
export function cleanMailboxName(name: string): string {
  const segments = name.normalize("NFC").split(DELIMITER);
  if (segments.length > DEPTH_MAX) throw bad(`more than ${DEPTH_MAX} levels`);
  if (FORBIDDEN.test(name)) throw bad("a control character or malformed Unicode");
  for (const segment of segments) {
    if (segment === "") throw bad("an empty level");
    if (segment === "." || segment === "..") throw bad(`"${segment}" as a level`);
    if (utf8.encode(segment).length > SEGMENT_BYTES_MAX) throw bad("a level that is too long");
  }
  // RFC 3501 §5.1: INBOX in any case is the same mailbox.
  if (segments[0]?.toLowerCase() === "inbox") segments[0] = "INBOX";
  const cleaned = segments.join(DELIMITER);
  if (utf8.encode(cleaned).length > NAME_BYTES_MAX) throw bad("too long");
  return cleaned;
}

/** What two names of the same mailbox have in common: names are compared without case. */
export function mailboxKey(name: string): string {
  return name.normalize("NFC").toLowerCase().normalize("NFC");
}

/** The names above it, outermost first: "a/b/c" gives "a", "a/b". */
export function parentNames(name: string): string[] {
  const parents: string[] = [];
  for (let at = name.indexOf(DELIMITER); at >= 0; at = name.indexOf(DELIMITER, at + 1)) {
    parents.push(name.slice(0, at));
  }
  return parents;
}

function bad(why: string): Refused {
  return new Refused({ kind: "bad-mailbox-name", why });
}
