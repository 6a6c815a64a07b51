import type { AccountId, MailboxId, UidValidity } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import {
  addRights,
  createMailbox,
  createParents,
  recordUidValidities,
} from "./create_mailboxes.ts";
import { type Changed, moveAll } from "./copy_messages.ts";
import { sql, type Transaction } from "./database.ts";
import { copyMetadata } from "./metadata.ts";
import { type Mailbox, MAILBOX_COLUMNS } from "./mailbox.ts";
import {
  AFTER_DELIMITER,
  cleanMailboxName,
  DELIMITER,
  mailboxKey,
  parentNames,
} from "./mailbox_name.ts";
import { inTree, isSameTree, type Tree, treeKey, validityAccount } from "./tree.ts";

/** What is renamed to what; both trees and the account of `into.owner` are locked. */
export interface Rename {
  readonly source: Source;
  /** Where it is. */
  readonly tree: Tree;
  /** Where it goes: mostly the same tree. */
  readonly into: Tree;
  /** A clean name. */
  readonly to: string;
  /** What its owner may do with it at least, where it comes into a shared tree. */
  readonly ownerRights: string;
  readonly subscribers: readonly Subscriber[];
}

/** A mailbox, or a level that only stands for those below it. */
export interface Source {
  /** As it is spelled. */
  readonly name: string;
  readonly mailbox: Mailbox | null;
}

/** What became of a rename. */
export interface Outcome {
  /** The new name, as it is spelled. */
  readonly name: string;
  readonly isMailbox: boolean;
  readonly changed: readonly Changed[];
}

/** Somebody whose subscriptions follow, and what stands in front of the names as they know them. */
export interface Subscriber {
  readonly account: AccountId;
  readonly from: string;
  readonly to: string;
}

/**
 * Renames a mailbox and everything below it. Names are ranges of keys, "a/" to "a0", so that "ab"
 * and "a_b" are no part of "a". Into another tree only goes what belongs to that tree's owner
 * altogether: `not-permitted` otherwise.
 */
export async function renameMailbox(tx: Transaction, rename: Rename): Promise<Outcome> {
  const { tree, into, source, to, ownerRights } = rename;
  const fromKey = treeKey(tree, source.name);
  const toKey = treeKey(into, to);
  if (toKey.startsWith(fromKey + DELIMITER)) {
    throw new Refused({ kind: "bad-mailbox-name", why: "inside of what is renamed" });
  }
  const sameKeys = toKey === fromKey;
  if (!sameKeys || to === source.name) await refuseTaken(tx, into, to);
  if (fromKey === "inbox" && source.mailbox) return await renameInbox(tx, source.mailbox, rename);
  const spelled = await createParents(tx, into, { name: to, ownerRights });
  const target = sameKeys
    ? spelled.slice(0, spelled.lastIndexOf(DELIMITER) + 1) + lastLevel(to)
    : spelled;
  const rows = await tx.query<Mailbox>(sql`
    SELECT ${MAILBOX_COLUMNS} FROM mailboxes
    WHERE ${inTree(tree)} AND deleted_at IS NULL AND (name_key = ${fromKey}
      OR name_key >= ${fromKey + DELIMITER} AND name_key < ${fromKey + AFTER_DELIMITER})
    ORDER BY id FOR NO KEY UPDATE`);
  const stays = isSameTree(tree, into);
  if (!stays && rows.some(({ accountId }) => accountId !== into.owner)) {
    throw new Refused({ kind: "not-permitted" });
  }
  const levels: Levels = sameKeys ? new Map() : await takenBelow(tx, into, { toKey, rows });
  const renamed = rows.map((row) => ({
    id: row.id,
    name: spelledAs(levels, cleanMailboxName(target + row.name.slice(source.name.length))),
    uidValidity: row.uidValidity,
  }));
  const taken = renamed.find(({ name }) => levels.get(mailboxKey(name))?.isMailbox);
  if (taken) throw new Refused({ kind: "mailbox-exists", name: taken.name });
  // WHY: "a/b/c" may become "a/c" while "a/b/b/c" becomes "a/b/c": keys are unique row by row.
  if (fromKey.startsWith(toKey + DELIMITER)) {
    await tx.query(sql`
      UPDATE mailboxes SET name_key = '//' || id WHERE id = ANY(${
      rows.map(({ id }) => id)
    }::bigint[])`);
  }
  await update(tx, into, { renamed, sameKeys });
  if (!stays && into.domain !== null && ownerRights !== "") {
    const ids = renamed.map(({ id }) => id);
    await addRights(tx, ids, { account: into.owner, rights: ownerRights });
  }
  for (const { account, from, to } of rename.subscribers) {
    await moveSubscriptions(tx, account, { from: from + source.name, to: to + target });
  }
  return { name: target, isMailbox: source.mailbox !== null, changed: [] };
}

