import type { AccountId } from "../lib/ids.ts";
import { type Database, sql } from "./database.ts";
import type { Sql } from "./sql.ts";

/** Accounts that one statement brings. */
const ACCOUNTS_MAX = 100;
/** Rows that one statement removes. */
const ROWS_MAX = 2_000;

/** What else belongs to an account: table, the column that says so, and the primary key. */
const TABLES: readonly (readonly [table: Sql, owner: Sql, key: Sql])[] = [
  [sql`message_texts`, sql`account_id`, sql`account_id, hash`],
  [sql`stale_texts`, sql`account_id`, sql`account_id, hash`],
  [sql`subscriptions`, sql`account_id`, sql`account_id, name_key`],
  [sql`uid_validities`, sql`account_id`, sql`account_id, name_key`],
  [sql`metadata`, sql`owner_id`, sql`mailbox_id, account_id, name`],
  [sql`mailbox_acls`, sql`account_id`, sql`mailbox_id, account_id`],
  [sql`quotas`, sql`account_id`, sql`account_id`],
  [sql`damaged_bodies`, sql`account_id`, sql`object_key`],
  [sql`credentials`, sql`account_id`, sql`id`],
];

/** Removes deleted accounts for good, once their mailboxes are purged. */
export class AccountPurge {
  constructor(readonly db: Database) {}

  /**
   * Marks one account that was deleted longer than `graceMs` ago, and its mailboxes: it cannot be restored
   * any more. What it owns of a domain's shared tree stays, and the account with it. null: none is left.
   */
  async mark(graceMs: number): Promise<AccountId | null> {
    return await this.db.transaction(async (tx) => {
      const [account] = await tx.query<{ id: AccountId }>(sql`
        UPDATE accounts SET purging = true
        WHERE id = (SELECT id FROM accounts
          WHERE deleted_at < now() - make_interval(secs => ${graceMs / 1000}) AND NOT purging
          ORDER BY deleted_at LIMIT 1 FOR NO KEY UPDATE)
        RETURNING id`);
      if (!account) return null;
      await tx.query(sql`
        SELECT id FROM mailboxes WHERE account_id = ${account.id} AND domain IS NULL
        ORDER BY id FOR NO KEY UPDATE`);
      await tx.query(sql`
        UPDATE mailboxes SET deleted_at = coalesce(deleted_at, now()), purging = true
        WHERE account_id = ${account.id} AND domain IS NULL`);
      return account.id;
    });
  }

  /** Marked accounts, the next ones behind `after`, by id. */
  async marked(after: AccountId | 0): Promise<AccountId[]> {
    const rows = await this.db.query<{ id: AccountId }>(sql`
      SELECT id FROM accounts WHERE deleted_at IS NOT NULL AND purging AND id > ${after}
      ORDER BY id LIMIT ${ACCOUNTS_MAX}`);
    return rows.map(({ id }) => id);
  }

  /**
   * Removes the next rows of a marked account, in the end its own. "shared": it owns mailboxes that its
   * domain shares; "kept": mailboxes of its own are not purged yet.
   */
  async remove(account: AccountId): Promise<"gone" | "more" | "kept" | "shared"> {
    const [left] = await this.db.query<{ shared: boolean }>(sql`
      SELECT domain IS NOT NULL AS shared FROM mailboxes WHERE account_id = ${account}
      ORDER BY domain IS NOT NULL LIMIT 1`);
    if (left) return left.shared ? "shared" : "kept";
    if (await this.#removeViews(account)) return "more";
    await this.db.write(sql`
      DELETE FROM rebuilt_accounts WHERE address IN (SELECT address FROM credentials
        WHERE account_id = ${account} AND is_primary)`);
    for (const [table, owner, key] of TABLES) {
      const removed = await this.db.write(sql`
        DELETE FROM ${table} WHERE ${owner} = ${account} AND (${key}) IN (
          SELECT ${key} FROM ${table} WHERE ${owner} = ${account} LIMIT ${ROWS_MAX})
        RETURNING 1 AS one`);
      if (removed.length === ROWS_MAX) return "more";
    }
    await this.db.write(sql`DELETE FROM accounts WHERE id = ${account} AND purging`);
    return "gone";
  }

  /** What the account had seen in mailboxes of others; true when there may be more. */
  async #removeViews(account: AccountId): Promise<boolean> {
    return await this.db.transaction(async (tx) => {
      const [view] = await tx.query<{ mailbox: number }>(sql`
        SELECT mailbox_id AS mailbox FROM viewers WHERE account_id = ${account} LIMIT 1`);
      if (!view) return false;
      const removed = await tx.query(sql`
        DELETE FROM seen_states WHERE mailbox_id = ${view.mailbox} AND account_id = ${account}
          AND uid IN (SELECT uid FROM seen_states
            WHERE mailbox_id = ${view.mailbox} AND account_id + 0 = ${account} LIMIT ${ROWS_MAX})
        RETURNING 1 AS one`);
      if (removed.length < ROWS_MAX) {
        await tx.query(sql`
          DELETE FROM viewers WHERE mailbox_id = ${view.mailbox} AND account_id = ${account}`);
      }
      return true;
    });
  }
}
