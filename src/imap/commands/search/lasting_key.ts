import type { SearchCondition } from "../../../store/search_condition.ts";
import type { SearchKey } from "./key.ts";
import { hasKey } from "./key.ts";
import type { SearchScope } from "./scope.ts";

/** What a node of a key takes in memory, roughly, and a range of a set. */
const NODE_BYTES = 200;
const RANGE_BYTES = 100;

/** A key that can be asked again and again: RFC 5267 §4.3. */
export interface LastingKey {
  readonly key: SearchKey;
  readonly sizeBytes: number;
  /** Nothing about a message that is there can change the answer. */
  readonly isSettled: boolean;
  /** `*` may mean another message, without any change to either. */
  readonly hasStar: boolean;
  /** Ages in seconds at which a message begins or ceases to match: RFC 5032. */
  readonly agesS: readonly number[];
}

/**
 * RFC 5267 §4.3: message numbers, and `$`, mean for ever what they mean now. UIDs with `*` do not, and
 * OLDER and YOUNGER go with the time.
 */
export function lastingKey(key: SearchKey, scope: SearchScope): LastingKey {
  const lasting = fixed(key, scope);
  const agesS: number[] = [];
  hasKey(lasting, (part) => {
    if (part.kind === "age") agesS.push(part.seconds);
    return false;
  });
  return {
    key: lasting,
    sizeBytes: bytesOf(lasting),
    isSettled: !hasKey(lasting, (part) => part.kind === "stored" && readsFlags(part.condition)),
    hasStar: hasKey(lasting, (part) => part.kind === "set" && part.set.hasStar),
    agesS,
  };
}

function fixed(key: SearchKey, scope: SearchScope): SearchKey {
  switch (key.kind) {
    case "all":
    case "any":
      return { kind: key.kind, keys: key.keys.map((part) => fixed(part, scope)) };
    case "not":
      return { kind: "not", key: fixed(key.key, scope) };
    case "fuzzy":
      return { kind: "fuzzy", exact: fixed(key.exact, scope), loose: fixed(key.loose, scope) };
    case "set":
      if (key.byUid && !key.set.isSaved) return key;
      return { kind: "stored", condition: { uids: scope.uids(key.set, key.byUid) } };
    default:
      return key;
  }
}

function readsFlags(condition: SearchCondition): boolean {
  if ("all" in condition) return condition.all.some(readsFlags);
  if ("any" in condition) return condition.any.some(readsFlags);
  if ("not" in condition) return readsFlags(condition.not);
  return "flagsSet" in condition || "flagsClear" in condition || "keyword" in condition ||
    "modseqFrom" in condition;
}

function bytesOf(key: SearchKey): number {
  switch (key.kind) {
    case "all":
    case "any":
      return key.keys.reduce((sum, part) => sum + bytesOf(part), NODE_BYTES);
    case "not":
      return NODE_BYTES + bytesOf(key.key);
    case "fuzzy":
      return NODE_BYTES + bytesOf(key.exact) + bytesOf(key.loose);
    case "field":
    case "text":
      return NODE_BYTES + 2 * key.needle.length;
    case "stored": {
      const { condition } = key;
      if ("uids" in condition) return NODE_BYTES + RANGE_BYTES * condition.uids.ranges.length;
      return NODE_BYTES + ("contains" in condition ? 2 * condition.contains.length : 0);
    }
    case "set":
      return NODE_BYTES + RANGE_BYTES * key.set.ranges.length;
    default:
      return NODE_BYTES;
  }
}
