import type { SortKey } from "../message/sort_keys.ts";

/** What messages can be sorted by: RFC 5256 §3, RFC 5957 §4. */
export type SortedBy = "arrival" | "date" | "size" | "subject" | SortKey;

/** One criterion; those that come first count most, and the UID decides in the end. */
export interface SortCriterion {
  readonly by: SortedBy;
  /** Descending. */
  readonly reverse: boolean;
}
