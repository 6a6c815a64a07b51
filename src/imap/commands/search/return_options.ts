import type { FetchItem } from "../fetch/items.ts";
import { fetchItems } from "../fetch/items.ts";
import type { Scanner } from "../../wire/scanner.ts";

/** Which part of a result is wanted, 1-based, both ends included: RFC 9394 §3.1. */
export interface PartialRange {
  readonly first: number;
  readonly last: number;
  /** Counted from the end: the newest of a SEARCH, the last of a SORT. */
  readonly fromEnd: boolean;
}

/** What SEARCH, SORT and ESEARCH are asked to return. */
export interface ReturnOptions {
  readonly min: boolean;
  readonly max: boolean;
  readonly all: boolean;
  readonly count: boolean;
  /** RFC 5182: for `$`. */
  readonly save: boolean;
  /** RFC 6203 §4: how well each message matches. */
  readonly relevancy: boolean;
  readonly partial: PartialRange | null;
  /** RFC 5267 §4.3: tell what comes in and what goes out, and what to fetch of what comes (RFC 5465 §7). */
  readonly update: { readonly items: readonly FetchItem[] } | null;
  /** RFC 5267 §4.2: a hint that more will be asked. */
  readonly context: boolean;
}

type Mutable = { -readonly [K in keyof ReturnOptions]: ReturnOptions[K] };

/** `RETURN ()`: RFC 4731 §3.1. */
const ALL: ReturnOptions = {
  min: false,
  max: false,
  all: true,
  count: false,
  save: false,
  relevancy: false,
  partial: null,
  update: null,
  context: false,
};

/**
 *     search-return-opts = "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")" SP
 *
 * null when there are none (RFC 4466 §2.6.1); the space behind them is read, too.
 */
export function readReturn(wire: Scanner): ReturnOptions | null {
  if (!wire.maybe("RETURN ")) return null;
  if (wire.maybe("()")) {
    wire.sp();
    return ALL;
  }
  const options: Mutable = { ...ALL, all: false };
  wire.list(() => option(wire, options));
  wire.sp();
  const { min, max, all, count, save, relevancy, partial } = options;
  // RFC 9394 §3.1: the whole and a part of it make no sense together.
  if (all && partial) wire.fail("ALL or PARTIAL");
  const asksNothing = !(min || max || all || count || save || relevancy || partial);
  // RFC 5267 §4.3: UPDATE and CONTEXT alone change nothing about the default.
  return asksNothing ? { ...options, all: true } : options;
}

function option(wire: Scanner, options: Mutable): void {
  const word = wire.word();
  switch (word) {
    case "MIN":
    case "MAX":
    case "ALL":
    case "COUNT":
    case "SAVE":
    case "RELEVANCY":
    case "CONTEXT":
      options[flags[word]] = true;
      return;
    case "PARTIAL":
      if (options.partial) wire.fail("PARTIAL once");
      options.partial = partialRange(wire.sp());
      return;
    case "UPDATE":
      options.update = { items: updateItems(wire) };
      return;
    default:
      wire.fail("search-return-opt");
  }
}

/** RFC 5465 §8 has no SP in front of the list, and one in its example. */
function updateItems(wire: Scanner): readonly FetchItem[] {
  if (!wire.continues(/ ?\(/y)) return [];
  wire.maybe(" ");
  return fetchItems(wire);
}

const flags = {
  MIN: "min",
  MAX: "max",
  ALL: "all",
  COUNT: "count",
  SAVE: "save",
  RELEVANCY: "relevancy",
  CONTEXT: "context",
} as const;

/** `nz-number ":" nz-number`, or both with "-" in front: RFC 9394 §4. */
export function partialRange(wire: Scanner): PartialRange {
  const fromEnd = wire.maybe("-");
  const a = wire.nzNumber();
  wire.expect(":");
  if (fromEnd) wire.expect("-");
  const b = wire.nzNumber();
  return { first: Math.min(a, b), last: Math.max(a, b), fromEnd };
}

/** The part of a result that is meant, in the order of the result. */
export function partOf<T>(
  found: readonly T[],
  { first, last, fromEnd }: PartialRange,
): readonly T[] {
  if (!fromEnd) return found.slice(first - 1, last);
  return found.slice(Math.max(0, found.length - last), Math.max(0, found.length - first + 1));
}

/** As the response repeats it. */
export function renderPartial({ first, last, fromEnd }: PartialRange): string {
  return fromEnd ? `-${first}:-${last}` : `${first}:${last}`;
}
