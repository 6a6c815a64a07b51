import type { AccountId, MailboxId, Modseq, Uid } from "../lib/ids.ts";
import { NumberSet } from "../lib/number_set.ts";
import { Refused } from "../lib/refused.ts";
import { type Database, type Reader, sql } from "./database.ts";
import { above } from "./in_chunks.ts";
import type { MessageRow, MessageState, Wanted } from "./message.ts";
import { unpackObjectKey } from "./object_key.ts";
import { NO_KEYWORDS, type PackedStates, unpackNumbers, unpackStates } from "./packed_states.ts";
import { joined, type Sql } from "./sql.ts";
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

/** The mutable part of messages that changed after a MODSEQ (0: of all), in UID order. */
export async function readStates(
  db: Reader,
  mailbox: MailboxId,
  { uids, since, viewer }: {
    readonly uids: UidSet;
    readonly since: number;
    readonly viewer: AccountId | null;
  },
): Promise<MessageState[]> {
  const states: MessageState[] = [];
  for (let rest = uids; !rest.isEmpty;) {
    const [row] = await db.query<PackedStates>(sql`
      SELECT array_agg(uid)::text, array_agg(flags)::text, array_agg(modseq)::text,
        json_object_agg(uid, keywords) FILTER (WHERE keywords IS NOT NULL)
      FROM (SELECT state.uid, state.flags, state.keywords, state.modseq
        FROM ${wantedStates(mailbox, rest, viewer)}
        WHERE state.modseq > ${since} LIMIT ${STATES_CHUNK}) AS chunk`.asArrays());
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
/** Octets of wide columns, and of those of all rows up to this one. */
type WeighedRow = RawRow & { readonly octets: number; readonly total: number };

/**
 * Octets of wide columns in one answer, unless the first message alone has more. WHY: most have a few
 * thousand, but a hostile one can have three million, and a thousand of those do not fit into memory.
 */
const WIDE_BYTES_MAX = 1024 * 1024;

const WIDE = {
  header: [sql`header`, sql`coalesce(octet_length(header), 0)`],
  envelope: [sql`envelope`, sql`octet_length(envelope)`],
  bodyStructure: [sql`body_structure AS "bodyStructure"`, sql`octet_length(body_structure)`],
  structure: [sql`structure`, sql`octet_length(structure)`],
} as const;

const BODY = sql`encode(hash, 'hex') AS hash, object_key AS "objectKey",
  header_bytes AS "headerBytes"`;

const THREAD_LINKS = sql`message_id AS "messageId", in_reply_to AS "inReplyTo",
  nullif(split_part(reference_ids, ' ', 1), '') AS "rootReference"`;

/** As the text index has it. */
function previewOf(mailbox: MailboxId): Sql {
  return sql`(SELECT preview FROM message_texts
    WHERE account_id = (SELECT account_id FROM mailboxes WHERE id = ${mailbox})
      AND message_texts.hash = messages.hash) AS preview`;
}

/** One answer of bounded size, and what is still to be asked for. */
export interface RowsPiece {
  readonly rows: MessageRow[];
  readonly rest: UidSet;
}

/** Messages with those wide columns that are wanted, in UID order: the first ones, at least one. */
export async function readRows(
  db: Reader,
  mailbox: MailboxId,
  { uids, want, viewer }: {
    readonly uids: UidSet;
    readonly want: Wanted;
    readonly viewer: AccountId | null;
  },
): Promise<RowsPiece> {
  if (uids.isEmpty) return { rows: [], rest: uids };
  const wide = [
    ...(want.header ? [WIDE.header] : []),
    ...(want.envelope ? [WIDE.envelope] : []),
    ...(want.bodyStructure ? [WIDE.bodyStructure] : []),
    ...(want.structure ? [WIDE.structure] : []),
  ];
  const { omit = {} } = want;
  const columns = [
    sql`size_bytes AS "sizeBytes"`,
    ...(omit.body ? [] : [BODY]),
    ...(omit.internalDate ? [] : [sql`internal_date AS "internalDate"`]),
    ...(omit.savedAt ? [] : [sql`saved_at AS "savedAt"`]),
    ...wide.map(([column]) => column),
    ...(want.threadLinks ? [THREAD_LINKS] : []),
    ...(want.preview ? [previewOf(mailbox)] : []),
  ];
  const selected = sql`state.uid, state.flags, state.keywords, state.modseq,
    ${joined(columns, ", ")}`;
  const from = sql`${wantedStates(mailbox, uids, viewer)}
    JOIN messages ON messages.mailbox_id = ${mailbox} AND messages.uid = state.uid`;
  if (wide.length === 0) {
    const all = await db.query<RawRow>(sql`SELECT ${selected} FROM ${from}`);
    return { rows: ascending(all.map(finish)), rest: NumberSet.of<Uid>([]) };
  }
  const octets = joined(wide.map(([, size]) => size), " + ");
  const found = ascending(
    await db.query<WeighedRow>(sql`
    SELECT * FROM (
      SELECT ${selected}, ${octets} AS octets,
        sum(${octets}) OVER (ORDER BY state.uid ROWS UNBOUNDED PRECEDING) AS total
      FROM ${from}) AS weighed
    WHERE total - octets < ${WIDE_BYTES_MAX}`),
  );
  const last = found.at(-1);
  const isAll = !last || last.total < WIDE_BYTES_MAX;
  const rows = found.map(({ octets: _octets, total: _total, ...row }) => finish(row));
  return { rows, rest: isAll ? NumberSet.of<Uid>([]) : above(uids, last.uid) };
}

function finish(row: RawRow): MessageRow {
  row.keywords ??= NO_KEYWORDS;
  if (row.hash !== undefined) row.objectKey = unpackObjectKey(row.objectKey, row.hash);
  return row as MessageRow;
}

/** The lowest UID without \Seen. */
export async function readFirstUnseen(
  db: Database,
  mailbox: MailboxId,
  viewer: AccountId | null,
): Promise<Uid | null> {
  if (viewer !== null) {
    const [row] = await db.query<{ uid: Uid }>(sql`
      SELECT uid FROM message_state AS own WHERE mailbox_id = ${mailbox} AND NOT coalesce((
        SELECT seen FROM seen_states WHERE mailbox_id = own.mailbox_id AND uid = own.uid
          AND account_id = ${viewer}), false)
      ORDER BY uid LIMIT 1`);
    return row?.uid ?? null;
  }
  const [row] = await db.query<{ uid: Uid }>(sql`
    SELECT uid FROM message_state WHERE mailbox_id = ${mailbox} AND flags & 1 = 0
    ORDER BY uid LIMIT 1`);
  return row?.uid ?? null;
}

function gone(): Refused {
  return new Refused({ kind: "gone", what: "mailbox" });
}
