import type { MailboxId, Modseq, Uid } from "../lib/ids.ts";
import { NumberSet } from "../lib/number_set.ts";
import { sql, type Transaction } from "./database.ts";
import { lockMailbox } from "./lock_mailboxes.ts";
import type { Expunged } from "./message.ts";
import { wantedStates } from "./wanted_states.ts";
import type { UidSet } from "./uid_set.ts";

/** Removes the messages with \Deleted among these, or all; their rows in `messages` stay. */
export async function expunge(
  tx: Transaction,
  mailbox: MailboxId,
  uids: UidSet | null,
): Promise<Expunged> {
  const box = await lockMailbox(tx, mailbox);
  const modseq = (box.highestModseq + 1) as Modseq;
  const among = uids
    ? sql`SELECT state.uid FROM ${wantedStates(mailbox, uids)} WHERE state.flags & 8 = 8`
    : sql`SELECT uid FROM message_state WHERE mailbox_id = ${mailbox} AND flags & 8 = 8`;
  const rows = await tx.query<[Uid]>(sql`
    WITH picked AS (${among}), gone AS (
      DELETE FROM message_state AS state USING picked
      WHERE state.mailbox_id = ${mailbox} AND state.uid = picked.uid
      RETURNING state.uid, state.flags, state.keywords
    ), kept AS (
      INSERT INTO expunged_messages (mailbox_id, uid, modseq, flags, keywords, moved)
      SELECT ${mailbox}, uid, ${modseq}, flags, keywords, false FROM gone
    ), counted AS (
      UPDATE mailboxes SET highest_modseq = ${modseq}, messages = messages - total.live,
        unseen = unseen - total.not_seen, size_bytes = size_bytes - total.octets
      FROM (SELECT count(*) AS live, count(*) FILTER (WHERE gone.flags & 1 = 0) AS not_seen,
          sum(messages.size_bytes)::bigint AS octets
        FROM gone JOIN messages ON messages.mailbox_id = ${mailbox} AND messages.uid = gone.uid
      ) AS total
      WHERE id = ${mailbox} AND total.live > 0
    )
    SELECT uid FROM gone ORDER BY uid`.asArrays());
  return {
    modseq: rows.length > 0 ? modseq : box.highestModseq,
    expunged: NumberSet.from(rows.map(([uid]) => uid)),
  };
}
