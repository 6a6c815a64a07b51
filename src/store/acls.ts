import type { AccountId, MailboxId, Modseq } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import { type Database, sql } from "./database.ts";
import { lockMailbox } from "./lock_mailboxes.ts";
import { type Mailbox, MAILBOX_COLUMNS } from "./mailbox.ts";
import type { Notices } from "./notices.ts";
import type { Sql } from "./sql.ts";
import { treeKey } from "./tree.ts";

/** Entries of one mailbox: GETACL answers with all of them. */
const ENTRIES_MAX = 1_000;

/** Whose rights are looked up. */
export interface Viewer {
  readonly account: AccountId;
  /** Of the primary address: nothing is shared with another one. */
  readonly domain: string;
  /** What is granted to anyone counts. */
  readonly anyone: boolean;
}

/** A mailbox, and what one viewer has been granted there. */
export interface GrantedMailbox extends Mailbox {
  /** Primary address of the account that it belongs to. */
  readonly owner: string;
  /** The owner's account is not deleted. */
  readonly isOwned: boolean;
  /** Letters of RFC 4314 §2.1, in any order, perhaps twice. */
  readonly granted: string;
  /** Messages that the viewer has seen: for who is not the owner. */
  readonly seen: number;
}

/** Where a mailbox is looked for: in a domain's shared tree, or below an owner's primary address. */
export type Where = { readonly domain: string } | { readonly owner: string };

/** One entry of an access control list. */
export interface AclEntry {
  /** null: anyone. */
  readonly account: AccountId | null;
  /** Primary address; null: anyone. */
  readonly address: string | null;
  /** Letters, at least one. */
  readonly rights: string;
}

/** Owns the table `mailbox_acls`: who besides its owner may do what with a mailbox. */
export class AclStore {
  constructor(readonly db: Database, readonly notices: Notices) {}

  /** The mailboxes with these names that there are, whether anything was granted or not. */
  async find(viewer: Viewer, where: Where, names: readonly string[]): Promise<GrantedMailbox[]> {
    const texts = names.filter((name) => !name.includes("\0") && name.isWellFormed());
    if (texts.length === 0) return [];
    const tree = "domain" in where ? where : { domain: null };
    const keys = texts.map((name) => treeKey(tree, name));
    const place = "domain" in where
      ? sql`mailboxes.domain = ${where.domain}`
      : sql`mailboxes.account_id = (
        SELECT account_id FROM credentials WHERE address = ${where.owner} AND is_primary)`;
    return await this.db.query<GrantedMailbox>(sql`
      ${
      granted(viewer)
    } WHERE ${place} AND name_key = ANY(${keys}::text[]) AND deleted_at IS NULL`);
  }

  /** A live mailbox by its id, whether anything was granted or not. */
  async get(viewer: Viewer, id: MailboxId): Promise<GrantedMailbox | null> {
    const [mailbox] = await this.db.query<GrantedMailbox>(sql`
      ${granted(viewer)} WHERE mailboxes.id = ${id} AND deleted_at IS NULL`);
    return mailbox ?? null;
  }

  /**
   * All mailboxes of the viewer's own, by name, and then all others in which something was granted,
   * those in other domains too.
   */
  async list(viewer: Viewer): Promise<GrantedMailbox[]> {
    const { account, domain, anyone } = viewer;
    // WHY an array and LATERAL: no table is read as a whole, whatever the planner believes.
    return await this.db.query<GrantedMailbox>(sql`
      SELECT * FROM (
        SELECT 1 AS part, name_key, ${MAILBOX_COLUMNS}, '' AS owner, true AS "isOwned",
          '' AS granted, 0::bigint AS seen
        FROM mailboxes
        WHERE account_id = ${account} AND mailboxes.domain IS NULL AND deleted_at IS NULL
        UNION ALL
        SELECT mailbox.* FROM unnest(ARRAY(
          SELECT mailbox_id FROM mailbox_acls WHERE account_id = ${account} AND account_id <> 0
          UNION SELECT mailbox_id FROM mailbox_acls
            WHERE mailbox_acls.domain = ${domain} AND ${anyone}
          UNION SELECT id FROM mailboxes
            WHERE account_id = ${account} AND mailboxes.domain = ${domain} AND deleted_at IS NULL
        )) AS reachable(id) CROSS JOIN LATERAL (
          ${granted(viewer, sql`2 AS part, name_key,`)} WHERE mailboxes.id = reachable.id
            AND (mailboxes.domain IS NOT NULL OR mailboxes.account_id <> ${account})
            AND deleted_at IS NULL OFFSET 0) AS mailbox
      ) AS reachable ORDER BY part, name_key`);
  }

