import type { Steps } from "../lib/steps.ts";

/** Characters compared between two pauses. */
const CHARS_PER_STEP = 64 * 1024;
/** WHY: where a needle repeats itself, `includes` compares all of it at every place. */
const SHORT_CHARS_MAX = 64;

/** Does the text contain the needle? In linear time, whatever strangers made of either. */
export function* containsText(text: string, needle: string): Steps<boolean> {
  if (needle.length > text.length) return false;
  if (needle.length > SHORT_CHARS_MAX) return yield* containsLong(text, needle);
  for (let at = 0;; at += CHARS_PER_STEP) {
    const end = at + CHARS_PER_STEP + needle.length;
    if (text.slice(at, end).includes(needle)) return true;
    if (end >= text.length) return false;
    yield;
  }
}

/** Knuth, Morris, Pratt: nothing is looked at twice. */
function* containsLong(text: string, needle: string): Steps<boolean> {
  const fallbacks = fallbacksOf(needle);
  let matched = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    while (matched > 0 && code !== needle.charCodeAt(matched)) matched = fallbacks[matched] ?? 0;
    if (code === needle.charCodeAt(matched)) matched++;
    if (matched === needle.length) return true;
    if (at % CHARS_PER_STEP === 0) yield;
  }
  return false;
}

/** For each number of characters that match: how many still do when the next one does not. */
function fallbacksOf(needle: string): Int32Array {
  const fallbacks = new Int32Array(needle.length + 1);
  let matched = 0;
  for (let at = 1; at < needle.length; at++) {
    const code = needle.charCodeAt(at);
    while (matched > 0 && code !== needle.charCodeAt(matched)) matched = fallbacks[matched] ?? 0;
    if (code === needle.charCodeAt(matched)) matched++;
    fallbacks[at + 1] = matched;
  }
  return fallbacks;
}
