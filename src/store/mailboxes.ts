import type { AccountId, MailboxId, Modseq, Uid } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import { chargeQuota } from "./charge_quota.ts";
import {
  createMailbox,
  levels,
  lockAccount,
  lockTree,
  lockTrees,
  type NewMailbox,
} from "./create_mailboxes.ts";
import { type Database, sql, type Transaction } from "./database.ts";
import { RecentClaims } from "./recent_claims.ts";
import { type Mailbox, MAILBOX_COLUMNS } from "./mailbox.ts";
import { cleanMailboxName, DELIMITER, mailboxKey } from "./mailbox_name.ts";
import type { Notices } from "./notices.ts";
import { type Outcome, renameMailbox, type Subscriber } from "./rename_mailbox.ts";
import { inTree, personalTree, type Tree, treeKey } from "./tree.ts";

export type { Mailbox } from "./mailbox.ts";

/** Names that an account may subscribe to: LSUB answers with all of them. */
const SUBSCRIPTIONS_MAX = 10_000;

/** How a mailbox is renamed. */
export interface RenameOptions {
  /** The tree of the new name; default: the same. */
  readonly into?: Tree;
  /** It must be this mailbox still. */
  readonly id?: MailboxId;
  /** What the owner may do with it at least, where it comes into a shared tree. */
  readonly ownerRights?: string;
  /** Default: the tree's owner, who knows the names as they are. */
  readonly subscribers?: readonly Subscriber[];
}

/** Owns the tables `mailboxes`, `uid_validities` and `subscriptions`. */
export class MailboxStore {
  readonly #claims: RecentClaims;

  constructor(readonly db: Database, readonly notices: Notices) {
    this.#claims = new RecentClaims(db);
  }

