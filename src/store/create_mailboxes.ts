import type { AccountId, MailboxId, UidValidity } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import { sql, type Transaction } from "./database.ts";
import { type Mailbox, MAILBOX_COLUMNS } from "./mailbox.ts";
import { AFTER_DELIMITER, DELIMITER, mailboxKey, parentNames } from "./mailbox_name.ts";
import { inTree, personalTree, type Tree, treeKey, validityAccount } from "./tree.ts";

/** Mailboxes of one account, and of one shared tree: LIST answers with all of them. */
const MAILBOXES_MAX = 10_000;

/** RFC 6154 §2: the uses that a mailbox can be created for. */
const SPECIAL_USES: ReadonlySet<string> = new Set([
  "\\Archive",
  "\\Drafts",
  "\\Junk",
  "\\Sent",
  "\\Trash",
]);

/** What every account begins with, subscribed. */
export const DEFAULT_MAILBOXES: readonly (readonly [name: string, specialUse: string | null])[] = [
  ["INBOX", null],
  ["Sent", "\\Sent"],
  ["Drafts", "\\Drafts"],
  ["Archive", "\\Archive"],
  ["Junk", "\\Junk"],
  ["Trash", "\\Trash"],
];

/**
 * The lock for all that adds, renames or removes mailboxes of one account; ahead of mailbox rows in
 * the lock order. Throws `no-such-account`.
 */
export async function lockAccount(tx: Transaction, account: AccountId): Promise<void> {
  // WHY: NO KEY, so that rows which refer to the account can be inserted meanwhile.
  const [row] = await tx.query(sql`
    SELECT id FROM accounts WHERE id = ${account} AND deleted_at IS NULL FOR NO KEY UPDATE`);
  if (!row) throw new Refused({ kind: "no-such-account" });
}

/** The lock of a tree, for all that takes names out of it. */
export async function lockTree(tx: Transaction, { owner, domain }: Tree): Promise<void> {
  if (domain === null) return await lockAccount(tx, owner);
  await tx.query(sql`INSERT INTO shared_trees (domain) VALUES (${domain}) ON CONFLICT DO NOTHING`);
  await tx.query(sql`SELECT domain FROM shared_trees WHERE domain = ${domain} FOR NO KEY UPDATE`);
}

/** The locks of trees and of the accounts that new mailboxes in them will belong to. */
export async function lockTrees(tx: Transaction, trees: readonly Tree[]): Promise<void> {
  const shared = new Map(trees.map((tree) => [tree.domain, tree]));
  // WHY: a domain ahead of all accounts, so that nobody who needs both waits for somebody who does.
  for (const tree of shared.values()) if (tree.domain !== null) await lockTree(tx, tree);
  const owners = new Set(trees.map(({ owner }) => owner));
  for (const owner of [...owners].sort((a, b) => a - b)) await lockAccount(tx, owner);
}

/** A mailbox to be made. */
export interface NewMailbox {
  /** A clean name. */
  readonly name: string;
  readonly specialUse?: string | null;
  /** What its owner may do with it besides what is inherited; only in a shared tree. */
  readonly ownerRights?: string;
}

/** Creates a mailbox and the parents it lacks; the tree and its owner's account are locked. */
export async function createMailbox(
  tx: Transaction,
  tree: Tree,
  wanted: NewMailbox,
): Promise<Mailbox> {
  const specialUse = wanted.specialUse ?? null;
  const parents = await missingParents(tx, tree, wanted.name);
  const rows = await existing(tx, tree, [parents.name]);
  if (rows.length > 0) throw new Refused({ kind: "mailbox-exists", name: wanted.name });
  await checkRoom(tx, tree, parents.missing.length + 1);
  if (specialUse !== null) await checkSpecialUse(tx, tree, specialUse);
  const created = await insert(tx, tree, [
    ...parents.missing.map((name) => [name, null] as const),
    [parents.name, specialUse],
  ]);
  await inheritRights(tx, created, { parent: parents.nearest, tree, wanted });
  const mailbox = created.find(({ name }) => name === parents.name);
  if (!mailbox) throw new Error("Mailbox was not created");
  return mailbox;
}

/** Creates and subscribes the mailboxes of a new account. */
export async function createDefaultMailboxes(tx: Transaction, account: AccountId): Promise<void> {
  await insert(tx, personalTree(account), DEFAULT_MAILBOXES);
  const names = DEFAULT_MAILBOXES.map(([name]) => name);
  await tx.query(sql`
    INSERT INTO subscriptions (account_id, name, name_key)
    SELECT ${account}, name, key
    FROM unnest(${names}::text[], ${names.map(mailboxKey)}::text[]) AS wanted(name, key)`);
}

