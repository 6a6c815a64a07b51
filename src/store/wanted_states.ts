import type { AccountId, MailboxId } from "../lib/ids.ts";
import { VIEWED, viewedStates } from "./seen_states.ts";
import { type Sql, sql } from "./sql.ts";
import type { UidSet } from "./uid_set.ts";

/**
 * FROM item `state(uid, flags, keywords, modseq)`: the live messages of a set, in UID order.
 * WHY: LATERAL with OFFSET 0 leaves the planner no choice: one range of the index for each range of
 * the set, so the cost follows what exists, not what was named (`1:4294967295` is one range).
 * Who joins the result to a table takes the mailbox's id from it, too: given as a constant, a planner
 * that does not know the mailbox yet reads all of it again and again.
 * A viewer's \Seen stands in place of the owner's, whose flags are `own_flags` then.
 */
export function wantedStates(
  mailbox: MailboxId,
  uids: UidSet,
  viewer: AccountId | null = null,
): Sql {
  if (viewer !== null) {
    return sql`
      unnest(${uids.lows}::bigint[], ${uids.highs}::bigint[]) AS want(low, high)
      CROSS JOIN LATERAL (
        SELECT ${VIEWED} FROM ${viewedStates(viewer)}
        WHERE own.mailbox_id = ${mailbox} AND own.uid BETWEEN want.low AND want.high
        ORDER BY own.uid OFFSET 0) AS state`;
  }
  return sql`
    unnest(${uids.lows}::bigint[], ${uids.highs}::bigint[]) AS want(low, high)
    CROSS JOIN LATERAL (
      SELECT uid, flags, keywords, modseq FROM message_state
      WHERE mailbox_id = ${mailbox} AND uid BETWEEN want.low AND want.high
      ORDER BY uid OFFSET 0) AS state`;
}
