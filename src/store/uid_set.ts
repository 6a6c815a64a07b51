import type { Uid } from "../lib/ids.ts";
import type { NumberSet } from "../lib/number_set.ts";

/** UIDs of one mailbox as ranges; may name UIDs that do not exist (any more). */
export type UidSet = NumberSet<Uid>;
