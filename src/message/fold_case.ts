/**
 * RFC 5051 i;unicode-casemap: what compares equal becomes equal, and the order of the UTF-8 octets
 * is the collation's. Each character becomes its (simple) title case, then is decomposed. Linear.
 */
export function foldCase(text: string): string {
  const upper = text.toUpperCase();
  // WHY: only a few mappings, `ß` to `SS`, are not the simple ones, and those change the length.
  const simple = upper.length === text.length ? upper : text.replace(/./gsu, simpleUpper);
  return simple.normalize("NFKD");
}

function simpleUpper(character: string): string {
  const upper = character.toUpperCase();
  return upper.length === character.length ? upper : character;
}
