import type { AccountId, Hash, MailboxId, Uid } from "../lib/ids.ts";
import { type Database, sql } from "./database.ts";
import { unpackObjectKey } from "./object_key.ts";
import type { Sql } from "./sql.ts";

/** A body that is to be read again. */
export interface ScrubbedBody {
  readonly uid: Uid;
  readonly objectKey: string;
  readonly hash: Hash;
  readonly sizeBytes: number;
  readonly accountId: AccountId;
}

/** What may be wrong with a body. */
export type Damage = "missing" | "size" | "hash" | "unreadable";

/** A mailbox whose bodies somebody reads now. */
export interface ScrubbedMailbox {
  readonly id: MailboxId;
  /** Read in this round already. */
  readonly readUid: Uid;
}

/** Longer than one batch takes: after it another node may take the mailbox. */
const LEASE_S = 600;

/** Owns the tables `scrub_progress` and `damaged_bodies`. */
export class ScrubStore {
  constructor(readonly db: Database) {}

  /** Mailboxes that nobody has read for `intervalMs`, the longest ago first. It looks at all there are. */
  async due(intervalMs: number, limit: number): Promise<MailboxId[]> {
    const rows = await this.db.search<{ id: MailboxId }>(sql`
      SELECT id FROM mailboxes LEFT JOIN scrub_progress ON mailbox_id = id
      WHERE deleted_at IS NULL AND messages > 0 AND ${isDue(intervalMs)}
      ORDER BY finished_at NULLS FIRST, id LIMIT ${limit}`);
    return rows.map(({ id }) => id);
  }

  /**
   * Takes a mailbox; null: it is not due any more, or somebody else has it. Nobody else gets it for ten
   * minutes, or until `advance` says that it is done.
   */
  async take(mailbox: MailboxId, intervalMs: number): Promise<ScrubbedMailbox | null> {
    const [row] = await this.db.write<{ id: MailboxId; readUid: Uid }>(sql`
      INSERT INTO scrub_progress (mailbox_id, leased_until)
      SELECT id, now() + make_interval(secs => ${LEASE_S}) FROM mailboxes
      WHERE id = ${mailbox} AND deleted_at IS NULL
      ON CONFLICT (mailbox_id) DO UPDATE SET leased_until = excluded.leased_until
        WHERE ${isDue(intervalMs)}
      RETURNING mailbox_id AS id, read_uid AS "readUid"`);
    return row ?? null;
  }

  /** The next bodies of a mailbox above a UID. */
  async bodies(mailbox: MailboxId, above: Uid, limit: number): Promise<ScrubbedBody[]> {
    const rows = await this.db.query<ScrubbedBody>(sql`
      SELECT messages.uid, object_key AS "objectKey", encode(hash, 'hex') AS hash,
        size_bytes AS "sizeBytes",
        (SELECT account_id FROM mailboxes WHERE id = ${mailbox}) AS "accountId"
      FROM message_state AS state JOIN messages USING (mailbox_id, uid)
      WHERE state.mailbox_id = ${mailbox} AND state.uid > ${above}
      ORDER BY state.uid LIMIT ${limit}`);
    return rows.map((row) => ({ ...row, objectKey: unpackObjectKey(row.objectKey, row.hash) }));
  }

  /** Which of these keys are not uploaded yet. */
  async pending(keys: readonly string[]): Promise<Set<string>> {
    const rows = await this.db.query<{ key: string }>(sql`
      SELECT object_key AS key FROM pending_uploads WHERE object_key = ANY(${[...keys]}::text[])`);
    return new Set(rows.map(({ key }) => key));
  }

  /** Which of these keys were found damaged. */
  async damaged(keys: readonly string[]): Promise<Set<string>> {
    const rows = await this.db.query<{ key: string }>(sql`
      SELECT object_key AS key FROM damaged_bodies WHERE object_key = ANY(${[...keys]}::text[])`);
    return new Set(rows.map(({ key }) => key));
  }

  /** Read up to this UID; null: all of it, and the mailbox is given back. */
  async advance(mailbox: MailboxId, uid: Uid | null): Promise<void> {
    await this.db.write(
      uid === null
        ? sql`UPDATE scrub_progress SET read_uid = 0, finished_at = now(), leased_until = NULL
            WHERE mailbox_id = ${mailbox}`
        : sql`UPDATE scrub_progress SET read_uid = ${uid},
              leased_until = now() + make_interval(secs => ${LEASE_S})
            WHERE mailbox_id = ${mailbox}`,
      { repeatable: true },
    );
  }

  /** Gives a mailbox back that is not done. */
  async giveBack(mailbox: MailboxId): Promise<void> {
    await this.db.write(
      sql`UPDATE scrub_progress SET leased_until = NULL WHERE mailbox_id = ${mailbox}`,
      { repeatable: true },
    );
  }

  /** What was found out about a body. */
  async report(
    { objectKey, accountId }: Pick<ScrubbedBody, "objectKey" | "accountId">,
    damage: Damage | null,
  ): Promise<void> {
    await this.db.write(
      damage === null
        ? sql`DELETE FROM damaged_bodies WHERE object_key = ${objectKey}`
        : sql`INSERT INTO damaged_bodies (object_key, account_id, damage)
            VALUES (${objectKey}, ${accountId}, ${damage})
            ON CONFLICT (object_key) DO UPDATE SET damage = excluded.damage`,
      { repeatable: true },
    );
  }

  /** Forgets damage of bodies that no message has any more. */
  async forgetUnused(): Promise<void> {
    await this.db.write(
      sql`DELETE FROM damaged_bodies AS damaged WHERE NOT EXISTS (
        SELECT 1 FROM messages WHERE messages.hash = decode(right(damaged.object_key, 64), 'hex')
          AND messages.object_key IN (damaged.object_key,
            left(damaged.object_key, length(damaged.object_key) - 64)))`,
      { repeatable: true },
    );
  }

  /**
   * Messages in all mailboxes, those in mailboxes that were read whole within so many days, and bodies that
   * are damaged.
   */
  async status(days: number): Promise<{
    readonly messages: number;
    readonly verified: number;
    readonly damaged: number;
  }> {
    const [row] = await this.db.query<{ messages: number; verified: number; damaged: number }>(sql`
      SELECT coalesce(sum(messages), 0)::bigint AS messages,
        coalesce(sum(messages) FILTER (
          WHERE finished_at > now() - make_interval(days => ${days}::int)), 0)::bigint AS verified,
        (SELECT count(*) FROM damaged_bodies) AS damaged
      FROM mailboxes LEFT JOIN scrub_progress ON mailbox_id = id WHERE deleted_at IS NULL`);
    return row ?? { messages: 0, verified: 0, damaged: 0 };
  }
}

/** Of a row of `scrub_progress`, or of none. */
function isDue(intervalMs: number): Sql {
  return sql`
    coalesce(scrub_progress.finished_at < now() - make_interval(secs => ${intervalMs / 1000}), true)
    AND coalesce(scrub_progress.leased_until < now(), true)`;
}
