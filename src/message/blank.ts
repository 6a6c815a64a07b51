/**
 * Without white space (SP, HTAB, CR, LF) at both ends. WHY: `trim()` takes U+00A0 for white space,
 * which in a binary string is the last octet of `à` in UTF-8; and a regex would be quadratic.
 */
export function trimBlank(text: string): string {
  let end = text.length;
  while (end > 0 && isBlankCode(text.charCodeAt(end - 1))) end--;
  let start = 0;
  while (start < end && isBlankCode(text.charCodeAt(start))) start++;
  return text.slice(start, end);
}

/** True for SP, HTAB, CR and LF. */
export function isBlankCode(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a;
}

/** True when there is nothing but white space. */
export function isBlank(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (!isBlankCode(text.charCodeAt(at))) return false;
  return true;
}
