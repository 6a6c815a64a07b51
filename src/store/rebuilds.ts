import type { AccountId, MailboxId } from "../lib/ids.ts";
import { type Database, sql } from "./database.ts";
import { type Mailbox, MAILBOX_COLUMNS } from "./mailbox.ts";
import { inTree, type Tree, treeKey } from "./tree.ts";

/** Ids of accounts that are being rebuilt: for `IN (…)`. */
export const UNFINISHED = sql`
  SELECT credentials.account_id FROM rebuilt_accounts JOIN credentials USING (address)
  WHERE finished_at IS NULL`;

/** Owns `rebuilt_accounts`, and sets what only a rebuild may set of accounts and mailboxes. */
export class RebuildStore {
  constructor(readonly db: Database) {}

  /** Whether a rebuild of an account has begun and not come to its end. */
  async isUnfinished(address: string): Promise<boolean> {
    const rows = await this.db.query(sql`
      SELECT FROM rebuilt_accounts WHERE address = ${address} AND finished_at IS NULL`);
    return rows.length > 0;
  }

  /** Before the account is made: so that a rebuild that ends early can be gone on with. */
  async begin(address: string): Promise<void> {
    await this.db.write(sql`
      INSERT INTO rebuilt_accounts (address) VALUES (${address})
      ON CONFLICT (address) DO UPDATE SET started_at = now(), finished_at = NULL`);
  }

  /** Everything that these epochs say of the account is here. */
  async finish(address: string, epochs: readonly string[]): Promise<void> {
    await this.db.write(sql`
      UPDATE rebuilt_accounts SET finished_at = now(), epochs = ${[...epochs]}::text[]
      WHERE address = ${address}`);
  }

  async setCreated(account: AccountId, createdMs: number): Promise<void> {
    await this.db.write(sql`
      UPDATE accounts SET created_at = to_timestamp(${createdMs / 1000}) WHERE id = ${account}`);
  }

  /** A live mailbox by its name in any case; null: there is none. */
  async find(tree: Tree, name: string): Promise<Mailbox | null> {
    const [mailbox] = await this.db.query<Mailbox>(sql`
      SELECT ${MAILBOX_COLUMNS} FROM mailboxes
      WHERE ${inTree(tree)} AND name_key = ${treeKey(tree, name)} AND deleted_at IS NULL`);
    return mailbox ?? null;
  }

  /** The special use of a mailbox, and the keywords that it knows, where it knows none. */
  async shape(
    mailbox: MailboxId,
    { specialUse, keywords }: {
      readonly specialUse: string | null;
      readonly keywords: readonly string[];
    },
  ): Promise<void> {
    // WHY: no two mailboxes of an account have the same use.
    await this.db.write(sql`
      UPDATE mailboxes SET special_use = NULL
      WHERE special_use = ${specialUse} AND id <> ${mailbox} AND domain IS NULL
        AND account_id = (SELECT account_id FROM mailboxes WHERE id = ${mailbox})`);
    await this.db.write(sql`
      UPDATE mailboxes SET special_use = ${specialUse}, keywords = CASE
        WHEN keywords = '{}' THEN ${[...keywords]}::text[] ELSE keywords END
      WHERE id = ${mailbox}`);
  }
}
