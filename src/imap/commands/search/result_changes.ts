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
  const places = new Map<number, number>();
  for (const [place, uid] of before.entries()) {
    places.set(uid, place);
    if (place % MESSAGES_PER_STEP === 0) yield;
  }
  const isKept = new Uint8Array(before.length);
  const added: Runs = new Runs();
  let last = -1;
  for (const [place, uid] of after.entries()) {
    const old = places.get(uid) ?? -1;
    // WHY: what stands in another order than before goes, and comes again.
    if (old > last) {
      isKept[old] = 1;
      last = old;
    } else added.push(place, uid);
    if (place % MESSAGES_PER_STEP === 0) yield;
  }
  const removed = new Runs();
  for (const [place, uid] of before.entries()) {
    if (!isKept[place]) removed.push(place, uid);
    if (place % MESSAGES_PER_STEP === 0) yield;
  }
  return { removed: removed.all.reverse(), added: added.all };
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
