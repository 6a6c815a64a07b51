import { FLAG } from "../../store/flags.ts";

/**
 * The name of a message file: https://cr.yp.to/proto/maildir.html, with Dovecot's sizes and keywords.
 *
 *     name = unique *("," field) [":2," *letter]
 */
export interface FileName {
  /** All in front of the flags: what stays when they change. */
  readonly base: string;
  /** Bits of FLAG. */
  readonly flags: number;
  readonly isForwarded: boolean;
  /** Of the keywords "a" … "z": places in the folder's list of keywords. */
  readonly keywords: readonly number[];
  /** `,W=`: octets with lines that end in CRLF; null when it does not say. */
  readonly sizeBytes: number | null;
}

const LETTERS: readonly (readonly [letter: string, bit: number])[] = [
  ["D", FLAG.draft],
  ["F", FLAG.flagged],
  ["R", FLAG.answered],
  ["S", FLAG.seen],
  ["T", FLAG.deleted],
];
const FORWARDED = "P";
const FIRST_KEYWORD = "a".charCodeAt(0);
/** Keywords that letters can name. */
export const KEYWORD_LETTERS = 26;

/** QUIRK: ";" and "!" stand for the colon where the file system has none (Windows, some NAS). */
const INFO = /[:;!]2,([A-Za-z]*)(?:,[^:;!]*)?$/;

/** Reads a name; total. */
export function parseFileName(name: string): FileName {
  const info = INFO.exec(name);
  const base = info ? name.slice(0, info.index) : name;
  const letters = info?.[1] ?? "";
  let flags = 0;
  for (const [letter, bit] of LETTERS) if (letters.includes(letter)) flags |= bit;
  const keywords = [...new Set(letters.replace(/[^a-z]/g, ""))]
    .map((letter) => letter.charCodeAt(0) - FIRST_KEYWORD);
  const [, size] = /,W=(\d{1,15})(?=,|$)/.exec(base) ?? [];
  return {
    base,
    flags,
    isForwarded: letters.includes(FORWARDED),
    keywords,
    sizeBytes: size === undefined ? null : Number(size),
  };
}

/** The flags at the end of a name: ":2," and letters in ASCII order, as the standard asks. */
export function renderInfo(
  { flags, isForwarded, keywords }: Pick<FileName, "flags" | "isForwarded" | "keywords">,
): string {
  const letters = LETTERS.filter(([, bit]) => flags & bit).map(([letter]) => letter);
  if (isForwarded) letters.push(FORWARDED);
  const more = keywords.map((place) => String.fromCharCode(FIRST_KEYWORD + place));
  return `:2,${letters.sort().join("")}${more.sort().join("")}`;
}
