import type { MailboxId, Modseq, Uid } from "../lib/ids.ts";
import { chargeQuota } from "./charge_quota.ts";
import { sql, type Transaction } from "./database.ts";
import { FLAG, foldKeywords } from "./flags.ts";
import type { LockedMailbox } from "./lock_mailboxes.ts";
import { MESSAGE_COLUMNS } from "./message_columns.ts";
import { refuseOutOfUids } from "./out_of_uids.ts";
import type { Sql } from "./sql.ts";

/** A message that is to stand in another mailbox of the same account. */
export interface Source {
  readonly mailbox: MailboxId;
  readonly uid: Uid;
  readonly flags: number;
  readonly keywords: readonly string[] | null;
}

/** What became of some of them, all or none. */
export interface Placed {
  readonly modseq: Modseq;
  /** In the order of the sources. */
  readonly uids: readonly Uid[];
}

/**
 * Gives messages new UIDs in a mailbox whose row is locked, in their order, without \Deleted; their rows in
 * `messages` are there and stay so. "move": deleted ones, whose rows go along. "copy": whatever they are.
 * Throws `over-quota`, `too-many-keywords`.
 */
export async function placeMessages(
  tx: Transaction,
  box: LockedMailbox,
  { sources, mode }: { readonly sources: readonly Source[]; readonly mode: "move" | "copy" },
): Promise<Placed> {
  const modseq = box.highestModseq + 1 as Modseq;
  const uids = sources.map((_, at) => box.uidNext + at as Uid);
  if (sources.length === 0) return { modseq: box.highestModseq, uids };
  const { picked, added } = pick(box, sources, uids);
  const [row] = await tx.query<{ octets: number }>(sql`
    WITH picked AS (${picked}), ${mode === "move" ? moved(box, modseq) : copied(box, modseq)},
    states AS (
      INSERT INTO message_state (mailbox_id, uid, modseq, flags, keywords)
      SELECT ${box.id}, new_uid, ${modseq}, flags, string_to_array(keywords, ' ') FROM picked
    ), counted AS (
      UPDATE mailboxes SET highest_modseq = ${modseq}, uid_next = uid_next + total.live,
        messages = messages + total.live, unseen = unseen + total.not_seen,
        size_bytes = size_bytes + total.octets, keywords = keywords || ${[...added]}::text[]
      FROM (SELECT count(*) AS live, count(*) FILTER (WHERE flags & 1 = 0) AS not_seen,
        (SELECT sum(size_bytes)::bigint FROM facts) AS octets FROM picked) AS total
      WHERE id = ${box.id}
    )
    SELECT sum(size_bytes)::bigint AS octets FROM facts`).catch((error) => {
    throw refuseOutOfUids(error);
  });
  const charge = { octets: row?.octets ?? 0, messages: sources.length };
  await chargeQuota(tx, [{ account: box.accountId, ...charge }]);
  return { modseq, uids };
}

/** Keywords in the mailbox's own letter case, and those that are new to it. */
function pick(
  box: LockedMailbox,
  sources: readonly Source[],
  uids: readonly Uid[],
): { readonly picked: Sql; readonly added: readonly string[] } {
  const added: string[] = [];
  const keywords = sources.map(({ keywords }) => {
    const folded = foldKeywords(keywords ?? [], [...box.keywords, ...added]);
    added.push(...folded.added);
    return folded.keywords.length > 0 ? [...folded.keywords].sort().join(" ") : null;
  });
  const picked = sql`
    SELECT * FROM unnest(${sources.map(({ mailbox }) => mailbox)}::bigint[],
      ${sources.map(({ uid }) => uid)}::bigint[], ${uids}::bigint[],
      ${sources.map(({ flags }) => flags & ~FLAG.deleted)}::int[], ${keywords}::text[])
      AS picked(from_id, uid, new_uid, flags, keywords)`;
  return { picked, added };
}

function moved({ id }: LockedMailbox, modseq: Modseq): Sql {
  return sql`facts AS (
      UPDATE messages SET mailbox_id = ${id}, uid = picked.new_uid, created_modseq = ${modseq},
        saved_at = now()
      FROM picked WHERE messages.mailbox_id = picked.from_id AND messages.uid = picked.uid
      RETURNING messages.size_bytes
    ), gone AS (
      UPDATE expunged_messages AS gone SET moved = true, moved_to = ${id}, moved_uid = new_uid,
        saved_at = (SELECT saved_at FROM messages
          WHERE messages.mailbox_id = picked.from_id AND messages.uid = picked.uid)
      FROM picked WHERE gone.mailbox_id = picked.from_id AND gone.uid = picked.uid
    )`;
}

function copied({ id }: LockedMailbox, modseq: Modseq): Sql {
  return sql`facts AS (
      INSERT INTO messages (mailbox_id, uid, created_modseq, ${MESSAGE_COLUMNS})
      SELECT ${id}, picked.new_uid, ${modseq}, ${MESSAGE_COLUMNS}
      FROM picked JOIN messages
        ON messages.mailbox_id = picked.from_id AND messages.uid = picked.uid
      RETURNING size_bytes
    )`;
}
