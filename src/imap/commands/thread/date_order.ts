import type { Steps } from "../../../lib/steps.ts";

/** Messages that one step sorts or merges: a few ms. */
const STEP = 8_192;

/**
 * Positions in ascending order of their dates, equal dates in their own order: RFC 5256 §2.2. In
 * steps, because sorting a million messages at once takes a second.
 */
export function* dateOrder(dates: Float64Array): Steps<Uint32Array> {
  const order = Uint32Array.from(dates, (_, position) => position);
  if (isAscending(dates)) return order;
  const dateOf = (position: number) => dates[position] ?? 0;
  for (let from = 0; from < order.length; from += STEP) {
    order.subarray(from, from + STEP).sort((a, b) => dateOf(a) - dateOf(b) || a - b);
    yield;
  }
  let source = order;
  let target = new Uint32Array(order.length);
  for (let width = STEP; width < order.length; width *= 2) {
    for (let from = 0; from < order.length; from += 2 * width) {
      const middle = Math.min(from + width, order.length);
      const end = Math.min(from + 2 * width, order.length);
      let left = from;
      let right = middle;
      for (let at = from; at < end; at++) {
        const a = source[left] ?? 0;
        const b = source[right] ?? 0;
        const takesLeft = left < middle && (right >= end || dateOf(a) <= dateOf(b));
        target[at] = takesLeft ? a : b;
        if (takesLeft) left++;
        else right++;
        if (at % STEP === 0) yield;
      }
    }
    [source, target] = [target, source];
  }
  return source;
}

/** WHY: mail arrives by and large in this order, and often exactly so. */
function isAscending(dates: Float64Array): boolean {
  for (let at = 1; at < dates.length; at++) {
    if ((dates[at] ?? 0) < (dates[at - 1] ?? 0)) return false;
  }
  return true;
}
