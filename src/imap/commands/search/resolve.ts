import type { SearchCondition } from "../../../store/search_condition.ts";
import type { Scan, SearchKey } from "./key.ts";
import type { SearchScope } from "./scope.ts";

const SECOND_MS = 1_000;

/** A search key whose numbers mean messages, and whose stored parts are one condition each. */
export type Resolved =
  | Stored
  | { readonly kind: "all" | "any"; readonly parts: readonly Resolved[] }
  | { readonly kind: "not"; readonly part: Resolved }
  | Scan;

/** What the store decides alone. */
export interface Stored {
  readonly kind: "stored";
  readonly condition: SearchCondition;
}

/**
 * Gives numbers their meaning in this mailbox, and joins what the store can decide at once. `exactly`:
 * as if nothing were FUZZY.
 */
export function resolve(
  key: SearchKey,
  scope: SearchScope,
  { exactly = false }: { readonly exactly?: boolean } = {},
): Resolved {
  const inner = (part: SearchKey) => resolve(part, scope, { exactly });
  switch (key.kind) {
    case "all":
    case "any":
      return joined(key.kind, key.keys.map(inner));
    case "not":
      return negated(inner(key.key));
    case "fuzzy":
      return inner(exactly ? key.exact : key.loose);
    case "set":
      return stored({ uids: scope.uids(key.set, key.byUid) });
    case "age": {
      const then = new Date(Date.now() - key.seconds * SECOND_MS);
      return stored({ internalDate: key.isYounger ? { from: then } : { before: then } });
    }
    case "recent":
      return stored({ uids: scope.recentUids });
    default:
      return key;
  }
}

/** A condition that every message meets which the key matches, and perhaps others. */
export function superset(key: Resolved): SearchCondition {
  switch (key.kind) {
    case "stored":
      return key.condition;
    case "all":
      return { all: key.parts.map(superset) };
    case "any":
      return { any: key.parts.map(superset) };
    default:
      return { everything: true };
  }
}

/** The same, with everything that the store can decide at once in one condition. */
export function simplified(key: Resolved): Resolved {
  switch (key.kind) {
    case "all":
    case "any":
      return joined(key.kind, key.parts.map(simplified));
    case "not":
      return negated(simplified(key.part));
    default:
      return key;
  }
}

function joined(kind: "all" | "any", parts: readonly Resolved[]): Resolved {
  // WHY: `OR a OR b OR c d` becomes one flat list instead of a deep one.
  const flat = parts.flatMap((part) => part.kind === kind ? part.parts : [part]);
  const conditions: SearchCondition[] = [];
  const others: Resolved[] = [];
  for (const part of flat) {
    if (part.kind === "stored") conditions.push(...unwrapped(kind, part.condition));
    else others.push(part);
  }
  const condition: SearchCondition = kind === "all" ? { all: conditions } : { any: conditions };
  if (others.length === 0) return stored(condition);
  return { kind, parts: conditions.length > 0 ? [stored(condition), ...others] : others };
}

function unwrapped(kind: "all" | "any", condition: SearchCondition): readonly SearchCondition[] {
  if (kind === "all" && "all" in condition) return condition.all;
  if (kind === "any" && "any" in condition) return condition.any;
  return [condition];
}

function negated(part: Resolved): Resolved {
  return part.kind === "stored" ? stored({ not: part.condition }) : { kind: "not", part };
}

function stored(condition: SearchCondition): Stored {
  return { kind: "stored", condition };
}
