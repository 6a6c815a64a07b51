import type { AccountId, UidValidity } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import { sql, type Transaction } from "./database.ts";
import { type Mailbox, MAILBOX_COLUMNS } from "./mailbox.ts";
import { mailboxKey, parentNames } from "./mailbox_name.ts";

/** Mailboxes of one account: LIST answers with all of them. */
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

/** Creates a mailbox (a clean name) and the parents it lacks; the account is locked. */
export async function createMailbox(
  tx: Transaction,
  account: AccountId,
  wanted: { readonly name: string; readonly specialUse?: string | null },
): Promise<Mailbox> {
  const specialUse = wanted.specialUse ?? null;
  const parents = await missingParents(tx, account, wanted.name);
  const rows = await existing(tx, account, [parents.name]);
  if (rows.length > 0) throw new Refused({ kind: "mailbox-exists", name: wanted.name });
  await checkRoom(tx, account, parents.missing.length + 1);
  if (specialUse !== null) await checkSpecialUse(tx, account, specialUse);
  const created = await insert(tx, account, [
    ...parents.missing.map((name) => [name, null] as const),
    [parents.name, specialUse],
  ]);
  const mailbox = created.find(({ name }) => name === parents.name);
  if (!mailbox) throw new Error("Mailbox was not created");
  return mailbox;
}

/** Creates and subscribes the mailboxes of a new account. */
export async function createDefaultMailboxes(tx: Transaction, account: AccountId): Promise<void> {
  await insert(tx, account, DEFAULT_MAILBOXES);
  const names = DEFAULT_MAILBOXES.map(([name]) => name);
  await tx.query(sql`
    INSERT INTO subscriptions (account_id, name, name_key)
    SELECT ${account}, name, key
    FROM unnest(${names}::text[], ${names.map(mailboxKey)}::text[]) AS wanted(name, key)`);
}

/** Creates the parents that a name lacks; returns the name with its parents' own letter case. */
export async function createParents(
  tx: Transaction,
  account: AccountId,
  name: string,
): Promise<string> {
  const parents = await missingParents(tx, account, name);
  await checkRoom(tx, account, parents.missing.length);
  await insert(tx, account, parents.missing.map((parent) => [parent, null] as const));
  return parents.name;
}

/**
 * WHY: "foo/bar" beside "Foo" becomes "Foo/bar": the name of a mailbox always begins with the exact
 * name of its parent, which renaming relies on.
 */
async function missingParents(
  tx: Transaction,
  account: AccountId,
  name: string,
): Promise<{ name: string; missing: string[] }> {
  const parents = parentNames(name);
  const found = new Map(
    (await existing(tx, account, parents)).map((row) => [mailboxKey(row.name), row.name]),
  );
  const missing: string[] = [];
  let prefix = "";
  for (const parent of parents) {
    const level = parent.slice(parent.lastIndexOf("/") + 1);
    const own = prefix + level;
    const there = found.get(mailboxKey(own));
    if (there === undefined) missing.push(own);
    prefix = `${there ?? own}/`;
  }
  return { name: prefix + name.slice(name.lastIndexOf("/") + 1), missing };
}

async function existing(
  tx: Transaction,
  account: AccountId,
  names: readonly string[],
): Promise<{ name: string }[]> {
  if (names.length === 0) return [];
  return await tx.query<{ name: string }>(sql`
    SELECT name FROM mailboxes
    WHERE account_id = ${account} AND name_key = ANY(${names.map(mailboxKey)}::text[])
      AND deleted_at IS NULL`);
}

async function checkRoom(tx: Transaction, account: AccountId, more: number): Promise<void> {
  if (more === 0) return;
  const [row] = await tx.query<{ count: number }>(sql`
    SELECT count(*) FROM mailboxes WHERE account_id = ${account} AND deleted_at IS NULL`);
  if ((row?.count ?? 0) + more > MAILBOXES_MAX) {
    throw new Refused({ kind: "too-many-mailboxes", limit: MAILBOXES_MAX });
  }
}

async function checkSpecialUse(tx: Transaction, account: AccountId, use: string): Promise<void> {
  if (!SPECIAL_USES.has(use)) {
    throw new Refused({ kind: "bad-special-use", why: "not one that a mailbox can be made for" });
  }
  const [taken] = await tx.query(sql`
    SELECT id FROM mailboxes
    WHERE account_id = ${account} AND special_use = ${use} AND deleted_at IS NULL`);
  if (taken) throw new Refused({ kind: "bad-special-use", why: "another mailbox has it" });
}

/**
 * RFC 3501 §2.3.1.1: the UIDVALIDITY of a name that was used before is larger than it ever was:
 * the time in seconds, or the last one plus 1 when that is not over yet.
 */
async function insert(
  tx: Transaction,
  account: AccountId,
  wanted: readonly (readonly [name: string, specialUse: string | null])[],
): Promise<Mailbox[]> {
  if (wanted.length === 0) return [];
  const names = wanted.map(([name]) => name);
  const created = await tx.query<Mailbox>(sql`
    INSERT INTO mailboxes (account_id, name, name_key, special_use, uid_validity)
    SELECT ${account}, wanted.name, wanted.key, wanted.use,
      greatest(floor(extract(epoch FROM now()))::bigint, coalesce(last.uid_validity + 1, 1))
    FROM unnest(${names}::text[], ${names.map(mailboxKey)}::text[],
      ${wanted.map(([, use]) => use)}::text[]) AS wanted(name, key, use)
    LEFT JOIN uid_validities last ON last.account_id = ${account} AND last.name_key = wanted.key
    RETURNING ${MAILBOX_COLUMNS}`);
  await recordUidValidities(tx, account, created);
  return created;
}

/** Remembers which UIDVALIDITY a name has; the account is locked. */
export async function recordUidValidities(
  tx: Transaction,
  account: AccountId,
  mailboxes: readonly Pick<Mailbox, "id" | "name" | "uidValidity">[],
): Promise<void> {
  const values: UidValidity[] = mailboxes.map((mailbox) => mailbox.uidValidity);
  await tx.query(sql`
    INSERT INTO uid_validities (account_id, name_key, uid_validity, mailbox_id)
    SELECT ${account}, key, value, id
    FROM unnest(${mailboxes.map(({ name }) => mailboxKey(name))}::text[], ${values}::bigint[],
      ${mailboxes.map(({ id }) => id)}::bigint[]) AS now(key, value, id)
    ON CONFLICT (account_id, name_key)
    DO UPDATE SET uid_validity = excluded.uid_validity, mailbox_id = excluded.mailbox_id`);
}
