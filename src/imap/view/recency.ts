import type { Uid } from "../../lib/ids.ts";
import type { Enabled } from "../enabled.ts";
import { lastUid, lowerBound, type UidList } from "./uid_list.ts";

/**
 * Which messages are recent in one session (RFC 3501 §2.3.2): those that no session could say it of
 * before. None is in IMAP4rev2 (RFC 9051 §2.3.2).
 */
export class Recency {
  #claimed: Uid;

  /** `from`: the first UID that is recent. */
  constructor(readonly from: Uid, readonly enabled: Enabled) {
    this.#claimed = from;
  }

  has(uid: Uid): boolean {
    return uid >= this.from && !this.enabled.rev2;
  }

  countIn(list: UidList): number {
    return list.count - lowerBound(list, this.from);
  }

  /** Below which UID nothing is recent to others any more; null when they have been told so. */
  claim(list: UidList): Uid | null {
    const below = lastUid(list) + 1 as Uid;
    if (below <= this.#claimed) return null;
    return this.#claimed = below;
  }
}
