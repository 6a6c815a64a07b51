import { Refused } from "../lib/refused.ts";

/** RFC 3501 §2.3.2: the system flags as bits. \Recent is not stored: it belongs to a session. */
export const FLAG = { seen: 1, answered: 2, flagged: 4, deleted: 8, draft: 16 } as const;

/** Every system flag. */
export const FLAGS_ALL = 31;
/** Keywords of one message: what clients show in a list, with room. */
export const KEYWORDS_PER_MESSAGE_MAX = 50;
/** Keywords of one mailbox: FLAGS and PERMANENTFLAGS name them all in every SELECT. */
export const KEYWORDS_PER_MAILBOX_MAX = 1000;
/** Longer ones are never typed by people. */
export const KEYWORD_LENGTH_MAX = 100;

/** RFC 3501 §9 `flag-keyword = atom`; "NIL" and "NULL" come from broken clients. */
// deno-lint-ignore no-control-regex
const KEYWORD = /^(?!(?:nil|null)$)[^\x00-\x20\x7f-\uffff(){%*"\\\]]+$/i;

/**
 * The keywords that may be stored, each once whatever its case, in the order given; invalid ones
 * are dropped. Throws `too-many-keywords` above KEYWORDS_PER_MESSAGE_MAX.
 */
export function cleanKeywords(keywords: readonly string[]): string[] {
  const kept = new Map<string, string>();
  for (const keyword of keywords) {
    if (keyword.length > KEYWORD_LENGTH_MAX || !KEYWORD.test(keyword)) continue;
    const key = keyword.toLowerCase();
    if (!kept.has(key)) kept.set(key, keyword);
  }
  if (kept.size > KEYWORDS_PER_MESSAGE_MAX) throw tooMany(KEYWORDS_PER_MESSAGE_MAX);
  return [...kept.values()];
}

/** What `foldKeywords` found out. */
export interface FoldedKeywords {
  /** The given keywords in the case that the mailbox knows them by. */
  readonly keywords: readonly string[];
  /** Those that the mailbox has not seen before. */
  readonly added: readonly string[];
}

/**
 * The first-seen case of a keyword wins in each mailbox: `$junk` becomes `$Junk` where that is
 * known. Throws `too-many-keywords` when the mailbox would know more than KEYWORDS_PER_MAILBOX_MAX.
 */
export function foldKeywords(
  keywords: readonly string[],
  known: readonly string[],
): FoldedKeywords {
  const cases = new Map(known.map((keyword) => [keyword.toLowerCase(), keyword]));
  const added: string[] = [];
  const folded = keywords.map((keyword) => {
    const key = keyword.toLowerCase();
    const first = cases.get(key);
    if (first !== undefined) return first;
    cases.set(key, keyword);
    added.push(keyword);
    return keyword;
  });
  if (known.length + added.length > KEYWORDS_PER_MAILBOX_MAX && added.length > 0) {
    throw tooMany(KEYWORDS_PER_MAILBOX_MAX);
  }
  return { keywords: folded, added };
}

function tooMany(limit: number): Refused {
  return new Refused({ kind: "too-many-keywords", limit });
}
