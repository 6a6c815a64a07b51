import type { AccountId, MailboxId, Modseq, Uid } from "../lib/ids.ts";
import { NumberSet } from "../lib/number_set.ts";
import { Refused } from "../lib/refused.ts";
import { type Reader, sql } from "./database.ts";
import type { MessageState } from "./message.ts";
import { type PackedStates, unpackNumbers, unpackStates } from "./packed_states.ts";
import { readStates } from "./read_messages.ts";
import { changedStates } from "./seen_states.ts";
import type { UidSet } from "./uid_set.ts";

/** WHY: of so many the few that are meant are picked here; beyond it most of the mailbox changed. */
const CHANGED_MAX = 10_000;
/** WHY: as numbers they are read in 10 ms; a client that missed more is as well off without them. */
const EXPUNGED_MAX = 100_000;

/** Which messages, and the MODSEQ after which something must have happened to them. */
export interface Since {
  readonly uids: UidSet;
  readonly since: Modseq;
}

/** Those of these messages that changed after a MODSEQ, in UID order: one look into an index. */
export async function readChangedSince(
  db: Reader,
  mailbox: MailboxId,
  { uids, since, viewer }: Since & { readonly viewer: AccountId | null },
): Promise<MessageState[]> {
  const end = sql`LIMIT ${CHANGED_MAX + 1}`;
  if (uids.isEmpty) return [];
  const [row] = await db.query<PackedStates>(sql`
    SELECT array_agg(uid)::text, array_agg(flags)::text, array_agg(modseq)::text,
      json_object_agg(uid, keywords) FILTER (WHERE keywords IS NOT NULL)
    FROM (${changedStates(mailbox, { viewer, since, end })}) AS changed`.asArrays());
  const changed = unpackStates(row);
  if (changed.length > CHANGED_MAX) return await readStates(db, mailbox, { uids, since, viewer });
  return changed.filter(({ uid }) => uids.has(uid)).sort((a, b) => a.uid - b.uid);
}

/**
 * Those of these UIDs whose messages were expunged after a MODSEQ; null when that is not known any
 * more, or too many were. Throws `gone` when the mailbox was deleted.
 */
export async function readExpungedSince(
  db: Reader,
  mailbox: MailboxId,
  { uids, since }: Since,
): Promise<UidSet | null> {
  const [row] = await db.query<[floor: Modseq, uids: string | null]>(sql`
    SELECT expunged_floor, (SELECT array_agg(uid)::text FROM (
      SELECT uid FROM expunged_messages WHERE mailbox_id = ${mailbox} AND modseq > ${since}
      ORDER BY modseq LIMIT ${EXPUNGED_MAX + 1}) AS expunged)
    FROM mailboxes WHERE id = ${mailbox} AND deleted_at IS NULL`.asArrays());
  if (!row) throw new Refused({ kind: "gone", what: "mailbox" });
  const [floor, packed] = row;
  const expunged = unpackNumbers(packed) as Uid[];
  if (since < floor || expunged.length > EXPUNGED_MAX) return null;
  return NumberSet.from(expunged.filter((uid) => uids.has(uid)).sort((a, b) => a - b));
}
