import { type Database, type Reader, sql } from "./database.ts";

/** What an object that is no message's says of itself. */
export interface Described {
  readonly key: string;
  /** Primary address of the account, the database that numbered the message, and its number there. */
  readonly account: string;
  readonly epoch: string;
  readonly mailboxId: number;
  readonly uid: number;
}

/**
 * Which database this is: the server, its timeline, and the table itself. WHY: one that was restored from a
 * backup knows nothing of the bodies that came since.
 */
const DATABASE = sql`(SELECT concat_ws('/',
  (SELECT system_identifier FROM pg_control_system()),
  (SELECT timeline_id FROM pg_control_checkpoint()),
  (SELECT oid FROM pg_database WHERE datname = current_database()),
  'orphan_sweep'::regclass::oid))`;

/** Owns the table `orphan_sweep`: when it was looked for objects that nobody needs, and how far. */
export class OrphanSweepStore {
  constructor(readonly db: Database) {}

  /**
   * Where to go on, "" at the beginning; null: nothing is to be done, as the last one ended less than
   * `intervalMs` ago, or an account is being rebuilt. A database that has never asked, or is another one than
   * when it did, waits for a whole interval.
   */
  async due(intervalMs: number): Promise<string | null> {
    const [row] = await this.db.write<{ place: string | null; isDue: boolean }>(sql`
      INSERT INTO orphan_sweep AS last (database) SELECT ${DATABASE}
      ON CONFLICT (single) DO UPDATE SET database = excluded.database,
        place = CASE WHEN last.database = excluded.database THEN last.place END,
        finished_at = CASE WHEN last.database = excluded.database THEN last.finished_at
          ELSE now() END
      RETURNING place, (place IS NOT NULL
          OR finished_at <= now() - make_interval(secs => ${intervalMs / 1000}))
        AND NOT EXISTS (SELECT FROM rebuilt_accounts WHERE rebuilt_accounts.finished_at IS NULL)
        AS "isDue"`);
    return row?.isDue ? row.place ?? "" : null;
  }

  /** All up to this key was looked at. */
  async advance(place: string): Promise<void> {
    await this.db.write(sql`UPDATE orphan_sweep SET place = ${place}`, { repeatable: true });
  }

  /** All was looked at. */
  async finish(): Promise<void> {
    await this.db.write(sql`UPDATE orphan_sweep SET place = NULL, finished_at = now()`, {
      repeatable: true,
    });
  }
}

/**
 * Which of these objects are of messages that this database has numbered, or one that the account was rebuilt
 * from. The others are of a later state of it, or of another one, and perhaps all that is left of that.
 */
export async function whichAreOfThisDatabase(
  db: Pick<Reader, "query">,
  objects: readonly Described[],
): Promise<ReadonlySet<string>> {
  const rows = await db.query<{ key: string }>(sql`
    SELECT key FROM unnest(${objects.map(({ key }) => key)}::text[],
      ${objects.map(({ account }) => account)}::text[],
      ${objects.map(({ epoch }) => epoch)}::text[],
      ${objects.map(({ mailboxId }) => mailboxId)}::bigint[],
      ${objects.map(({ uid }) => uid)}::bigint[]) AS said(key, account, epoch, mailbox, uid)
    WHERE (said.epoch IN (SELECT epoch FROM manifest_epoch)
        AND mailbox <= pg_sequence_last_value(pg_get_serial_sequence('mailboxes', 'id')::regclass)
        AND NOT EXISTS (SELECT FROM mailboxes WHERE id = mailbox AND uid_next <= said.uid))
      OR EXISTS (SELECT FROM rebuilt_accounts WHERE address = account
        AND finished_at IS NOT NULL AND said.epoch = ANY(epochs))`);
  return new Set(rows.map(({ key }) => key));
}
