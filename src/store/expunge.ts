import { type MailboxId, type Modseq, NUMBER_MAX, type Uid } from "../lib/ids.ts";
import { NumberSet } from "../lib/number_set.ts";
import { sql, type Transaction } from "./database.ts";
import { CHUNK, inChunks } from "./in_chunks.ts";
import { lockMailbox } from "./lock_mailboxes.ts";
import type { Expunged } from "./message.ts";
import { unpackNumbers } from "./packed_states.ts";
import { forgetSeen } from "./seen_states.ts";
import { wantedStates } from "./wanted_states.ts";
import type { UidSet } from "./uid_set.ts";

/**
 * Removes the messages with \Deleted among these, or all; without `onlyDeleted`, whatever their
 * flags. Their rows in `messages` stay.
 */
export async function expunge(
  tx: Transaction,
  mailbox: MailboxId,
  uids: UidSet | null,
  { onlyDeleted = true }: { readonly onlyDeleted?: boolean } = {},
): Promise<Expunged> {
  const box = await lockMailbox(tx, mailbox);
  const modseq = (box.highestModseq + 1) as Modseq;
  const gone: Uid[] = [];
  await inChunks(uids ?? EVERYTHING, async (part) => {
    // WHY: an index knows what is deleted; a set may name very much that is not.
    const among = uids
      ? sql`SELECT ${mailbox}::bigint AS mailbox_id, state.uid FROM ${
        wantedStates(mailbox, part)
      } ${onlyDeleted ? sql`WHERE state.flags & 8 = 8` : sql``}`
      : sql`SELECT mailbox_id, uid FROM message_state
        WHERE mailbox_id = ${mailbox} AND flags & 8 = 8 AND uid >= ${part.lows[0]} ORDER BY uid`;
    const [row] = await tx.query<[string | null]>(sql`
      WITH picked AS MATERIALIZED (${among} LIMIT ${CHUNK}), gone AS (
        DELETE FROM message_state AS state USING picked
        WHERE state.mailbox_id = picked.mailbox_id AND state.uid = picked.uid
        RETURNING state.mailbox_id, state.uid, state.flags, state.keywords
      ), kept AS (
        INSERT INTO expunged_messages (mailbox_id, uid, modseq, flags, keywords, moved)
        SELECT ${mailbox}, uid, ${modseq}, flags, keywords, false FROM gone
      ), total AS (
        SELECT count(*) AS live, count(*) FILTER (WHERE gone.flags & 1 = 0) AS not_seen,
          sum(messages.size_bytes)::bigint AS octets
        FROM gone JOIN messages
          ON messages.mailbox_id = gone.mailbox_id AND messages.uid = gone.uid
      ), counted AS (
        UPDATE mailboxes SET highest_modseq = ${modseq}, messages = messages - total.live,
          unseen = unseen - total.not_seen, size_bytes = size_bytes - total.octets
        FROM total WHERE id = ${mailbox} AND total.live > 0
      ), charged AS (
        UPDATE quotas SET storage_used = greatest(0, storage_used - total.octets),
          messages_used = greatest(0, messages_used - total.live)
        FROM total WHERE account_id = ${box.accountId} AND total.live > 0
      )
      SELECT array_agg(uid ORDER BY uid)::text FROM gone`.asArrays());
    const done = unpackNumbers(row?.[0] ?? null) as Uid[];
    for (const uid of done) gone.push(uid);
    await forgetSeen(tx, box, done);
    return done;
  });
  const expunged = NumberSet.from(gone);
  return { modseq: expunged.isEmpty ? box.highestModseq : modseq, expunged };
}

const EVERYTHING: UidSet = NumberSet.of([[1 as Uid, NUMBER_MAX as Uid]]);
