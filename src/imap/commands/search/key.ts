import type { DateRange, SearchCondition } from "../../../store/search_condition.ts";
import type { SequenceSet } from "../../wire/sequence_set.ts";

/** One search key with everything that it needs, as the client wrote it: RFC 3501 §6.4.4. */
export type SearchKey =
  | { readonly kind: "all"; readonly keys: readonly SearchKey[] }
  | { readonly kind: "any"; readonly keys: readonly SearchKey[] }
  | { readonly kind: "not"; readonly key: SearchKey }
  /** The store can decide this by itself, exactly. */
  | {
    readonly kind: "stored";
    readonly condition: SearchCondition;
    /** What the key belongs to; default the base protocol. */
    readonly extension?: string;
  }
  /** What numbers mean depends on what the client has been told. */
  | { readonly kind: "set"; readonly set: SequenceSet; readonly byUid: boolean }
  | { readonly kind: "recent" }
  /** RFC 5032: came at least, or with `isYounger` at most, so many seconds before now. */
  | { readonly kind: "age"; readonly seconds: number; readonly isYounger: boolean }
  /** RFC 6203: `loose` matches whatever `exact` does, and more. */
  | { readonly kind: "fuzzy"; readonly exact: SearchKey; readonly loose: SearchKey }
  | Scan;

/** A key that needs the message itself. */
export type Scan =
  /** Some field of that name contains the text, letters in lower case. */
  | { readonly kind: "field"; readonly name: string; readonly needle: string }
  /** The day that the Date field names, whatever its time and zone: midnight UTC stands for it. */
  | { readonly kind: "sentDay"; readonly range: DateRange }
  /** The decoded text of the body, or of everything. */
  | { readonly kind: "text"; readonly where: "body" | "all"; readonly needle: string };

/**
 * True for a key that only says which messages and with which flags, as a client asks that wants to
 * know what there is: `ALL`, `UID 1:* UNDELETED`.
 */
export function isListing(key: SearchKey): boolean {
  switch (key.kind) {
    case "all":
    case "any":
      return key.keys.every(isListing);
    case "not":
      return isListing(key.key);
    case "set":
    case "recent":
      return true;
    case "stored":
      return "everything" in key.condition || "uids" in key.condition ||
        "flagsSet" in key.condition || "flagsClear" in key.condition;
    default:
      return false;
  }
}

/** True when some part of the key is such a one. */
export function hasKey(key: SearchKey, is: (part: SearchKey) => boolean): boolean {
  if (is(key)) return true;
  switch (key.kind) {
    case "all":
    case "any":
      return key.keys.some((part) => hasKey(part, is));
    case "not":
      return hasKey(key.key, is);
    case "fuzzy":
      return hasKey(key.loose, is);
    default:
      return false;
  }
}
