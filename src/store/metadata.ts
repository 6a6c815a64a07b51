import { Buffer } from "node:buffer";
import type { AccountId, MailboxId } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import { lockAccount } from "./create_mailboxes.ts";
import { type Database, sql, type Transaction } from "./database.ts";
import { isPrivate } from "./metadata_name.ts";
import type { Sql } from "./sql.ts";

/** Whose entries are meant. */
export interface MetadataTarget {
  /** null: the server's own entries. */
  readonly mailbox: { readonly id: MailboxId; readonly accountId: AccountId } | null;
  /** The user, who has private entries. */
  readonly account: AccountId;
}

/** An entry, or several: RFC 5464 §4.2.2. */
export interface MetadataQuery {
  /** Names as `metadataPath` makes them. */
  readonly paths: readonly string[];
  /** Levels below each of them that are meant, too. */
  readonly depth: 0 | 1 | "infinity";
}

/** One entry. */
export interface MetadataEntry {
  readonly name: string;
  readonly value: Uint8Array;
}

/** One entry of one of several mailboxes. */
export interface MailboxMetadata extends MetadataEntry {
  readonly mailbox: MailboxId;
}

/** A value, or null to remove the entry. */
export interface MetadataChange {
  /** As `metadataName` makes it. */
  readonly name: string;
  readonly value: Uint8Array | null;
}

/** How much of it there may be: `[metadata]`. */
export interface MetadataLimits {
  readonly maxEntrySizeBytes: number;
  /** Private ones of one user, or shared ones, of one mailbox. */
  readonly maxEntriesPerMailbox: number;
  readonly maxEntriesPerServer: number;
  /** Of all values that count for one account. */
  readonly maxTotalSizeBytes: number;
}

/** Owns the table `metadata`. */
export class MetadataStore {
  constructor(readonly db: Database, readonly limits: MetadataLimits) {}

  /** The entries that exist, by name. */
  async get(target: MetadataTarget, query: MetadataQuery): Promise<MetadataEntry[]> {
    const { mailbox, account } = target;
    return await this.db.query<MetadataEntry>(sql`
      SELECT name, value FROM metadata
      WHERE mailbox_id = ${mailbox?.id ?? 0} AND account_id IN (0, ${account}) AND ${wanted(query)}
      ORDER BY name`);
  }

  /** The same for many mailboxes in one query: LIST-METADATA. */
  async ofMailboxes(
    mailboxes: readonly MailboxId[],
    account: AccountId,
    query: MetadataQuery,
  ): Promise<MailboxMetadata[]> {
    if (mailboxes.length === 0) return [];
    return await this.db.query<MailboxMetadata>(sql`
      SELECT mailbox_id AS mailbox, name, value FROM metadata
      WHERE mailbox_id = ANY(${[...mailboxes]}::bigint[]) AND account_id IN (0, ${account})
        AND ${wanted(query)}
      ORDER BY name`);
  }

  /** `<mailbox>/<entry>` with a digest of the value: what changed since the last look? */
  async digests(
    mailboxes: readonly MailboxId[],
    account: AccountId,
  ): Promise<Map<string, string>> {
    const rows = await this.db.query<{ key: string; digest: string }>(sql`
      SELECT mailbox_id || name AS key, md5(value) AS digest FROM metadata
      WHERE mailbox_id = ANY(${[0, ...mailboxes]}::bigint[]) AND account_id IN (0, ${account})`);
    return new Map(rows.map(({ key, digest }) => [key, digest]));
  }

  /**
   * Sets and removes entries, all or none. Throws `metadata-too-big` and `metadata-too-many`, and `gone`
   * when the mailbox was deleted meanwhile.
   */
  async set(target: MetadataTarget, changes: readonly MetadataChange[]): Promise<void> {
    const { maxEntrySizeBytes } = this.limits;
    if (changes.some(({ value }) => value !== null && value.length > maxEntrySizeBytes)) {
      throw new Refused({ kind: "metadata-too-big", limitBytes: maxEntrySizeBytes });
    }
    const owners = [...new Set(changes.map(({ name }) => ownerOf(target, name)))];
    await this.db.transaction(async (tx) => {
      // WHY: whoever counts must be alone; in ascending order, as two of them could meet.
      for (const owner of owners.sort((a, b) => a - b)) await lockAccount(tx, owner);
      if (target.mailbox) await holdLive(tx, target.mailbox.id);
      // WHY: what is named twice has the last value.
      const last = new Map(changes.map((change) => [change.name, change]));
      await write(tx, target, [...last.values()]);
      for (const owner of owners) await this.#check(tx, owner);
    });
  }

