import type { SortKey } from "../message/sort_keys.ts";
import type { UidSet } from "./uid_set.ts";

/** What messages can be sorted by: RFC 5256 §3, RFC 5957 §4. */
export type SortedBy = "arrival" | "date" | "size" | "subject" | SortKey;

/** One criterion; those that come first count most, and the UID decides in the end. */
export type SortCriterion =
  & (
    | { readonly by: SortedBy }
    /** The messages of one set before those of the next; what is in none comes last. */
    | { readonly by: "sets"; readonly sets: readonly UidSet[] }
  )
  /** Descending. */
  & { readonly reverse: boolean };
