import { toBinary } from "../lib/bytes.ts";

/**
 * The octets of a header block whose fields pass, with their folds, and the blank line if there is
 * one (RFC 3501 §6.4.5: it is never added). Names are in lower case; a line that is no field has
 * the name "". Views into `header`, adjacent ones joined.
 */
export function filterFields(
  header: Uint8Array,
  passes: (name: string) => boolean,
): Uint8Array[] {
  const text = toBinary(header);
  const kept: Uint8Array[] = [];
  let from = -1; // start of the stretch that passes, -1 outside of one
  let at = 0;
  while (at < text.length) {
    const lf = text.indexOf("\n", at);
    const first = text.charCodeAt(at);
    const isFold = at > 0 && (first === 0x20 || first === 0x09);
    if (!isFold) {
      const isBlankLine = first === 0x0a || (first === 0x0d && lf === at + 1);
      const keep = isBlankLine || passes(nameAt(text, at));
      if (keep && from < 0) from = at;
      else if (!keep && from >= 0) {
        kept.push(header.subarray(from, at));
        from = -1;
      }
      if (isBlankLine) {
        kept.push(header.subarray(from, lf + 1));
        return kept;
      }
    }
    at = lf < 0 ? text.length : lf + 1;
  }
  if (from >= 0) kept.push(header.subarray(from));
  return kept;
}

const FIELD_NAME = /([!-9;-~]{1,256})[ \t]{0,256}:/y;

function nameAt(text: string, at: number): string {
  FIELD_NAME.lastIndex = at;
  return FIELD_NAME.exec(text)?.[1]?.toLowerCase() ?? "";
}
