import { NUMBER_MAX } from "../../lib/ids.ts";
import { type NumberRange, NumberSet } from "../../lib/number_set.ts";
import { WireError } from "./wire_error.ts";

/** `*` inside a sequence set: the largest number in use, whatever it turns out to be. */
export const STAR = 0;

const SEQUENCE_SET =
  /^(?:[1-9]\d{0,9}|\*)(?::(?:[1-9]\d{0,9}|\*))?(?:,(?:[1-9]\d{0,9}|\*)(?::(?:[1-9]\d{0,9}|\*))?)*$/;

/**
 * What a client wrote where the grammar asks for messages; it does not know the mailbox yet.
 *
 *     sequence-set = (seq-number / seq-range) *("," sequence-set)      RFC 3501 §9
 *     seq-range    = seq-number ":" seq-number
 *     seq-number   = nz-number / "*"
 *     sequence-set =/ seq-last-command        ; "$"                        RFC 5182 §4
 *
 * Its length is bounded by the command line, its cost by the number of ranges, never by what they span.
 */
export class SequenceSet {
  private constructor(
    readonly ranges: readonly (readonly [number, number])[],
    /** RFC 5182: `$`, what the last SEARCH saved. */
    readonly isSaved = false,
  ) {}

  /** Throws WireError unless the whole text is a sequence-set; `at` is where it stood in the line. */
  static parse(text: string, at = 0): SequenceSet {
    if (text === "$") return new SequenceSet([], true);
    if (!SEQUENCE_SET.test(text)) throw new WireError("sequence-set", at);
    const ranges = text.split(",").map((range): [number, number] => {
      const [low = "", high = low] = range.split(":");
      return [seqNumber(low, at), seqNumber(high, at)];
    });
    return new SequenceSet(ranges);
  }

  /** True when `*` occurs: such a set means nothing in an empty mailbox. */
  get hasStar(): boolean {
    return this.ranges.some(([a, b]) => a === STAR || b === STAR);
  }

  /** The largest number written out, 0 when there is only `*`: RFC 3501 §9 wants BAD above EXISTS. */
  get highest(): number {
    let highest = 0;
    for (const [a, b] of this.ranges) highest = Math.max(highest, a, b);
    return highest;
  }

  /**
   * The numbers meant when `max` is the largest in use. RFC 3501 §9: the ends come in any order, so
   * `3291:*` includes `max` even when that is smaller.
   */
  resolve<T extends number>(max: T): NumberSet<T> {
    const end = (n: number): T => (n === STAR ? max : n) as T;
    return NumberSet.of(this.ranges.map(([a, b]): NumberRange<T> => [end(a), end(b)]));
  }

  toString(): string {
    if (this.isSaved) return "$";
    const end = (n: number) => n === STAR ? "*" : `${n}`;
    return this.ranges.map(([a, b]) => a === b ? end(a) : `${end(a)}:${end(b)}`).join(",");
  }
}

function seqNumber(text: string, at: number): number {
  if (text === "*") return STAR;
  const n = Number(text);
  if (n > NUMBER_MAX) throw new WireError("nz-number", at);
  return n;
}
