import type { Hash, Modseq } from "../lib/ids.ts";
import type { UidSet } from "./uid_set.ts";

/** Address and subject columns that are searched as decoded text. */
export type SearchHeader = "from" | "to" | "cc" | "bcc" | "subject";

/** From `from` (included) to `before` (excluded); an end that is absent is open. */
export interface DateRange {
  readonly from?: Date;
  readonly before?: Date;
}

/**
 * What `MessageStore.search` can decide by itself, each kind exactly. `contains` is a substring,
 * letters by their lower case, of the decoded (and bounded) text; the empty string is in everything.
 */
export type SearchCondition =
  | { readonly everything: true }
  | { readonly all: readonly SearchCondition[] }
  | { readonly any: readonly SearchCondition[] }
  | { readonly not: SearchCondition }
  | { readonly uids: UidSet }
  | { readonly flagsSet: number }
  | { readonly flagsClear: number }
  | { readonly keyword: string }
  | { readonly internalDate: DateRange }
  | { readonly sentDate: DateRange }
  | { readonly savedDate: DateRange }
  | { readonly larger: number }
  | { readonly smaller: number }
  | { readonly header: SearchHeader; readonly contains: string }
  | { readonly messageId: string }
  /** RFC 7162 §3.1.5: changed at this MODSEQ or later. */
  | { readonly modseqFrom: Modseq }
  /** This content and no other. */
  | { readonly hash: Hash }
  /** SHA-256, in hexadecimal digits, of the first message's id: the oldest reference, or nearest. */
  | { readonly threadRoot: string };
