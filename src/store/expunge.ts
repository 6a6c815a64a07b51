import { type MailboxId, type Modseq, NUMBER_MAX, type Uid } from "../lib/ids.ts";
import { NumberSet } from "../lib/number_set.ts";
import { type Database, sql, type Transaction } from "./database.ts";
import { CHUNK, inChunks } from "./in_chunks.ts";
import { Refused } from "../lib/refused.ts";
import { lockMailbox } from "./lock_mailboxes.ts";
import type { Expunged } from "./message.ts";
import { unpackNumbers } from "./packed_states.ts";
import { forgetSeen } from "./seen_states.ts";
import type { Sql } from "./sql.ts";
import { wantedStates } from "./wanted_states.ts";
import type { UidSet } from "./uid_set.ts";

/** Fewer than in a chunk. */
const AT_ONCE_MAX = 100;

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
    const ctes = expungeCtes(mailbox, {
      box: sql`SELECT ${modseq}::bigint AS modseq, ${box.accountId}::bigint AS account_id`,
      among: uids ? among(mailbox, part, { onlyDeleted }) : deletedFrom(mailbox, part.lows[0]),
    });
    const [row] = await tx.query<Answer>(
      sql`WITH ${ctes} SELECT array_agg(uid ORDER BY uid)::text FROM gone`.asArrays(),
    );
    const done = unpackNumbers(row?.[0] ?? null) as Uid[];
    for (const uid of done) gone.push(uid);
    await forgetSeen(tx, box, done);
    return done;
  });
  const expunged = NumberSet.from(gone);
  return { modseq: expunged.isEmpty ? box.highestModseq : modseq, expunged };
}

/**
 * Removes few messages with \Deleted in one statement that commits itself, and writes nothing where there
 * are none: null when it has to be the long way. Throws `gone`. `onRepeat`: it may have been done already
 * when it is done, and finds nothing then.
 */
export async function expungeAtOnce(
  db: Database,
  mailbox: MailboxId,
  { uids, onRepeat }: { readonly uids: UidSet | null; readonly onRepeat?: () => void },
): Promise<Expunged | null> {
  if (uids && uids.ranges.length > CHUNK) return null;
  // WHY this is enough: see `changeFlagsAtOnce`.
  const box = sql`SELECT highest_modseq + 1 AS modseq, account_id FROM mailboxes
    WHERE id = ${mailbox} AND deleted_at IS NULL AND NOT has_viewers
      AND (SELECT count FROM deleted) BETWEEN 1 AND ${AT_ONCE_MAX}
      AND highest_modseq = (SELECT highest_modseq FROM mailboxes WHERE id = ${mailbox})
    FOR NO KEY UPDATE`;
  const [row] = await db.write<
    [...Answer, modseq: Modseq | null, count: number, now: Modseq | null]
  >(
    sql`
    WITH deleted AS MATERIALIZED (
      SELECT count(*) FROM (SELECT FROM message_state
        WHERE mailbox_id = ${mailbox} AND flags & 8 = 8 LIMIT ${AT_ONCE_MAX + 1}) AS few
    ), ${
      expungeCtes(mailbox, {
        box,
        among: uids ? among(mailbox, uids, { onlyDeleted: true }) : deletedFrom(mailbox, 1),
      })
    }
    SELECT (SELECT array_agg(uid ORDER BY uid)::text FROM gone), (SELECT modseq FROM box),
      (SELECT count FROM deleted),
      (SELECT highest_modseq FROM mailboxes WHERE id = ${mailbox} AND deleted_at IS NULL)`
      .asArrays(),
    { repeatable: true, ...(onRepeat ? { onRepeat } : {}) },
  );
  const [packed, modseq, count, now] = row ?? [null, null, 0, null];
  if (now === null) throw new Refused({ kind: "gone", what: "mailbox" });
  const gone = unpackNumbers(packed) as Uid[];
  if (count === 0 || modseq !== null && gone.length === 0) {
    return { modseq: now, expunged: NumberSet.from([]) };
  }
  return modseq === null ? null : { modseq, expunged: NumberSet.from(gone) };
}

type Answer = [uids: string | null];

function among(
  mailbox: MailboxId,
  uids: UidSet,
  { onlyDeleted }: { readonly onlyDeleted: boolean },
): Sql {
  return sql`SELECT ${mailbox}::bigint AS mailbox_id, state.uid FROM ${
    wantedStates(mailbox, uids)
  } ${onlyDeleted ? sql`WHERE state.flags & 8 = 8` : sql``}`;
}

/** WHY: an index knows what is deleted; a set may name very much that is not. */
function deletedFrom(mailbox: MailboxId, uid: number | undefined): Sql {
  return sql`SELECT mailbox_id, uid FROM message_state
    WHERE mailbox_id = ${mailbox} AND flags & 8 = 8 AND uid >= ${uid} ORDER BY uid`;
}

/** `box`: the new MODSEQ and whose the mailbox is; nothing is done when that is empty. */
function expungeCtes(
  mailbox: MailboxId,
  { box, among }: { readonly box: Sql; readonly among: Sql },
): Sql {
  return sql`box AS MATERIALIZED (${box}), picked AS MATERIALIZED (${among} LIMIT ${CHUNK}), gone AS (
      DELETE FROM message_state AS state USING picked, box
      WHERE state.mailbox_id = picked.mailbox_id AND state.uid = picked.uid
      RETURNING state.mailbox_id, state.uid, state.flags, state.keywords
    ), kept AS (
      INSERT INTO expunged_messages (mailbox_id, uid, modseq, flags, keywords, moved)
      SELECT ${mailbox}, uid, modseq, flags, keywords, false FROM gone CROSS JOIN box
    ), total AS (
      SELECT count(*) AS live, count(*) FILTER (WHERE gone.flags & 1 = 0) AS not_seen,
        sum(messages.size_bytes)::bigint AS octets
      FROM gone JOIN messages
        ON messages.mailbox_id = gone.mailbox_id AND messages.uid = gone.uid
    ), counted AS (
      UPDATE mailboxes SET highest_modseq = box.modseq, messages = messages - total.live,
        unseen = unseen - total.not_seen, size_bytes = size_bytes - total.octets
      FROM total, box WHERE id = ${mailbox} AND total.live > 0
    ), charged AS (
      UPDATE quotas SET storage_used = greatest(0, storage_used - total.octets),
        messages_used = greatest(0, messages_used - total.live)
      FROM total, box WHERE quotas.account_id = box.account_id AND total.live > 0
    )`;
}

const EVERYTHING: UidSet = NumberSet.of([[1 as Uid, NUMBER_MAX as Uid]]);