/** Creates the parents that a name lacks; returns the name in the letter case of its levels. */
export async function createParents(
  tx: Transaction,
  tree: Tree,
  wanted: NewMailbox,
): Promise<string> {
  const parents = await missingParents(tx, tree, wanted.name);
  await checkRoom(tx, tree, parents.missing.length);
  const created = await insert(tx, tree, parents.missing.map((parent) => [parent, null] as const));
  await inheritRights(tx, created, { parent: parents.nearest, tree, wanted });
  return parents.name;
}

/**
 * What a level is called that is no mailbox itself, and only stands for those below it (RFC 3501
 * §6.3.4); of each name that is one, by key.
 */
export async function levels(
  tx: Transaction,
  tree: Tree,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (names.length === 0) return new Map();
  const rows = await tx.query<{ depth: number; child: string }>(sql`
    SELECT depth, child.name AS child
    FROM unnest(${names.map((name) => treeKey(tree, name))}::text[],
      ${names.map((name) => name.split(DELIMITER).length)}::int[]) AS level(key, depth)
    CROSS JOIN LATERAL (
      SELECT name FROM mailboxes
      WHERE ${inTree(tree)} AND deleted_at IS NULL AND name_key > key || ${DELIMITER}
        AND name_key < key || ${AFTER_DELIMITER} LIMIT 1) AS child`);
  const spelled = rows.map(({ depth, child }) =>
    child.split(DELIMITER).slice(0, depth).join(DELIMITER)
  );
  return new Map(spelled.map((name) => [mailboxKey(name), name]));
}

interface Parents {
  /** The whole name, in the letter case of those levels of it that there are already. */
  readonly name: string;
  /** Outermost first. */
  readonly missing: readonly string[];
  /** The innermost parent that exists. */
  readonly nearest: MailboxId | null;
}

/**
 * WHY: "foo/bar" beside "Foo" becomes "Foo/bar": the name of a mailbox always begins with the exact
 * name of its parent, be that a mailbox or not, which renaming relies on.
 */
async function missingParents(tx: Transaction, tree: Tree, name: string): Promise<Parents> {
  const parents = parentNames(name);
  const found = new Map(
    (await existing(tx, tree, parents)).map((row) => [mailboxKey(row.name), row]),
  );
  const others = [...parents, name].filter((parent) => !found.has(mailboxKey(parent)));
  const implied = await levels(tx, tree, others);
  const missing: string[] = [];
  let prefix = "";
  let nearest: MailboxId | null = null;
  for (const parent of parents) {
    const level = parent.slice(parent.lastIndexOf("/") + 1);
    const own = prefix + level;
    const there = found.get(mailboxKey(own));
    const spelled = there?.name ?? implied.get(mailboxKey(own));
    if (there) nearest = there.id;
    // WHY: a level whose mailbox was deleted stays one (RFC 3501 §6.3.4).
    else if (spelled === undefined) missing.push(own);
    prefix = `${spelled ?? own}/`;
  }
  const own = prefix + name.slice(name.lastIndexOf("/") + 1);
  return { name: implied.get(mailboxKey(own)) ?? own, missing, nearest };
}

/** RFC 4314 §4: a new mailbox has the rights of its parent. */
async function inheritRights(
  tx: Transaction,
  created: readonly Mailbox[],
  { parent, tree, wanted }: {
    readonly parent: MailboxId | null;
    readonly tree: Tree;
    readonly wanted: NewMailbox;
  },
): Promise<void> {
  const ids = created.map(({ id }) => id);
  if (ids.length === 0) return;
  if (parent !== null) {
    await tx.query(sql`
      INSERT INTO mailbox_acls (mailbox_id, account_id, domain, rights)
      SELECT id, account_id, domain, rights FROM mailbox_acls, unnest(${ids}::bigint[]) AS id
      WHERE mailbox_id = ${parent}`);
  }
  const rights = tree.domain === null ? "" : wanted.ownerRights ?? "";
  if (rights !== "") await addRights(tx, ids, { account: tree.owner, rights });
}

/** Gives an account these rights on mailboxes, besides those that it has. */
export async function addRights(
  tx: Transaction,
  mailboxes: readonly MailboxId[],
  { account, rights }: { readonly account: AccountId; readonly rights: string },
): Promise<void> {
  await tx.query(sql`
    INSERT INTO mailbox_acls AS acl (mailbox_id, account_id, rights)
    SELECT id, ${account}, ${rights} FROM unnest(${[...mailboxes]}::bigint[]) AS id
    ON CONFLICT (mailbox_id, account_id) DO UPDATE SET rights = (
      SELECT string_agg(DISTINCT letter, '')
      FROM regexp_split_to_table(acl.rights || excluded.rights, '') AS letter)`);
}

