import type { AccountId, MailboxId, Modseq, Uid } from "../lib/ids.ts";
import { sql, type Transaction } from "./database.ts";
import type { LockedMailbox } from "./lock_mailboxes.ts";
import type { Sql } from "./sql.ts";

/*
 * \Seen of those who are not the owner of a mailbox: the tables `seen_states` and `viewers`. The owner,
 * who is nobody's viewer (null), has it in `message_state`, as if nothing was shared.
 */

/** The columns of a message's state as a viewer has it, of `own` and `mine`. */
export const VIEWED = sql`
  own.uid, (own.flags & ~1) | coalesce(mine.seen::int, 0) AS flags, own.keywords,
  greatest(own.modseq, mine.modseq) AS modseq, own.flags AS own_flags`;

/**
 * FROM item: what a viewer has in place of `message_state`, with `own_flags` besides, those of the
 * owner. WHY: LATERAL with OFFSET 0, as in `wantedStates`.
 */
export function viewedStates(viewer: AccountId): Sql {
  return sql`
    message_state AS own LEFT JOIN LATERAL (
      SELECT seen, modseq FROM seen_states
      WHERE mailbox_id = own.mailbox_id AND uid = own.uid AND account_id = ${viewer} OFFSET 0
    ) AS mine ON true`;
}

/** What `message_state` is to a viewer: (mailbox_id, uid, flags, keywords, modseq). */
export function stateTable(mailbox: MailboxId, viewer: AccountId | null): Sql {
  if (viewer === null) return sql`message_state`;
  return sql`(SELECT own.mailbox_id, ${VIEWED} FROM ${viewedStates(viewer)}
    WHERE own.mailbox_id = ${mailbox})`;
}

/**
 * SELECT of `uid, flags, keywords, modseq` for what changed after a MODSEQ, in the order of MODSEQs up
 * to `end`, a LIMIT.
 */
export function changedStates(
  mailbox: MailboxId,
  { viewer, since, end }: {
    readonly viewer: AccountId | null;
    readonly since: Modseq;
    readonly end: Sql;
  },
): Sql {
  if (viewer === null) {
    return sql`
      SELECT uid, flags, keywords, modseq FROM message_state
      WHERE mailbox_id = ${mailbox} AND modseq > ${since} ORDER BY modseq ${end}`;
  }
  // WHY: each message in the one of two parts where its last change is: both are in order then, and
  // what the limit cuts off is really later.
  return sql`
    SELECT uid, flags, keywords, modseq FROM (
      (SELECT ${VIEWED} FROM ${viewedStates(viewer)}
        WHERE own.mailbox_id = ${mailbox} AND own.modseq > ${since}
          AND coalesce(mine.modseq, 0) <= own.modseq
        ORDER BY own.modseq ${end})
      UNION ALL
      (SELECT ${VIEWED} FROM seen_states AS mine CROSS JOIN LATERAL (
          SELECT uid, flags, keywords, modseq FROM message_state
          WHERE mailbox_id = mine.mailbox_id AND uid = mine.uid OFFSET 0) AS own
        WHERE mine.mailbox_id = ${mailbox} AND mine.account_id + 0 = ${viewer}
          AND mine.modseq > ${since} AND mine.modseq > own.modseq
        ORDER BY mine.modseq ${end})
    ) AS viewed ORDER BY modseq ${end}`;
}

/** Somebody begins to have \Seen of their own in a mailbox, which is locked. */
export async function addViewer(
  tx: Transaction,
  { id, hasViewers }: LockedMailbox,
  viewer: AccountId,
): Promise<void> {
  await tx.query(sql`
    INSERT INTO viewers (mailbox_id, account_id) VALUES (${id}, ${viewer}) ON CONFLICT DO NOTHING`);
  if (hasViewers) return;
  await tx.query(sql`UPDATE mailboxes SET has_viewers = true WHERE id = ${id}`);
}

/**
 * CTEs that store a viewer's change of \Seen: of the rows of `changed (uid, old_flags, flags)`, which
 * are messages of this mailbox.
 */
export function storeSeen(
  mailbox: MailboxId,
  { viewer, modseq }: { readonly viewer: AccountId; readonly modseq: Sql },
): Sql {
  return sql`
    seen AS (
      INSERT INTO seen_states (mailbox_id, account_id, uid, modseq, seen)
      SELECT ${mailbox}, ${viewer}, uid, ${modseq}, flags & 1 = 1 FROM changed
      WHERE (flags # old_flags) & 1 = 1
      ON CONFLICT (mailbox_id, uid, account_id)
      DO UPDATE SET modseq = excluded.modseq, seen = excluded.seen
    ), viewed AS (
      UPDATE viewers SET seen = viewers.seen + total.seen
      FROM (SELECT coalesce(sum((flags & 1) - (old_flags & 1)), 0) AS seen FROM changed) AS total
      WHERE mailbox_id = ${mailbox} AND account_id = ${viewer}
    )`;
}

/** What viewers had seen leaves a mailbox; free where nobody has \Seen of their own. */
export async function forgetSeen(
  tx: Transaction,
  { id, hasViewers }: LockedMailbox,
  uids: readonly Uid[],
): Promise<void> {
  if (!hasViewers || uids.length === 0) return;
  await tx.query(sql`
    WITH gone AS (
      DELETE FROM seen_states WHERE mailbox_id = ${id} AND uid = ANY(${[...uids]}::bigint[])
      RETURNING account_id, seen
    )
    UPDATE viewers SET seen = viewers.seen - total.seen
    FROM (SELECT account_id, count(*) FILTER (WHERE gone.seen) AS seen FROM gone GROUP BY 1) AS total
    WHERE viewers.mailbox_id = ${id} AND viewers.account_id = total.account_id`);
}
