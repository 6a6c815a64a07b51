import type { MailboxId, Uid } from "../lib/ids.ts";
import { type Database, sql } from "./database.ts";
import { type Doomed, type Purged, purgeMessages, type RemoveObjects } from "./purge_messages.ts";

export type { Purged, RemoveObjects } from "./purge_messages.ts";

/** Messages of one batch: their bodies are removed in one transaction, with their objects locked. */
const MESSAGES_MAX = 200;
/** Rows without bodies that one statement removes. */
const ROWS_MAX = 2_000;

/** Behind the last message of a batch, in the order of the index. */
export interface PurgeCursor {
  /** As PostgreSQL writes it. WHY: a Date has no microseconds. */
  readonly expungedAt: string;
  readonly mailbox: MailboxId;
  readonly uid: Uid;
}

/** What became of a batch; `next` is null behind the last one. */
export interface PurgedBatch extends Purged {
  readonly next: PurgeCursor | null;
}

/** Removes for good what was expunged. Only one cleaner at a time: see `Cleaner`. */
export class PurgeStore {
  constructor(readonly db: Database) {}

  /** How far the database's clock, which ages are counted by, is from ours. */
  async clockSkewMs(): Promise<number> {
    const before = Date.now();
    const [row] = await this.db.query<{ now: number }>(sql`
      SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now`);
    const now = row?.now ?? NaN;
    return Math.max(0, before - now, now - Date.now());
  }

  /**
   * Purges the next messages that were expunged longer than `graceMs` ago: first they are marked, so that
   * nobody restores them any more, then bodies that nothing else needs are removed, then their rows.
   */
  async purgeExpunged(
    after: PurgeCursor | null,
    { graceMs, remove }: { readonly graceMs: number; readonly remove: RemoveObjects },
  ): Promise<PurgedBatch> {
    const marked = await this.#mark(after, graceMs);
    const purged = await purgeMessages(this.db, marked, remove);
    const last = marked.at(-1);
    return { ...purged, next: last && marked.length === MESSAGES_MAX ? last : null };
  }

  /** The same for a mailbox that is marked as a whole, in the order of UIDs. */
  async purgeMailbox(
    mailbox: MailboxId,
    { after, remove }: { readonly after: Uid | 0; readonly remove: RemoveObjects },
  ): Promise<Purged & { readonly next: Uid | null }> {
    const doomed = await this.db.query<Doomed>(sql`
      SELECT mailbox_id AS mailbox, uid FROM messages
      WHERE mailbox_id = ${mailbox} AND uid > ${after}
        AND EXISTS (SELECT FROM mailboxes WHERE id = ${mailbox} AND purging)
      ORDER BY uid LIMIT ${MESSAGES_MAX}`);
    const purged = await purgeMessages(this.db, doomed, remove);
    const last = doomed.at(-1);
    return { ...purged, next: last && doomed.length === MESSAGES_MAX ? last.uid : null };
  }

  /**
   * Forgets tombstones of messages that were expunged longer than `ageMs` ago and purged; whoever asks what
   * was expunged since before that is told that nobody knows. Answers how many; 0 when there are none left.
   */
  async forgetTombstones(ageMs: number): Promise<number> {
    return await this.db.transaction(async (tx) => {
      const rows = await tx.query<Doomed & { modseq: number }>(sql`
        SELECT mailbox_id AS mailbox, uid, modseq FROM expunged_messages
        WHERE moved AND expunged_at < now() - make_interval(secs => ${ageMs / 1000})
        ORDER BY expunged_at LIMIT ${ROWS_MAX}`);
      if (rows.length === 0) return 0;
      const mailboxes = rows.map(({ mailbox }) => mailbox);
      // WHY in this order: like everybody who locks several mailboxes.
      await tx.query(sql`
        SELECT id FROM mailboxes WHERE id = ANY(${mailboxes}::bigint[])
        ORDER BY id FOR NO KEY UPDATE`);
      await tx.query(sql`
        UPDATE mailboxes SET expunged_floor = greatest(expunged_floor, gone.modseq)
        FROM (SELECT mailbox, max(modseq) AS modseq
          FROM unnest(${mailboxes}::bigint[], ${rows.map(({ modseq }) => modseq)}::bigint[])
            AS row(mailbox, modseq) GROUP BY mailbox) AS gone
        WHERE id = gone.mailbox`);
      await tx.query(sql`
        DELETE FROM expunged_messages
        USING unnest(${mailboxes}::bigint[], ${rows.map(({ uid }) => uid)}::bigint[])
          AS gone(mailbox_id, uid)
        WHERE expunged_messages.mailbox_id = gone.mailbox_id AND expunged_messages.uid = gone.uid`);
      return rows.length;
    });
  }

  /**
   * Removes the texts of purged messages that no other message of their account has. Answers how many
   * hashes were looked at; 0 when there are none left.
   */
  async forgetTexts(): Promise<number> {
    return await this.db.transaction(async (tx) => {
      const stale = await tx.query<{ account: number; hash: Uint8Array }>(sql`
        DELETE FROM stale_texts WHERE (account_id, hash) IN (
          SELECT account_id, hash FROM stale_texts LIMIT ${ROWS_MAX})
        RETURNING account_id AS account, hash`);
      if (stale.length === 0) return 0;
      // WHY: an indexer that has seen a text which goes would take it for known. It works in batches of a
      // second, and nobody else needs this table.
      await tx.query(sql`LOCK TABLE search_progress IN SHARE ROW EXCLUSIVE MODE`);
      await tx.query(sql`
        DELETE FROM message_texts AS text
        USING unnest(${stale.map(({ account }) => account)}::bigint[],
          ${stale.map(({ hash }) => hash)}::bytea[]) AS stale(account_id, hash)
        WHERE text.account_id = stale.account_id AND text.hash = stale.hash
          AND NOT EXISTS (SELECT FROM messages JOIN mailboxes ON mailboxes.id = mailbox_id
            WHERE messages.hash = stale.hash AND mailboxes.account_id = stale.account_id)`);
      return stale.length;
    });
  }

  async #mark(after: PurgeCursor | null, graceMs: number): Promise<(Doomed & PurgeCursor)[]> {
    const { expungedAt, mailbox, uid } = after ??
      { expungedAt: "-infinity", mailbox: 0, uid: 0 };
    return await this.db.transaction(async (tx) => {
      const rows = await tx.query<Doomed & PurgeCursor>(sql`
        SELECT mailbox_id AS mailbox, uid, expunged_at::text AS "expungedAt" FROM expunged_messages
        WHERE NOT moved AND expunged_at < now() - make_interval(secs => ${graceMs / 1000})
          AND (expunged_at, mailbox_id, uid) > (${expungedAt}::timestamptz, ${mailbox}, ${uid})
        ORDER BY expunged_at, mailbox_id, uid LIMIT ${MESSAGES_MAX}
        FOR UPDATE SKIP LOCKED`);
      await tx.query(sql`
        UPDATE expunged_messages AS gone SET purging = true
        FROM unnest(${rows.map(({ mailbox }) => mailbox)}::bigint[],
          ${rows.map(({ uid }) => uid)}::bigint[]) AS doomed(mailbox_id, uid)
        WHERE gone.mailbox_id = doomed.mailbox_id AND gone.uid = doomed.uid AND NOT gone.purging`);
      return rows;
    });
  }
}
