/** A closed range of numbers, low ≤ high. */
export type NumberRange<T extends number> = readonly [low: T, high: T];

/**
 * A set of numbers as sorted, disjoint, non-adjacent closed ranges: `1:4294967295` costs one range,
 * not four billion numbers. Immutable.
 */
export class NumberSet<T extends number> {
  readonly ranges: readonly NumberRange<T>[];

  private constructor(ranges: readonly NumberRange<T>[]) {
    this.ranges = ranges;
  }

  /** From ranges in any order, either end first, overlapping or not. */
  static of<T extends number>(ranges: Iterable<readonly [T, T]>): NumberSet<T> {
    const sorted: [T, T][] = [];
    for (const [a, b] of ranges) sorted.push(a <= b ? [a, b] : [b, a]);
    sorted.sort((a, b) => a[0] - b[0]);
    const merged: [T, T][] = [];
    for (const range of sorted) {
      const last = merged.at(-1);
      if (last && range[0] <= last[1] + 1) {
        if (range[1] > last[1]) last[1] = range[1];
      } else merged.push(range);
    }
    return new NumberSet(merged);
  }

  /** From single numbers; ascending input is the cheap case. */
  static from<T extends number>(numbers: Iterable<T>): NumberSet<T> {
    const ranges: [T, T][] = [];
    let ascending = true;
    for (const n of numbers) {
      const last = ranges.at(-1);
      if (last && n === last[1] + 1) last[1] = n;
      else {
        if (last && n <= last[1]) ascending = false;
        ranges.push([n, n]);
      }
    }
    return ascending ? new NumberSet(ranges) : NumberSet.of(ranges);
  }

  /** How many numbers are in it. */
  get size(): number {
    let size = 0;
    for (const [low, high] of this.ranges) size += high - low + 1;
    return size;
  }

  get isEmpty(): boolean {
    return this.ranges.length === 0;
  }

  has(n: T): boolean {
    let from = 0;
    let to = this.ranges.length - 1;
    while (from <= to) {
      const middle = (from + to) >> 1;
      const range = this.ranges[middle];
      if (!range) return false;
      if (n < range[0]) to = middle - 1;
      else if (n > range[1]) from = middle + 1;
      else return true;
    }
    return false;
  }

  /** Every number, ascending. Only for sets that are known to be as small as a mailbox. */
  *values(): IterableIterator<T> {
    for (const [low, high] of this.ranges) {
      for (let n: number = low; n <= high; n++) yield n as T;
    }
  }

  /** The low ends, for `unnest($1::bigint[], $2::bigint[])`. */
  get lows(): T[] {
    return this.ranges.map(([low]) => low);
  }

  /** The high ends, beside `lows`. */
  get highs(): T[] {
    return this.ranges.map(([, high]) => high);
  }

  /** RFC 3501 §9 sequence-set without `*`: `1:3,7`. Empty string when empty. */
  toString(): string {
    return this.ranges.map(([low, high]) => (low === high ? `${low}` : `${low}:${high}`)).join(",");
  }
}
