/**
 * SASLprep, RFC 4013, for strings that are compared with stored ones: null when the string holds
 * what none may. Unassigned characters are those of today's Unicode, and the direction of letters is
 * not looked at: what neither can change is which stored string is meant.
 */
export function saslprep(text: string): string | null {
  const prepared = text.replace(SPACES, " ").replace(NOTHING, "").normalize("NFKC");
  return PROHIBITED.test(prepared) ? null : prepared;
}

/** RFC 3454 C.1.2 */
const SPACES = /[\p{Zs}\u200b]/gu;
/** RFC 3454 B.1 */
const NOTHING = /[\u00ad\u034f\u1806\u180b-\u180d\u200c\u200d\u2060\ufe00-\ufe0f\ufeff]/gu;
/** RFC 3454 C.2 to C.9: controls, format and private characters, surrogates, and the unassigned. */
const PROHIBITED = /[\p{C}\p{Zl}\p{Zp}\u0340\u0341\ufff9-\ufffd\u2ff0-\u2ffb]/u;
