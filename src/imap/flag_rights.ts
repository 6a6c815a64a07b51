import type { Rights } from "../auth/rights.ts";
import { FLAGS_ALL } from "../store/flags.ts";
import { type Changeable, FLAG } from "../store/messages.ts";

/** RFC 4314 §4: \Seen needs "s", \Deleted needs "t", every other flag needs "w". */
export function flagRights(rights: Rights): Changeable {
  const others = FLAGS_ALL & ~FLAG.seen & ~FLAG.deleted;
  const flags = (rights.has("s") ? FLAG.seen : 0) | (rights.has("t") ? FLAG.deleted : 0) |
    (rights.has("w") ? others : 0);
  return { flags, keywords: rights.has("w") };
}