  async #check(tx: Transaction, owner: AccountId): Promise<void> {
    const { maxEntriesPerMailbox, maxEntriesPerServer, maxTotalSizeBytes } = this.limits;
    const rows = await tx.query<{ mailbox: number; entries: number; octets: number }>(sql`
      SELECT mailbox_id AS mailbox, count(*) AS entries,
        sum(octet_length(value) + length(name))::bigint AS octets
      FROM metadata WHERE owner_id = ${owner} GROUP BY mailbox_id, account_id`);
    const tooMany = rows.some(({ mailbox, entries }) =>
      entries > (mailbox === 0 ? maxEntriesPerServer : maxEntriesPerMailbox)
    );
    const octets = rows.reduce((sum, row) => sum + row.octets, 0);
    if (tooMany || octets > maxTotalSizeBytes) throw new Refused({ kind: "metadata-too-many" });
  }
}

/** RFC 5464 §4.1: INBOX keeps its entries when it is renamed, and the new mailbox has them as well. */
export async function copyMetadata(
  tx: Transaction,
  from: MailboxId,
  to: MailboxId,
): Promise<void> {
  await tx.query(sql`
    INSERT INTO metadata (mailbox_id, account_id, owner_id, name, value)
    SELECT ${to}, account_id, owner_id, name, value FROM metadata WHERE mailbox_id = ${from}`);
}

/** WHY: whoever deletes a mailbox removes its entries; no others may come behind that. */
async function holdLive(tx: Transaction, mailbox: MailboxId): Promise<void> {
  const [row] = await tx.query(sql`
    SELECT id FROM mailboxes WHERE id = ${mailbox} AND deleted_at IS NULL FOR SHARE`);
  if (!row) throw new Refused({ kind: "gone", what: "mailbox" });
}

function ownerOf({ mailbox, account }: MetadataTarget, name: string): AccountId {
  return isPrivate(name) || !mailbox ? account : mailbox.accountId;
}

async function write(
  tx: Transaction,
  target: MetadataTarget,
  changes: readonly MetadataChange[],
): Promise<void> {
  const mailbox = target.mailbox?.id ?? 0;
  const account = ({ name }: MetadataChange) => isPrivate(name) ? target.account : 0;
  const removed = changes.filter(({ value }) => value === null);
  await tx.query(sql`
    DELETE FROM metadata WHERE mailbox_id = ${mailbox} AND (account_id, name) IN (
      SELECT * FROM unnest(${removed.map(account)}::bigint[],
        ${removed.map(({ name }) => name)}::text[]))`);
  const set = changes.flatMap((change) => change.value ? [{ ...change, value: change.value }] : []);
  await tx.query(sql`
    INSERT INTO metadata (mailbox_id, account_id, owner_id, name, value)
    SELECT ${mailbox}, account, owner, name, value
    FROM unnest(${set.map(account)}::bigint[], ${
    set.map(({ name }) => ownerOf(target, name))
  }::bigint[], ${set.map(({ name }) => name)}::text[],
      ${set.map(({ value }) => Buffer.from(value))}::bytea[]) AS entry(account, owner, name, value)
    ON CONFLICT (mailbox_id, account_id, name) DO UPDATE SET value = excluded.value`);
}

function wanted({ paths, depth }: MetadataQuery): Sql {
  const list = sql`${[...paths]}::text[]`;
  if (depth === 0) return sql`name = ANY(${list})`;
  // WHY: `_` and `\` may stand in names, so no LIKE.
  const below = depth === 1
    ? sql`starts_with(name, path || '/') AND strpos(substr(name, length(path) + 2), '/') = 0`
    : sql`starts_with(name, path || '/')`;
  return sql`(name = ANY(${list}) OR EXISTS (SELECT 1 FROM unnest(${list}) AS path WHERE ${below}))`;
}
