import type { Hash, MailboxId, Modseq, Uid } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import { type Database, type Reader, sql } from "./database.ts";
import { above } from "./in_chunks.ts";
import type { MessageRow, MessageState, Wanted } from "./message.ts";
import { unpackObjectKey } from "./object_key.ts";
import { NO_KEYWORDS, type PackedStates, unpackNumbers, unpackStates } from "./packed_states.ts";
import { joined } from "./sql.ts";
import type { UidSet } from "./uid_set.ts";
import { wantedStates } from "./wanted_states.ts";

/** Rows of one answer: parsing them takes some 10 ms, and others get their turn in between. */
const STATES_CHUNK = 10_000;

/** Every UID of a mailbox and the MODSEQ of that moment. */
export interface Uids {
  /** Ascending. */
  readonly uids: Uint32Array;
  readonly modseq: Modseq;
}

/** One snapshot: the mailbox row and its messages change together. */
export async function readUids(db: Database, mailbox: MailboxId): Promise<Uids> {
  // WHY: one value instead of 100,000 rows takes a third of the time.
  const [row] = await db.query<[modseq: Modseq, uids: string | null]>(sql`
    SELECT highest_modseq, (SELECT array_agg(uid)::text FROM (
      SELECT uid FROM message_state WHERE mailbox_id = ${mailbox} ORDER BY uid OFFSET 0) AS live)
    FROM mailboxes WHERE id = ${mailbox} AND deleted_at IS NULL`.asArrays());
  if (!row) throw gone();
  return { modseq: row[0], uids: Uint32Array.from(unpackNumbers(row[1])) };
}

/** The mutable part of messages, in UID order. */
export async function readStates(
  db: Reader,
  mailbox: MailboxId,
  uids: UidSet,
): Promise<MessageState[]> {
  const states: MessageState[] = [];
  for (let rest = uids; !rest.isEmpty;) {
    const [row] = await db.query<PackedStates>(sql`
      SELECT array_agg(uid)::text, array_agg(flags)::text, array_agg(modseq)::text,
        json_object_agg(uid, keywords) FILTER (WHERE keywords IS NOT NULL)
      FROM (SELECT state.uid, state.flags, state.keywords, state.modseq
        FROM ${wantedStates(mailbox, rest)} LIMIT ${STATES_CHUNK}) AS chunk`.asArrays());
    const chunk = unpackStates(row);
    for (const state of chunk) states.push(state);
    const last = chunk.at(-1);
    if (chunk.length < STATES_CHUNK || !last) break;
    rest = above(rest, last.uid);
  }
  return ascending(states);
}

/** WHY: SQL promises no order without ORDER BY, and a sort there would cost more than this look. */
function ascending<T extends { readonly uid: Uid }>(rows: T[]): T[] {
  for (let at = 1; at < rows.length; at++) {
    if ((rows[at]?.uid ?? 0) < (rows[at - 1]?.uid ?? 0)) return rows.sort((a, b) => a.uid - b.uid);
  }
  return rows;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type RawRow = Omit<Mutable<MessageRow>, "keywords"> & { keywords: readonly string[] | null };

const WIDE = {
  header: sql`header`,
  envelope: sql`envelope`,
  bodyStructure: sql`body_structure AS "bodyStructure"`,
  structure: sql`structure`,
};

/** Messages with those wide columns that are wanted, in UID order. */
export async function readRows(
  db: Reader,
  mailbox: MailboxId,
  { uids, want }: { readonly uids: UidSet; readonly want: Wanted },
): Promise<MessageRow[]> {
  if (uids.isEmpty) return [];
  const columns = [
    sql`encode(hash, 'hex') AS hash, object_key AS "objectKey", size_bytes AS "sizeBytes",
      header_bytes AS "headerBytes", internal_date AS "internalDate", saved_at AS "savedAt"`,
    ...(want.header ? [WIDE.header] : []),
    ...(want.envelope ? [WIDE.envelope] : []),
    ...(want.bodyStructure ? [WIDE.bodyStructure] : []),
    ...(want.structure ? [WIDE.structure] : []),
  ];
  // WHY: LATERAL with OFFSET 0 again: a planner without statistics joins by comparing all pairs.
  const rows = await db.query<RawRow>(sql`
    SELECT state.uid, state.flags, state.keywords, state.modseq, facts.*
    FROM ${wantedStates(mailbox, uids)}
    CROSS JOIN LATERAL (
      SELECT ${joined(columns, ", ")} FROM messages
      WHERE mailbox_id = ${mailbox} AND uid = state.uid OFFSET 0) AS facts`);
  return ascending(rows.map(finish));
}

function finish(row: RawRow): MessageRow {
  row.keywords ??= NO_KEYWORDS;
  row.objectKey = unpackObjectKey(row.objectKey, row.hash as Hash);
  return row as MessageRow;
}

/** The lowest UID without \Seen. */
export async function readFirstUnseen(db: Database, mailbox: MailboxId): Promise<Uid | null> {
  const [row] = await db.query<{ uid: Uid }>(sql`
    SELECT uid FROM message_state WHERE mailbox_id = ${mailbox} AND flags & 1 = 0
    ORDER BY uid LIMIT 1`);
  return row?.uid ?? null;
}

function gone(): Refused {
  return new Refused({ kind: "gone", what: "mailbox" });
}