  /** The entries of a mailbox, by address, anyone last. */
  async entries(mailbox: MailboxId): Promise<AclEntry[]> {
    return await this.db.query<AclEntry>(sql`
      SELECT nullif(acl.account_id, 0) AS account, address, rights
      FROM mailbox_acls AS acl
      LEFT JOIN credentials ON credentials.account_id = acl.account_id AND is_primary
      WHERE mailbox_id = ${mailbox} AND (acl.account_id = 0 OR address IS NOT NULL)
      ORDER BY address NULLS LAST`);
  }

  /**
   * Changes one entry; `change` makes new letters of the old ones, and none remove the entry. Sessions
   * that have the mailbox open hear of it. `account`: null for anyone in `domain`.
   */
  async set(
    mailbox: MailboxId,
    { account, domain }: { readonly account: AccountId | null; readonly domain: string },
    change: (rights: string) => string,
  ): Promise<void> {
    const id = account ?? 0;
    const modseq = await this.db.transaction(async (tx) => {
      const box = await lockMailbox(tx, mailbox);
      const [row] = await tx.query<{ rights: string | null; count: number }>(sql`
        SELECT max(rights) FILTER (WHERE account_id = ${id}) AS rights, count(*)
        FROM mailbox_acls WHERE mailbox_id = ${mailbox}`);
      const before = row?.rights ?? "";
      const rights = change(before);
      if (rights === before) return null;
      if (before === "" && (row?.count ?? 0) >= ENTRIES_MAX) {
        throw new Refused({ kind: "limit", what: `${ENTRIES_MAX} entries` });
      }
      await tx.query(
        rights === ""
          ? sql`DELETE FROM mailbox_acls WHERE mailbox_id = ${mailbox} AND account_id = ${id}`
          : sql`
          INSERT INTO mailbox_acls (mailbox_id, account_id, domain, rights)
          VALUES (${mailbox}, ${id}, ${account === null ? domain : null}, ${rights})
          ON CONFLICT (mailbox_id, account_id) DO UPDATE SET rights = excluded.rights`,
      );
      // WHY: a new MODSEQ is what all who have the mailbox open look for.
      await tx.query(sql`
        UPDATE mailboxes SET highest_modseq = highest_modseq + 1 WHERE id = ${mailbox}`);
      return box.highestModseq + 1 as Modseq;
    });
    if (modseq === null) return;
    this.notices.changed(mailbox, modseq);
    // WHY: nobody listens to a mailbox that was out of reach until now.
    if (account !== null) this.notices.accountChanged(account);
  }
}

/** `SELECT … FROM mailboxes …` of a `GrantedMailbox`, and columns before it; a WHERE may follow. */
function granted({ account, domain, anyone }: Viewer, before = sql``): Sql {
  return sql`
    SELECT ${before} ${MAILBOX_COLUMNS}, owned.owner, owned."isOwned", acl.granted, viewed.seen
    FROM mailboxes CROSS JOIN LATERAL (
      SELECT credentials.address AS owner, accounts.deleted_at IS NULL AS "isOwned"
      FROM credentials JOIN accounts ON accounts.id = credentials.account_id
      WHERE credentials.account_id = mailboxes.account_id AND credentials.is_primary) AS owned
    CROSS JOIN LATERAL (
      SELECT coalesce(string_agg(mailbox_acls.rights, ''), '') AS granted FROM mailbox_acls
      WHERE mailbox_acls.mailbox_id = mailboxes.id AND (mailbox_acls.account_id = ${account}
        OR mailbox_acls.account_id = 0 AND mailbox_acls.domain = ${domain} AND ${anyone})) AS acl
    CROSS JOIN LATERAL (
      SELECT coalesce(max(viewers.seen), 0) AS seen FROM viewers
      WHERE viewers.mailbox_id = mailboxes.id AND viewers.account_id = ${account}) AS viewed`;
}