  /** Every live mailbox in an account's own tree, by name. */
  async list(account: AccountId): Promise<Mailbox[]> {
    const mailboxes = await this.db.query<Mailbox>(sql`
      SELECT ${MAILBOX_COLUMNS} FROM mailboxes
      WHERE account_id = ${account} AND domain IS NULL AND deleted_at IS NULL ORDER BY name_key`);
    return mailboxes.map((mailbox) => this.#claims.applied(mailbox));
  }

  /** The mailbox of this name in any case; throws `no-such-mailbox`. */
  async find(account: AccountId, name: string): Promise<Mailbox> {
    const [mailbox] = isText(name)
      ? await this.db.query<Mailbox>(byName(personalTree(account), name))
      : [];
    return mailbox ? this.#claims.applied(mailbox) : refuseMissing(name);
  }

  /** The mailbox with this id; null when there is none or it was deleted. */
  async get(id: MailboxId): Promise<Mailbox | null> {
    const [mailbox] = await this.db.query<Mailbox>(sql`
      SELECT ${MAILBOX_COLUMNS} FROM mailboxes WHERE id = ${id} AND deleted_at IS NULL`);
    return mailbox ? this.#claims.applied(mailbox) : null;
  }

  /**
   * Creates a mailbox and the parents it lacks; one trailing "/" is dropped (RFC 3501 §6.3.3). All
   * have the rights of the innermost parent that there was (RFC 4314 §4). Throws `mailbox-exists`, `bad-mailbox-name`, `bad-special-use` or `too-many-mailboxes`.
   */
  async create(
    where: AccountId | Tree,
    name: string,
    options: Omit<NewMailbox, "name"> = {},
  ): Promise<Mailbox> {
    const tree = personalTree(where);
    const cleaned = cleanMailboxName(trimmed(name));
    const created = await this.db.transaction(async (tx) => {
      await lockTrees(tx, [tree]);
      return await createMailbox(tx, tree, { ...options, name: cleaned });
    });
    this.notices.accountChanged(tree.owner);
    return created;
  }

  /**
   * Renames a mailbox with everything below it; subscriptions follow; the letter case alone may
   * change. INBOX stays, empty, and its messages go to the new mailbox (RFC 3501 §6.3.5). A level that
   * is no mailbox itself can be renamed, too.
   */
  async rename(
    where: AccountId | Tree,
    from: string,
    to: string,
    options: RenameOptions = {},
  ): Promise<Pick<Outcome, "name" | "isMailbox">> {
    const tree = personalTree(where);
    const { into = tree, id, ownerRights = "" } = options;
    const subscribers = options.subscribers ?? [{ account: tree.owner, from: "", to: "" }];
    const cleaned = cleanMailboxName(trimmed(to));
    if (!isText(from)) refuseMissing(from);
    const outcome = await this.db.transaction(async (tx) => {
      await lockTrees(tx, [tree, into]);
      const mailbox = await locked(tx, tree, { name: from, id });
      const source = mailbox
        ? { name: mailbox.name, mailbox }
        : { name: await level(tx, tree, from) ?? refuseMissing(from), mailbox: null };
      return await renameMailbox(tx, {
        source,
        tree,
        into,
        to: cleaned,
        ownerRights,
        subscribers,
      });
    });
    for (const { mailbox, modseq } of outcome.changed) this.notices.changed(mailbox, modseq);
    for (const owner of new Set([tree.owner, into.owner])) this.notices.accountChanged(owner);
    return outcome;
  }

  /**
   * Deletes a mailbox at once, however large; its messages are cleaned up later. Those below it stay,
   * and its name with them, as a level that is no mailbox (RFC 3501 §6.3.4). Throws
   * `mailbox-protected` for INBOX, and `mailbox-has-children` for such a level and in a shared tree.
   * `id`: it must be this mailbox still.
   */
  async delete(
    where: AccountId | Tree,
    name: string,
    { id }: { readonly id?: MailboxId } = {},
  ): Promise<void> {
    const tree = personalTree(where);
    if (!isText(name)) refuseMissing(name);
    const deleted = await this.db.transaction(async (tx) => {
      await lockTree(tx, tree);
      const mailbox = await locked(tx, tree, { name, id });
      if (mailbox && treeKey(tree, mailbox.name) === "inbox") {
        throw new Refused({ kind: "mailbox-protected", name: mailbox.name });
      }
      // WHY not in a shared tree: whoever made a parent anew could rename what others have below it.
      if (!mailbox || tree.domain !== null) {
        const above = await level(tx, tree, name);
        if (above !== null) throw new Refused({ kind: "mailbox-has-children", name: above });
      }
      if (!mailbox) return refuseMissing(name);
      const [row] = await tx.query<{ modseq: Modseq }>(sql`
        UPDATE mailboxes SET deleted_at = now(), highest_modseq = highest_modseq + 1
        WHERE id = ${mailbox.id} RETURNING highest_modseq AS modseq`);
      // RFC 4314 §4: its ACL goes with it.
      await tx.query(sql`DELETE FROM mailbox_acls WHERE mailbox_id = ${mailbox.id}`);
      // WHY: its annotations, too: they would count for their owners, who could not reach them.
      await tx.query(sql`DELETE FROM metadata WHERE mailbox_id = ${mailbox.id}`);
      const { accountId: account, sizeBytes, messages } = mailbox;
      await chargeQuota(tx, [{ account, octets: -sizeBytes, messages: -messages }]);
      return { id: mailbox.id, modseq: row?.modseq ?? mailbox.highestModseq };
    });
    this.notices.changed(deleted.id, deleted.modseq);
    this.notices.accountChanged(tree.owner);
  }

  /** Adds a name to the subscriptions; the mailbox need not exist (RFC 3501 §6.3.6). */
  async subscribe(account: AccountId, name: string): Promise<void> {
    const cleaned = cleanMailboxName(trimmed(name));
    await this.db.transaction(async (tx) => {
      await lockAccount(tx, account);
      const [row] = await tx.query<{ count: number }>(sql`
        SELECT count(*) FROM subscriptions WHERE account_id = ${account}`);
      if ((row?.count ?? 0) >= SUBSCRIPTIONS_MAX) {
        throw new Refused({ kind: "too-many-mailboxes", limit: SUBSCRIPTIONS_MAX });
      }
      // WHY: a mailbox's own spelling, so that LIST and LSUB say the same name.
      await tx.query(sql`
        INSERT INTO subscriptions (account_id, name, name_key)
        SELECT ${account}, coalesce((SELECT name FROM mailboxes WHERE account_id = ${account}
          AND name_key = ${mailboxKey(cleaned)} AND deleted_at IS NULL), ${cleaned}),
          ${mailboxKey(cleaned)}
        ON CONFLICT DO NOTHING`);
    });
    this.notices.accountChanged(account);
  }

  /** Takes a name off the subscriptions; not an error when it was not on them. */
  async unsubscribe(account: AccountId, name: string): Promise<void> {
    if (!isText(name)) return;
    await this.db.write(sql`
      DELETE FROM subscriptions
      WHERE account_id = ${account} AND name_key = ${mailboxKey(trimmed(name))}`);
    this.notices.accountChanged(account);
  }

  /** The subscribed names, by name. */
  async subscriptions(account: AccountId): Promise<string[]> {
    const rows = await this.db.query<{ name: string }>(sql`
      SELECT name FROM subscriptions WHERE account_id = ${account} ORDER BY name_key`);
    return rows.map(({ name }) => name);
  }

  /** UIDs below `below` are no longer recent to anybody; see `RecentClaims`. */
  claimRecent(id: MailboxId, below: Uid): void {
    this.#claims.add(id, below);
  }

  /** HIGHESTMODSEQ of each live mailbox among these. */
  async modseqs(ids: readonly MailboxId[]): Promise<Map<MailboxId, Modseq>> {
    const rows = await this.db.query<{ id: MailboxId; modseq: Modseq }>(sql`
      SELECT id, highest_modseq AS modseq FROM mailboxes
      WHERE id = ANY(${[...ids]}::bigint[]) AND deleted_at IS NULL`);
    return new Map(rows.map(({ id, modseq }) => [id, modseq]));
  }
}

function byName(tree: Tree, name: string): ReturnType<typeof sql> {
  return sql`
    SELECT ${MAILBOX_COLUMNS} FROM mailboxes
    WHERE ${inTree(tree)} AND name_key = ${treeKey(tree, name)} AND deleted_at IS NULL`;
}

/** null: there is no such mailbox, which nobody has looked up before. */
async function locked(
  tx: Transaction,
  tree: Tree,
  { name, id }: { readonly name: string; readonly id: MailboxId | undefined },
): Promise<Mailbox | null> {
  const [mailbox] = await tx.query<Mailbox>(sql`${byName(tree, name)} FOR NO KEY UPDATE`);
  // WHY: rights were looked up for this one, and another may have its name now.
  if (id !== undefined && mailbox?.id !== id) refuseMissing(name);
  return mailbox ?? null;
}

/** The spelling of a name that has others below it; null when it has none. */
async function level(tx: Transaction, tree: Tree, name: string): Promise<string | null> {
  return (await levels(tx, tree, [name])).get(mailboxKey(name)) ?? null;
}

/** RFC 3501 §6.3.3: a trailing delimiter says that names will be created below. */
function trimmed(name: string): string {
  return name.length > 1 && name.endsWith(DELIMITER) ? name.slice(0, -1) : name;
}

/** What PostgreSQL takes as text. */
function isText(name: string): boolean {
  return !name.includes("\0") && name.isWellFormed();
}

function refuseMissing(name: string): never {
  throw new Refused({ kind: "no-such-mailbox", name });
}
