import { Buffer } from "node:buffer";
import type { AccountId, Hash, MailboxId, Uid } from "../lib/ids.ts";
import { NumberSet } from "../lib/number_set.ts";
import type { SearchText } from "../message/search_text.ts";
import { type Database, sql, type Transaction } from "./database.ts";
import { unpackObjectKey } from "./object_key.ts";
import { unpackNumbers } from "./packed_states.ts";
import type { UidSet } from "./uid_set.ts";

/** What the index knows about a text. */
export interface TextMatches {
  /** Surely. */
  readonly matching: UidSet;
  /** Messages that the index does not know, or not the whole of. */
  readonly undecided: UidSet;
}

/** A message whose text is to be taken up. */
export interface Unindexed {
  readonly hash: Hash;
  readonly objectKey: string;
  readonly sizeBytes: number;
  readonly headerBytes: number;
  readonly structure: string;
  /** null: too large to be kept in the database. */
  readonly header: Uint8Array | null;
}

/** Messages of one batch: their texts are one statement, and are computed in a second or less. */
const BATCH_MAX = 100;
/** Mailboxes that one look for work brings. */
const MAILBOXES_MAX = 1_000;

/** Owns the tables `message_texts` and `search_progress`. */
export class MessageTextStore {
  constructor(readonly db: Database) {}

