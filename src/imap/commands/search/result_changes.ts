import type { Steps } from "../../../lib/steps.ts";

/** Messages between two pauses. */
const MESSAGES_PER_STEP = 20_000;

/** Some messages that follow each other in a result, and the place of the first, from 1. */
export interface Run {
  readonly position: number;
  readonly uids: readonly number[];
}

/** How one result becomes another: first all that goes, then all that comes. */
export interface ResultChanges {
  /** From the end to the beginning, so that no position moves before it is used. */
  readonly removed: readonly Run[];
  /** From the beginning to the end: positions are those of the new result. */
  readonly added: readonly Run[];
}

/** RFC 5267 §4.3.3, §4.3.4: done to `before` in their order, the changes make `after` of it. */
export function* resultChanges(
  before: Uint32Array,
  after: Uint32Array,
): Steps<ResultChanges> {
  const [head, tail] = sameEnds(before, after);
  const places = new Map<number, number>();
  for (let place = head; place < before.length - tail; place++) {
    places.set(before[place] ?? 0, place);
    if (place % MESSAGES_PER_STEP === 0) yield;
  }
  const isKept = new Uint8Array(before.length);
  const added = new Runs();
  let last = -1;
  for (let place = head; place < after.length - tail; place++) {
    const uid = after[place] ?? 0;
    const old = places.get(uid) ?? -1;
    // WHY: what stands in another order than before goes, and comes again.
    if (old > last) {
      isKept[old] = 1;
      last = old;
    } else added.push(place, uid);
    if (place % MESSAGES_PER_STEP === 0) yield;
  }
  const removed = new Runs();
  for (let place = head; place < before.length - tail; place++) {
    if (!isKept[place]) removed.push(place, before[place] ?? 0);
    if (place % MESSAGES_PER_STEP === 0) yield;
  }
  return { removed: removed.all.reverse(), added: added.all };
}

/** How many messages are the same at the beginning and, of the others, at the end. */
function sameEnds(before: Uint32Array, after: Uint32Array): [head: number, tail: number] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  return [head, tail];
}

class Runs {
  readonly all: { readonly position: number; readonly uids: number[] }[] = [];

  /** Places ascend. */
  push(place: number, uid: number): void {
    const last = this.all.at(-1);
    if (last && last.position + last.uids.length === place + 1) last.uids.push(uid);
    else this.all.push({ position: place + 1, uids: [uid] });
  }
}
