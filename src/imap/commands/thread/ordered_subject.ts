import { NONE, NumberList } from "../../../lib/number_list.ts";
import type { Steps } from "../../../lib/steps.ts";

/** Messages between two pauses. */
const STEP = 16_384;

/**
 * RFC 5256 §3 ORDEREDSUBJECT: for each position its parent, the first message with the same base
 * subject; NONE for that one. `order`: all positions by date.
 */
export function* orderedSubject(order: Uint32Array, base: readonly string[]): Steps<NumberList> {
  const parents = new NumberList();
  for (let position = 0; position < order.length; position++) parents.push(NONE);
  const first = new Map<string, number>();
  for (const [at, position] of order.entries()) {
    if (at % STEP === 0) yield;
    const subject = base[position] ?? "";
    const parent = first.get(subject);
    if (parent === undefined) first.set(subject, position);
    else parents.put(position, parent);
  }
  return parents;
}