/** RFC 3501 §6.3.5: the messages go, INBOX and what is below it stay. */
async function renameInbox(
  tx: Transaction,
  inbox: Mailbox,
  { into, to, ownerRights }: Rename,
): Promise<Outcome> {
  const target = await createMailbox(tx, into, { name: to, ownerRights });
  await copyMetadata(tx, inbox.id, target.id);
  const changed = await moveAll(tx, inbox.id, target.id);
  return { name: target.name, isMailbox: true, changed };
}

async function refuseTaken(tx: Transaction, tree: Tree, name: string): Promise<void> {
  const [taken] = await tx.query(sql`
    SELECT id FROM mailboxes
    WHERE ${inTree(tree)} AND name_key = ${treeKey(tree, name)} AND deleted_at IS NULL`);
  if (taken) throw new Refused({ kind: "mailbox-exists", name });
}

/** By key, how a name is spelled, and whether it is a mailbox or stands for those below it. */
type Levels = ReadonlyMap<string, { readonly name: string; readonly isMailbox: boolean }>;

/** What there is below a new name already, beside what is renamed: it may be a level. */
async function takenBelow(
  tx: Transaction,
  tree: Tree,
  { toKey, rows }: { readonly toKey: string; readonly rows: readonly Mailbox[] },
): Promise<Levels> {
  const others = await tx.query<{ name: string }>(sql`
    SELECT name FROM mailboxes
    WHERE ${inTree(tree)} AND deleted_at IS NULL AND name_key > ${toKey + DELIMITER}
      AND name_key < ${toKey + AFTER_DELIMITER} AND id <> ALL(${rows.map(({ id }) => id)}::bigint[])
    ORDER BY name_key`);
  const levels = new Map<string, { readonly name: string; readonly isMailbox: boolean }>();
  for (const { name } of others) {
    for (const level of parentNames(name)) {
      const key = mailboxKey(level);
      if (!levels.has(key)) levels.set(key, { name: level, isMailbox: false });
    }
    levels.set(mailboxKey(name), { name, isMailbox: true });
  }
  return levels;
}

/** WHY: all names that begin with a level begin with its exact letters. */
function spelledAs(levels: Levels, name: string): string {
  if (levels.size === 0) return name;
  const known = [...parentNames(name), name].findLast((level) => levels.has(mailboxKey(level)));
  if (known === undefined) return name;
  return (levels.get(mailboxKey(known))?.name ?? known) + name.slice(known.length);
}

function lastLevel(name: string): string {
  return name.slice(name.lastIndexOf(DELIMITER) + 1);
}

interface Renamed {
  readonly id: MailboxId;
  readonly name: string;
  readonly uidValidity: UidValidity;
}

/** WHY: a name that another mailbox had before must not go back to an old UIDVALIDITY. */
async function update(
  tx: Transaction,
  tree: Tree,
  { renamed, sameKeys }: { readonly renamed: readonly Renamed[]; readonly sameKeys: boolean },
): Promise<void> {
  const updated = await tx.query<Mailbox>(sql`
    UPDATE mailboxes SET name = wanted.name, name_key = wanted.key, domain = ${tree.domain},
      special_use = CASE WHEN ${tree.domain === null} THEN special_use END,
      uid_validity = CASE
        WHEN ${sameKeys} OR last.mailbox_id IS NULL OR last.mailbox_id = mailboxes.id
          OR last.uid_validity < mailboxes.uid_validity THEN mailboxes.uid_validity
        ELSE greatest(floor(extract(epoch FROM now()))::bigint, last.uid_validity + 1) END
    FROM unnest(${renamed.map(({ id }) => id)}::bigint[], ${
    renamed.map(({ name }) => name)
  }::text[],
      ${renamed.map(({ name }) => treeKey(tree, name))}::text[]) AS wanted(id, name, key)
    LEFT JOIN uid_validities last
      ON last.account_id = ${validityAccount(tree)} AND last.name_key = wanted.key
    WHERE mailboxes.id = wanted.id
    RETURNING mailboxes.id, mailboxes.name, mailboxes.uid_validity AS "uidValidity"`);
  await recordUidValidities(tx, tree, updated);
}

/** Subscriptions of the whole subtree, also those whose mailbox does not exist. */
async function moveSubscriptions(
  tx: Transaction,
  account: AccountId,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  const key = mailboxKey(from);
  const moved = await tx.query<{ name: string }>(sql`
    DELETE FROM subscriptions
    WHERE account_id = ${account} AND (name_key = ${key}
      OR name_key >= ${key + DELIMITER} AND name_key < ${key + AFTER_DELIMITER})
    RETURNING name`);
  const depth = from.split(DELIMITER).length;
  const names = moved.map(({ name }) =>
    [to, ...name.split(DELIMITER).slice(depth)].join(DELIMITER)
  );
  await tx.query(sql`
    INSERT INTO subscriptions (account_id, name, name_key)
    SELECT ${account}, name, key
    FROM unnest(${names}::text[], ${names.map(mailboxKey)}::text[]) AS wanted(name, key)
    ON CONFLICT DO NOTHING`);
}
