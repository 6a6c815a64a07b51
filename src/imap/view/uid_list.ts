import type { Uid } from "../../lib/ids.ts";
import { NumberSet } from "../../lib/number_set.ts";

/**
 * The UIDs of a mailbox at one moment, ascending: `uids[0 … count)`. What lies behind `count` is
 * spare room that later messages fill, so a list stays true for ever and costs nothing to keep.
 */
export interface UidList {
  readonly uids: Uint32Array;
  readonly count: number;
  /** Lists of the same generation agree on their common beginning: only an expunge starts a new one. */
  readonly generation: number;
}

/** Positions in a list, 0-based, both ends included, ascending and disjoint. */
export type IndexRange = readonly [low: number, high: number];

/** Where the first UID ≥ `uid` stands; `count` when there is none. */
export function lowerBound({ uids, count }: UidList, uid: number): number {
  let from = 0;
  let to = count;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((uids[middle] ?? 0) < uid) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Where `uid` stands, -1 when it is not in the list. */
export function indexOf(list: UidList, uid: number): number {
  const at = lowerBound(list, uid);
  return at < list.count && list.uids[at] === uid ? at : -1;
}

/** The largest UID, 0 when the list is empty. */
export function lastUid({ uids, count }: UidList): number {
  return count === 0 ? 0 : uids[count - 1] ?? 0;
}

/** UIDs as positions: a binary search for each end, so `1:4294967295` is as cheap as `1:2`. */
export function indexRanges(list: UidList, wanted: NumberSet<number>): IndexRange[] {
  const ranges: IndexRange[] = [];
  for (const [low, high] of wanted.ranges) {
    const from = lowerBound(list, low);
    const to = lowerBound(list, high + 1) - 1;
    if (from <= to) ranges.push([from, to]);
  }
  return ranges;
}

/**
 * The UIDs at these positions as ranges that may span gaps. Nothing can live in a gap: UIDs are
 * never used again, so the set stays short whatever was expunged, and means the same messages.
 */
export function spannedUids({ uids }: UidList, ranges: readonly IndexRange[]): NumberSet<Uid> {
  return NumberSet.of(
    ranges.map(([low, high]) => [(uids[low] ?? 0) as Uid, (uids[high] ?? 0) as Uid] as const),
  );
}

/** Those of these UIDs, as far as they lie below `below`, that have no message in the list. */
export function missingUids(
  list: UidList,
  { uids, below }: { readonly uids: NumberSet<Uid>; readonly below: Uid },
): NumberSet<Uid> {
  const missing: [Uid, Uid][] = [];
  for (const [low, high] of uids.ranges) {
    const end = Math.min(high, below - 1);
    let next = Math.max(low, 1);
    for (let at = lowerBound(list, next); at < list.count && next <= end; at++) {
      const uid = list.uids[at] ?? 0;
      if (uid > end) break;
      if (next < uid) missing.push([next as Uid, uid - 1 as Uid]);
      next = uid + 1;
    }
    if (next <= end) missing.push([next as Uid, end as Uid]);
  }
  return NumberSet.of(missing);
}

/** How many messages lie at these positions. */
export function countOf(ranges: readonly IndexRange[]): number {
  let count = 0;
  for (const [low, high] of ranges) count += high - low + 1;
  return count;
}

/** The same positions, in order, in pieces of at most `size()` messages, asked anew for each. */
export function* inChunks(
  ranges: readonly IndexRange[],
  size: () => number,
): Generator<readonly IndexRange[]> {
  let chunk: IndexRange[] = [];
  let room = size();
  for (const [low, high] of ranges) {
    for (let at = low; at <= high;) {
      const end = Math.min(high, at + room - 1);
      chunk.push([at, end]);
      room -= end - at + 1;
      at = end + 1;
      if (room > 0) continue;
      yield chunk;
      chunk = [];
      room = size();
    }
  }
  if (chunk.length > 0) yield chunk;
}

/** The UIDs at these positions, one by one. */
export function* uidsAt({ uids }: UidList, ranges: readonly IndexRange[]): Generator<Uid> {
  for (const [low, high] of ranges) {
    for (let at = low; at <= high; at++) yield (uids[at] ?? 0) as Uid;
  }
}

/**
 * Which positions of `before` have no message in `after`, ascending; null when `after` holds
 * something new among the old UIDs, which no mailbox ever does.
 */
export function expunged(before: UidList, after: UidList): number[] | null {
  if (before.generation === after.generation) return before.count <= after.count ? [] : null;
  const gone: number[] = [];
  let at = 0;
  for (let i = 0; i < before.count; i++) {
    const uid = before.uids[i] ?? 0;
    const next = at < after.count ? after.uids[at] ?? 0 : Infinity;
    if (next < uid) return null;
    if (next === uid) at++;
    else gone.push(i);
  }
  return gone;
}