  /** Where a folded text occurs: in the body (RFC 3501 BODY), or anywhere (TEXT). */
  async find(
    mailbox: MailboxId,
    { where, needle }: { readonly where: "body" | "all"; readonly needle: string },
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<TextMatches> {
    const pattern = `%${needle.replaceAll(/[\\%_]/g, "\\$&")}%`;
    const rest = where === "all" ? sql`OR rest_text LIKE ${pattern}` : sql``;
    const [row] = await this.db.search<{ matching: string | null; undecided: string | null }>(
      sql`
      WITH box AS (SELECT account_id AS owner FROM mailboxes WHERE id = ${mailbox}),
      hit AS MATERIALIZED (SELECT hash FROM message_texts
        WHERE account_id = (SELECT owner FROM box) AND (body_text LIKE ${pattern} ${rest})),
      open AS MATERIALIZED (SELECT hash FROM message_texts
        WHERE account_id = (SELECT owner FROM box) AND truncated),
      live AS (SELECT uid, hash FROM message_state AS state JOIN messages USING (mailbox_id, uid)
        WHERE state.mailbox_id = ${mailbox}),
      verdict AS (SELECT uid,
          hash IN (SELECT hash FROM hit) AND uid <= coalesce(progress.indexed_uid, 0) AS matches,
          uid > coalesce(progress.indexed_uid, 0) OR hash IN (SELECT hash FROM open) AS is_open
        FROM live LEFT JOIN (SELECT indexed_uid FROM search_progress
          WHERE mailbox_id = ${mailbox}) AS progress ON true)
      SELECT array_agg(uid ORDER BY uid) FILTER (WHERE matches)::text AS matching,
        array_agg(uid ORDER BY uid) FILTER (WHERE is_open AND NOT matches)::text AS undecided
      FROM verdict WHERE matches OR is_open`.unprepared(),
      options,
    );
    return { matching: setOf(row?.matching ?? null), undecided: setOf(row?.undecided ?? null) };
  }

  /** Mailboxes that have messages without a text, the next ones behind `after`, by id. */
  async unfinished(after: MailboxId | 0): Promise<MailboxId[]> {
    const rows = await this.db.query<{ id: MailboxId }>(sql`
      SELECT id FROM mailboxes LEFT JOIN search_progress ON mailbox_id = id
      WHERE id > ${after} AND deleted_at IS NULL AND uid_next - 1 > coalesce(indexed_uid, 0)
        AND messages > 0
      ORDER BY id LIMIT ${MAILBOXES_MAX}`);
    return rows.map(({ id }) => id);
  }

  /**
   * Takes up the next messages of a mailbox, with the texts that `read` makes of them; answers how many
   * UIDs it went through, 0 when there is nothing left or somebody else is at it. What `read` throws
   * leaves everything as it was.
   */
  async advance(
    mailbox: MailboxId,
    read: (message: Unindexed) => Promise<SearchText>,
  ): Promise<number> {
    return await this.db.transaction(async (tx) => {
      const progress = await claim(tx, mailbox);
      if (!progress) return 0;
      const rows = await nextMessages(tx, mailbox, progress);
      // WHY: the last message may be gone again; looked at once, the mailbox is finished all the same.
      const end = rows.length < BATCH_MAX ? progress.uidNext - 1 : 0;
      const last = Math.max(end, rows.at(-1)?.uid ?? 0);
      if (last <= progress.indexedUid) return 0;
      const fresh = new Map(rows.filter(({ isKnown }) => !isKnown).map((row) => [row.hash, row]));
      const texts: (readonly [Hash, SearchText])[] = [];
      for (const row of fresh.values()) texts.push([row.hash, await read(row)]);
      await insert(tx, progress.owner, texts);
      await tx.query(sql`
        UPDATE search_progress SET indexed_uid = ${last} WHERE mailbox_id = ${mailbox}`);
      return rows.length;
    });
  }

  /** What was taken up is brought into the index's order, so that searches need not look at it apart. */
  async merge(): Promise<void> {
    await this.db.transaction((tx) =>
      tx.query(sql`
        SELECT gin_clean_pending_list('message_texts_body'),
          gin_clean_pending_list('message_texts_rest')`), { timeoutMs: 0 });
  }

  /** UIDs that nobody has gone through yet, and in how many mailboxes: an upper bound. */
  async lag(): Promise<{ readonly messages: number; readonly mailboxes: number }> {
    const [row] = await this.db.read<{ messages: number; mailboxes: number }>(sql`
      SELECT count(*) AS mailboxes,
        coalesce(sum(least(uid_next - 1 - coalesce(indexed_uid, 0), messages)), 0)::bigint AS messages
      FROM mailboxes LEFT JOIN search_progress ON mailbox_id = id
      WHERE deleted_at IS NULL AND uid_next - 1 > coalesce(indexed_uid, 0) AND messages > 0`);
    return row ?? { messages: 0, mailboxes: 0 };
  }

  /** Forgets the texts of an account, or of all: they are made anew. Answers its mailboxes. */
  async forget(account: AccountId | null): Promise<MailboxId[]> {
    const isMeant = account === null ? sql`true` : sql`account_id = ${account}`;
    return await this.db.transaction(async (tx) => {
      // WHY: an indexer that has seen a text which goes would take it for known.
      await tx.query(sql`LOCK TABLE search_progress IN SHARE ROW EXCLUSIVE MODE`);
      const rows = await tx.query<{ id: MailboxId }>(sql`
        DELETE FROM search_progress USING mailboxes
        WHERE mailboxes.id = search_progress.mailbox_id AND ${isMeant}
        RETURNING mailboxes.id AS id`);
      await tx.query(sql`DELETE FROM message_texts WHERE ${isMeant}`);
      return rows.map(({ id }) => id);
    }, { timeoutMs: 0 });
  }
}

interface Progress {
  readonly indexedUid: Uid;
  readonly uidNext: Uid;
  readonly owner: AccountId;
}

/** One indexer for each mailbox, on whatever node. */
async function claim(tx: Transaction, mailbox: MailboxId): Promise<Progress | null> {
  // WHY locked: the mailbox is not to be purged before this is over.
  await tx.query(sql`
    INSERT INTO search_progress (mailbox_id)
    SELECT id FROM mailboxes WHERE id = ${mailbox} AND deleted_at IS NULL FOR KEY SHARE
    ON CONFLICT DO NOTHING`);
  const [row] = await tx.query<Progress>(sql`
    SELECT indexed_uid AS "indexedUid", uid_next AS "uidNext", account_id AS owner
    FROM search_progress JOIN mailboxes ON mailboxes.id = mailbox_id
    WHERE mailbox_id = ${mailbox} AND deleted_at IS NULL
    FOR UPDATE OF search_progress SKIP LOCKED`);
  return row ?? null;
}

interface NextRow extends Unindexed {
  readonly uid: Uid;
  readonly isKnown: boolean;
}

/** WHY live ones only: what is expunged is found by nobody. */
async function nextMessages(
  tx: Transaction,
  mailbox: MailboxId,
  { indexedUid, owner }: Progress,
): Promise<NextRow[]> {
  const rows = await tx.query<NextRow>(sql`
    SELECT state.uid, encode(hash, 'hex') AS hash, object_key AS "objectKey",
      size_bytes AS "sizeBytes", header_bytes AS "headerBytes", known.is_known AS "isKnown",
      CASE WHEN known.is_known THEN '' ELSE structure END AS structure,
      CASE WHEN known.is_known THEN NULL ELSE header END AS header
    FROM (SELECT uid FROM message_state WHERE mailbox_id = ${mailbox} AND uid > ${indexedUid}
      ORDER BY uid LIMIT ${BATCH_MAX}) AS state
    JOIN messages ON messages.mailbox_id = ${mailbox} AND messages.uid = state.uid
    CROSS JOIN LATERAL (SELECT EXISTS (SELECT 1 FROM message_texts
      WHERE account_id = ${owner} AND message_texts.hash = messages.hash) AS is_known) AS known
    ORDER BY state.uid`);
  return rows.map((row) => ({ ...row, objectKey: unpackObjectKey(row.objectKey, row.hash) }));
}

async function insert(
  tx: Transaction,
  owner: AccountId,
  texts: readonly (readonly [Hash, SearchText])[],
): Promise<void> {
  if (texts.length === 0) return;
  await tx.query(sql`
    INSERT INTO message_texts (account_id, hash, body_text, rest_text, preview, truncated)
    SELECT ${owner}, * FROM unnest(${texts.map(([hash]) => Buffer.from(hash, "hex"))}::bytea[],
      ${texts.map(([, { body }]) => body)}::text[], ${texts.map(([, { rest }]) => rest)}::text[],
      ${texts.map(([, { preview }]) => preview)}::text[],
      ${texts.map(([, { truncated }]) => truncated)}::boolean[])
    ON CONFLICT DO NOTHING`);
}

function setOf(packed: string | null): UidSet {
  return NumberSet.from(unpackNumbers(packed) as Uid[]);
}
