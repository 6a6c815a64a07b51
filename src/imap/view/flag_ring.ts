import type { Modseq, Uid } from "../../lib/ids.ts";
import type { Change } from "../../store/messages.ts";

/** WHY: a session that is polled or idling is behind by a handful; the store knows the rest. */
const RING_MAX = 256;

/** The last flag changes of one mailbox, shared by all sessions of a worker that have it open. */
export class FlagRing {
  #changes: Change[] = [];
  #floor: Modseq;

  /** Knows nothing up to and including `floor`. */
  constructor(floor: Modseq) {
    this.#floor = floor;
  }

  /** As many of the last changes as matter here: those that fit, and one that does not. */
  static last<T>(changes: readonly T[]): readonly T[] {
    return changes.slice(-RING_MAX - 1);
  }

  /** Adds changes in ascending order of modseq, all newer than any before. */
  push(changes: readonly Change[]): void {
    const all = [...this.#changes, ...changes];
    const surplus = Math.max(0, all.length - RING_MAX);
    this.#changes = all.slice(surplus);
    this.#floor = all[surplus - 1]?.modseq ?? this.#floor;
  }

  /**
   * The last change of each message after `modseq`, or null when some are not here any more. WHY the
   * last only: an older state, told after the session's own newer change, would undo that.
   */
  since(modseq: Modseq): readonly Change[] | null {
    if (modseq < this.#floor) return null;
    const latest = new Map<Uid, Change>();
    for (const change of this.#changes) if (change.modseq > modseq) latest.set(change.uid, change);
    return [...latest.values()];
  }
}
