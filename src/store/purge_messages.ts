import type { AccountId, Hash, MailboxId, Uid } from "../lib/ids.ts";
import { type Database, sql, type Transaction } from "./database.ts";
import { tryObjectLocks } from "./object_lock.ts";
import { unpackObjectKey } from "./object_key.ts";

/** For the statements of a batch, between which bodies are removed from a store that may be slow. */
const TIMEOUT_MS = 60_000;

/** A message whose rows go: it is marked, so that nobody restores or copies it any more. */
export interface Doomed {
  readonly mailbox: MailboxId;
  readonly uid: Uid;
}

/** What went. */
export interface Purged {
  readonly messages: number;
  /** Messages that stay for now: somebody is uploading or delivering the same body. */
  readonly deferred: number;
}

/**
 * Removes the objects of these keys. Answers those that are gone now; the others stay for the next time.
 * May be called again for the same keys.
 */
export type RemoveObjects = (keys: readonly string[]) => Promise<ReadonlySet<string>>;

/**
 * Purges messages that are marked. A body goes when no row but marked ones has its key, and nobody
 * uploads it now: looked at and removed under the lock of the object, and removed before the rows, so that
 * what is left after a crash is found again.
 */
export async function purgeMessages(
  db: Database,
  doomed: readonly Doomed[],
  remove: RemoveObjects,
): Promise<Purged> {
  if (doomed.length === 0) return { messages: 0, deferred: 0 };
  return await db.transaction(async (tx) => {
    const rows = await readRows(tx, doomed);
    const bodies = new Map(rows.map((row) => [row.key, row]));
    const locked = await tryObjectLocks(tx, [...bodies.keys()]);
    const waiting = await lockUploads(tx, [...locked]);
    // WHY only now: whoever names one of those bodies from here on waits for the end of this.
    const needed = await readNeeded(tx, [...bodies.values()].filter(({ key }) => locked.has(key)));
    const unused = [...locked].filter((key) => !needed.has(key) && waiting.get(key) !== false);
    const gone = unused.length > 0 ? await remove(unused) : new Set<string>();
    await forgetUploads(tx, unused.filter((key) => gone.has(key) && waiting.has(key)));
    await forgetDamage(tx, [...gone]);
    const done = rows.filter(({ key }) => gone.has(key) || needed.has(key));
    await deleteRows(tx, done);
    await noteTexts(tx, done);
    // WHY also those without a row: there is nothing to be kept of them.
    await settle(tx, without(doomed, rows.filter((row) => !done.includes(row))));
    return { messages: done.length, deferred: rows.length - done.length };
  }, { timeoutMs: TIMEOUT_MS });
}

interface Row extends Doomed {
  readonly account: AccountId | null;
  readonly hash: Hash;
  /** As it stands in the row. */
  readonly objectKey: string;
  readonly key: string;
}

async function readRows(tx: Transaction, doomed: readonly Doomed[]): Promise<Row[]> {
  const rows = await tx.query<Omit<Row, "key">>(sql`
    SELECT messages.mailbox_id AS mailbox, messages.uid, mailboxes.account_id AS account,
      encode(hash, 'hex') AS hash, object_key AS "objectKey"
    FROM unnest(${doomed.map(({ mailbox }) => mailbox)}::bigint[],
      ${doomed.map(({ uid }) => uid)}::bigint[]) AS doomed(mailbox_id, uid)
    JOIN messages ON messages.mailbox_id = doomed.mailbox_id AND messages.uid = doomed.uid
    LEFT JOIN mailboxes ON mailboxes.id = doomed.mailbox_id`);
  return rows.map((row) => ({ ...row, key: unpackObjectKey(row.objectKey, row.hash) }));
}

/**
 * Which of the bodies wait for their upload; false: somebody is at it. The others nobody takes up until the end
 * of the transaction.
 */
