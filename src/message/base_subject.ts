/**
 * RFC 5256 §2.1: the subject without reply and forward marks, for sorting and threading. Takes
 * decoded Unicode; the result is not case-folded. Linear: every step only moves one of two ends.
 *
 *     subject = *subj-leader [subj-middle] *subj-trailer   RFC 5256 §5
 */
export function baseSubject(decoded: string): string {
  return baseOf(decoded).base;
}

/** RFC 5256 §2.1: as `baseSubject`, and whether a reply or forward mark was taken off. */
export function baseOf(decoded: string): { readonly base: string; readonly isReply: boolean } {
  // (1) Tabs and continuations are spaces, several spaces are one.
  const text = decoded.replace(/[ \t\r\n]+/g, " ");
  let start = 0;
  let end = text.length;
  let isReply = false;
  for (;;) {
    const trailed = trailer(text, start, end);
    isReply ||= trailed.isReply;
    end = trailed.end;
    let barren = start; // WHY: blobs before it lead to no mark; looking again would be quadratic
    for (;;) {
      if (start < end && text[start] === " ") {
        start++;
        continue;
      }
      if (start >= barren) {
        barren = skipBlobs(text, start, end);
        const marked = replyMark(text, barren, end);
        if (marked > barren) {
          isReply = true;
          start = barren = marked;
          continue;
        }
      }
      const blob = skipBlob(text, start, end); // (4) only if something is left
      if (blob > start && blob < end) start = blob;
      else break;
    }
    // (6)
    if (!FORWARD.test(text.slice(start, start + 5)) || text[end - 1] !== "]") break;
    start += 5;
    end -= 1;
    isReply = true;
    if (end <= start) break;
  }
  return { base: text.slice(start, Math.max(start, end)), isReply };
}

const FORWARD = /^\[fwd:$/i;
const REFWD = /(?:re|fwd?) *\[?/iy;
const TRAILER = "(fwd)";

/** (2) subj-trailer = "(fwd)" / WSP, from the end, as often as it goes. */
function trailer(
  text: string,
  start: number,
  from: number,
): { readonly end: number; readonly isReply: boolean } {
  let end = from;
  let isReply = false;
  for (;;) {
    if (end > start && text[end - 1] === " ") end--;
    else if (
      end - TRAILER.length >= start &&
      text.slice(end - TRAILER.length, end).toLowerCase() === TRAILER
    ) {
      end -= TRAILER.length;
      isReply = true;
    } else return { end, isReply };
  }
}

/** (3) subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":" — where it ends, or `start`. */
function replyMark(text: string, start: number, end: number): number {
  REFWD.lastIndex = start;
  const [mark] = REFWD.exec(text) ?? [];
  if (mark === undefined || start + mark.length > end) return start;
  let at = start + mark.length;
  if (mark.endsWith("[")) {
    const blob = skipBlob(text, at - 1, end);
    if (blob < at) return start;
    at = blob;
  }
  return at < end && text[at] === ":" ? at + 1 : start;
}

/** (3) *subj-blob: where the blobs end. */
function skipBlobs(text: string, start: number, end: number): number {
  let at = start;
  for (let blob = skipBlob(text, at, end); blob > at; blob = skipBlob(text, at, end)) at = blob;
  return at;
}

/** subj-blob = "[" *BLOBCHAR "]" *WSP: where it ends, or `start` when there is none. */
function skipBlob(text: string, start: number, end: number): number {
  if (text[start] !== "[") return start;
  let at = start + 1;
  while (at < end && text[at] !== "]" && text[at] !== "[") at++;
  if (at >= end || text[at] === "[") return start;
  at++;
  while (at < end && text[at] === " ") at++;
  return at;
}
