import type { MailboxId } from "../lib/ids.ts";
import { type Database, sql } from "./database.ts";
import type { Sql } from "./sql.ts";

/** Mailboxes that one statement marks. */
const MAILBOXES_MAX = 500;
/** Rows that one statement removes. */
const ROWS_MAX = 2_000;

/** Everything about a mailbox but its row and its messages: table and the rest of its primary key. */
const TABLES: readonly (readonly [table: Sql, key: Sql])[] = [
  [sql`message_state`, sql`uid`],
  [sql`expunged_messages`, sql`uid`],
  [sql`deliveries`, sql`key`],
  [sql`seen_states`, sql`uid, account_id`],
  [sql`viewers`, sql`account_id`],
  [sql`mailbox_acls`, sql`account_id`],
  [sql`metadata`, sql`account_id, name`],
  [sql`search_progress`, sql`mailbox_id`],
];

/** Removes deleted mailboxes for good, once their messages are purged. */
export class MailboxPurge {
  constructor(readonly db: Database) {}

  /**
   * Marks mailboxes that were deleted longer than `graceMs` ago: nothing in them can be restored any more.
   * Answers how many; 0 when there are none left.
   */
  async mark(graceMs: number): Promise<number> {
    const marked = await this.db.write(sql`
      UPDATE mailboxes SET purging = true
      WHERE id IN (SELECT id FROM mailboxes
        WHERE deleted_at < now() - make_interval(secs => ${graceMs / 1000}) AND NOT purging
        ORDER BY id LIMIT ${MAILBOXES_MAX} FOR NO KEY UPDATE)
      RETURNING id`);
    return marked.length;
  }

  /** Marked mailboxes, the next ones behind `after`, by id. */
  async marked(after: MailboxId | 0): Promise<MailboxId[]> {
    const rows = await this.db.query<{ id: MailboxId }>(sql`
      SELECT id FROM mailboxes WHERE purging AND id > ${after} ORDER BY id LIMIT ${MAILBOXES_MAX}`);
    return rows.map(({ id }) => id);
  }

  /**
   * Removes the next rows of a marked mailbox, in the end its own; answers whether it is gone. Does
   * nothing while it has messages.
   */
  async remove(mailbox: MailboxId): Promise<"gone" | "more" | "kept"> {
    const [left] = await this.db.query(sql`
      SELECT uid FROM messages WHERE mailbox_id = ${mailbox} LIMIT 1`);
    if (left) return "kept";
    for (const [table, key] of TABLES) {
      const removed = await this.db.write(sql`
        DELETE FROM ${table} WHERE mailbox_id = ${mailbox} AND (${key}) IN (
          SELECT ${key} FROM ${table} WHERE mailbox_id = ${mailbox} LIMIT ${ROWS_MAX})
        RETURNING 1 AS one`);
      if (removed.length === ROWS_MAX) return "more";
    }
    await this.db.transaction(async (tx) => {
      await tx.query(sql`DELETE FROM mailboxes WHERE id = ${mailbox} AND purging`);
      // WHY again: an indexer that had been at it has just written its row.
      await tx.query(sql`DELETE FROM search_progress WHERE mailbox_id = ${mailbox}`);
    });
    return "gone";
  }
}