async function lockUploads(
  tx: Transaction,
  keys: readonly string[],
): Promise<ReadonlyMap<string, boolean>> {
  if (keys.length === 0) return new Map();
  const locked = await tx.query<{ key: string }>(sql`
    SELECT object_key AS key FROM pending_uploads
    WHERE object_key = ANY(${[...keys]}::text[])
      AND (lease_until IS NULL OR lease_until < now())
    ORDER BY object_key FOR UPDATE SKIP LOCKED`);
  const all = await tx.query<{ key: string }>(sql`
    SELECT object_key AS key FROM pending_uploads WHERE object_key = ANY(${[...keys]}::text[])`);
  const free = new Set(locked.map(({ key }) => key));
  return new Map(all.map(({ key }) => [key, free.has(key)]));
}

/** WHY: of a body that nobody needs, there is nothing left to be uploaded. */
async function forgetUploads(tx: Transaction, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  await tx.query(sql`
    DELETE FROM pending_uploads WHERE object_key = ANY(${[...keys]}::text[])`);
}

async function forgetDamage(tx: Transaction, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  await tx.query(sql`
    DELETE FROM damaged_bodies WHERE object_key = ANY(${[...keys]}::text[])`);
}

/** The bodies that a message needs which is not marked. */
async function readNeeded(
  tx: Transaction,
  bodies: readonly Row[],
): Promise<ReadonlySet<string>> {
  if (bodies.length === 0) return new Set();
  const rows = await tx.query<{ key: string }>(sql`
    SELECT key FROM unnest(${bodies.map(({ key }) => key)}::text[],
      ${bodies.map(({ objectKey }) => objectKey)}::text[],
      ${bodies.map(({ hash }) => hash)}::text[]) AS body(key, packed, hash)
    WHERE EXISTS (SELECT FROM messages
      WHERE messages.hash = decode(body.hash, 'hex') AND object_key = packed
        AND NOT EXISTS (SELECT FROM expunged_messages AS gone
          WHERE gone.mailbox_id = messages.mailbox_id AND gone.uid = messages.uid AND gone.purging)
        AND NOT EXISTS (SELECT FROM mailboxes
          WHERE mailboxes.id = messages.mailbox_id AND mailboxes.purging))`);
  return new Set(rows.map(({ key }) => key));
}

async function deleteRows(tx: Transaction, rows: readonly Doomed[]): Promise<void> {
  if (rows.length === 0) return;
  const pairs = sql`unnest(${rows.map(({ mailbox }) => mailbox)}::bigint[],
    ${rows.map(({ uid }) => uid)}::bigint[]) AS gone(mailbox_id, uid)`;
  await tx.query(sql`
    DELETE FROM messages USING ${pairs}
    WHERE messages.mailbox_id = gone.mailbox_id AND messages.uid = gone.uid`);
  // WHY: those of a deleted mailbox still have their state.
  await tx.query(sql`
    DELETE FROM message_state AS state USING ${pairs}
    WHERE state.mailbox_id = gone.mailbox_id AND state.uid = gone.uid`);
}

async function noteTexts(tx: Transaction, rows: readonly Row[]): Promise<void> {
  const known = rows.filter(({ account }) => account !== null);
  if (known.length === 0) return;
  await tx.query(sql`
    INSERT INTO stale_texts (account_id, hash)
    SELECT DISTINCT account, decode(hash, 'hex')
    FROM unnest(${known.map(({ account }) => account)}::bigint[],
      ${known.map(({ hash }) => hash)}::text[]) AS gone(account, hash)
    ON CONFLICT DO NOTHING`);
}

/** From now on they are tombstones, and nothing else. */
async function settle(tx: Transaction, doomed: readonly Doomed[]): Promise<void> {
  await tx.query(sql`
    UPDATE expunged_messages AS gone SET moved = true, purging = false
    FROM unnest(${doomed.map(({ mailbox }) => mailbox)}::bigint[],
      ${doomed.map(({ uid }) => uid)}::bigint[]) AS done(mailbox_id, uid)
    WHERE gone.mailbox_id = done.mailbox_id AND gone.uid = done.uid`);
}

function without(doomed: readonly Doomed[], kept: readonly Doomed[]): Doomed[] {
  const names = new Set(kept.map(({ mailbox, uid }) => `${mailbox}:${uid}`));
  return doomed.filter(({ mailbox, uid }) => !names.has(`${mailbox}:${uid}`));
}