async function existing(
  tx: Transaction,
  tree: Tree,
  names: readonly string[],
): Promise<{ id: MailboxId; name: string }[]> {
  if (names.length === 0) return [];
  return await tx.query<{ id: MailboxId; name: string }>(sql`
    SELECT id, name FROM mailboxes
    WHERE ${inTree(tree)} AND name_key = ANY(${names.map((name) => treeKey(tree, name))}::text[])
      AND deleted_at IS NULL`);
}

/** Counted for the owner, wherever the mailboxes are, and for a shared tree. */
async function checkRoom(tx: Transaction, tree: Tree, more: number): Promise<void> {
  if (more === 0) return;
  const { owner, domain } = tree;
  const [row] = await tx.query<{ count: number; quota: number | null }>(sql`
    SELECT count(*), (SELECT mailboxes_limit FROM quotas WHERE account_id = ${owner}) AS quota
    FROM mailboxes WHERE account_id = ${owner} AND deleted_at IS NULL`);
  const count = (row?.count ?? 0) + more;
  const [shared] = domain === null ? [] : await tx.query<{ count: number }>(sql`
    SELECT count(*) FROM mailboxes WHERE ${inTree(tree)} AND deleted_at IS NULL
      AND name_key > ${treeKey(tree, "")} AND name_key < ${`/${domain}${AFTER_DELIMITER}`}`);
  if (Math.max(count, (shared?.count ?? 0) + more) > MAILBOXES_MAX) {
    throw new Refused({ kind: "too-many-mailboxes", limit: MAILBOXES_MAX });
  }
  if (count > (row?.quota ?? MAILBOXES_MAX)) throw new Refused({ kind: "over-quota" });
}

async function checkSpecialUse(tx: Transaction, tree: Tree, use: string): Promise<void> {
  if (!SPECIAL_USES.has(use) || tree.domain !== null) {
    throw new Refused({ kind: "bad-special-use", why: "not one that a mailbox can be made for" });
  }
  const [taken] = await tx.query(sql`
    SELECT id FROM mailboxes
    WHERE account_id = ${tree.owner} AND special_use = ${use} AND deleted_at IS NULL`);
  if (taken) throw new Refused({ kind: "bad-special-use", why: "another mailbox has it" });
}

/**
 * RFC 3501 §2.3.1.1: the UIDVALIDITY of a name that was used before is larger than it ever was:
 * the time in seconds, or the last one plus 1 when that is not over yet.
 */
async function insert(
  tx: Transaction,
  tree: Tree,
  wanted: readonly (readonly [name: string, specialUse: string | null])[],
): Promise<Mailbox[]> {
  if (wanted.length === 0) return [];
  const names = wanted.map(([name]) => name);
  const created = await tx.query<Mailbox>(sql`
    INSERT INTO mailboxes (account_id, domain, name, name_key, special_use, uid_validity)
    SELECT ${tree.owner}, ${tree.domain}, wanted.name, wanted.key, wanted.use,
      greatest(floor(extract(epoch FROM now()))::bigint, coalesce(last.uid_validity + 1, 1))
    FROM unnest(${names}::text[], ${names.map((name) => treeKey(tree, name))}::text[],
      ${wanted.map(([, use]) => use)}::text[]) AS wanted(name, key, use)
    LEFT JOIN uid_validities last
      ON last.account_id = ${validityAccount(tree)} AND last.name_key = wanted.key
    RETURNING ${MAILBOX_COLUMNS}`);
  await recordUidValidities(tx, tree, created);
  return created;
}

/** Remembers which UIDVALIDITY a name has; the tree is locked. */
export async function recordUidValidities(
  tx: Transaction,
  tree: Tree,
  mailboxes: readonly Pick<Mailbox, "id" | "name" | "uidValidity">[],
): Promise<void> {
  const values: UidValidity[] = mailboxes.map((mailbox) => mailbox.uidValidity);
  await tx.query(sql`
    INSERT INTO uid_validities (account_id, name_key, uid_validity, mailbox_id)
    SELECT ${validityAccount(tree)}, key, value, id
    FROM unnest(${mailboxes.map(({ name }) => treeKey(tree, name))}::text[], ${values}::bigint[],
      ${mailboxes.map(({ id }) => id)}::bigint[]) AS now(key, value, id)
    ON CONFLICT (account_id, name_key)
    DO UPDATE SET uid_validity = excluded.uid_validity, mailbox_id = excluded.mailbox_id`);
}
