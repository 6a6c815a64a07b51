import type { AccountId, MailboxId, Modseq, Uid } from "../lib/ids.ts";
import { Pace } from "../lib/pace.ts";
import { Refused } from "../lib/refused.ts";
import { type Database, sql } from "./database.ts";
import { CHUNK } from "./in_chunks.ts";
import type { Change } from "./message.ts";
import { changedStates } from "./seen_states.ts";
import { type PackedStates, unpackNumbers, unpackStates } from "./packed_states.ts";

/**
 * What happened after `since`, in MODSEQ order; all changes of one MODSEQ or none. WHY in packs: of
 * one MODSEQ there may be as many as there are messages.
 */
export async function readChanges(
  db: Database,
  mailbox: MailboxId,
  { since, limit, viewer = null }: {
    readonly since: Modseq;
    readonly limit: number;
    readonly viewer?: AccountId | null;
  },
): Promise<Change[]> {
  const end = sql`FETCH FIRST ${limit} ROWS WITH TIES`;
  const packs = await db.query<[...PackedStates, expunged: string | null]>(sql`
    SELECT array_agg(uid ORDER BY modseq, uid)::text, array_agg(flags ORDER BY modseq, uid)::text,
      array_agg(modseq ORDER BY modseq, uid)::text,
      json_object_agg(uid, keywords) FILTER (WHERE keywords IS NOT NULL),
      array_agg(expunged::int ORDER BY modseq, uid)::text
    FROM (
      SELECT *, (row_number() OVER (ORDER BY modseq, uid) - 1) / ${CHUNK}::int AS pack FROM (
        SELECT *, false AS expunged FROM (${changedStates(mailbox, { viewer, since, end })}) AS live
        UNION ALL
        (SELECT uid, flags, keywords, modseq, true FROM expunged_messages
          WHERE mailbox_id = ${mailbox} AND modseq > ${since}
          ORDER BY modseq ${end})
        ORDER BY modseq ${end}
      ) AS change
    ) AS packed GROUP BY pack ORDER BY pack`.asArrays());
  if (packs.length === 0) await checkLive(db, mailbox);
  const changes: Change[] = [];
  const pace = new Pace();
  for (const pack of packs) {
    const expunged = unpackNumbers(pack[4]);
    for (const [at, state] of unpackStates(pack).entries()) {
      changes.push({ ...state, expunged: expunged[at] === 1 });
    }
    await pace.breathe();
  }
  return changes;
}

async function checkLive(db: Database, mailbox: MailboxId): Promise<void> {
  const [row] = await db.query<{ id: Uid }>(sql`
    SELECT id FROM mailboxes WHERE id = ${mailbox} AND deleted_at IS NULL`);
  if (!row) throw new Refused({ kind: "gone", what: "mailbox" });
}
