import { cleanKeywords, FLAG } from "../../store/flags.ts";

/** What a client asked for between the parentheses of a flag-list. */
export interface FlagList {
  /** Bits of FLAG. */
  readonly flags: number;
  /** As the client spelled them, each once. */
  readonly keywords: readonly string[];
}

const systemFlags: readonly (readonly [name: string, bit: number])[] = [
  ["\\Answered", FLAG.answered],
  ["\\Flagged", FLAG.flagged],
  ["\\Deleted", FLAG.deleted],
  ["\\Seen", FLAG.seen],
  ["\\Draft", FLAG.draft],
];
const bitOf = new Map(systemFlags.map(([name, bit]) => [name.toLowerCase(), bit]));

/**
 * Flags as the store keeps them. RFC 3501 §2.3.2: `\Recent` cannot be set, and flag-extensions that
 * we do not know are not permanent: both are ignored, as a server may. Throws `too-many-keywords`.
 */
export function readFlags(names: readonly string[]): FlagList {
  let flags = 0;
  for (const name of names) flags |= bitOf.get(name.toLowerCase()) ?? 0;
  return { flags, keywords: cleanKeywords(names.filter((name) => !name.startsWith("\\"))) };
}

/**
 *     "(" [flag-fetch *(SP flag-fetch)] ")"                                 RFC 3501 §9
 *
 * Keywords are atoms by the time they are stored, so nothing in them can end the list.
 */
export function renderFlags(
  { flags, keywords }: FlagList,
  { recent = false }: { readonly recent?: boolean } = {},
): string {
  let text = "";
  for (const [name, bit] of systemFlags) if (flags & bit) text += ` ${name}`;
  for (const keyword of keywords) text += ` ${keyword}`;
  if (recent) text += " \\Recent";
  return `(${text.slice(1)})`;
}
