import type { AccountId, Hash, MailboxId, Uid } from "../lib/ids.ts";
import { type Reader, sql } from "./database.ts";
import { packObjectKey, unpackObjectKey } from "./object_key.ts";

/** A body that some message has, also one that is expunged and not purged yet. */
export interface NeededBody {
  readonly key: string;
  readonly hash: Hash;
  readonly sizeBytes: number;
  /** null: of a mailbox that is gone. */
  readonly accountId: AccountId | null;
}

/** Where `neededBodies` goes on. */
export interface BodyPlace {
  readonly mailbox: MailboxId;
  readonly uid: Uid;
}

/** Which of these objects messages need; keys end with a hash. */
export async function whichAreNeeded(
  db: Pick<Reader, "query">,
  keys: readonly string[],
): Promise<ReadonlyMap<string, NeededBody>> {
  const hashes = keys.map((key) => key.slice(key.lastIndexOf("/") + 1) as Hash);
  const packed = keys.map((key, i) => packObjectKey(key, hashes[i] ?? "" as Hash));
  const rows = await db.query<NeededBody>(sql`
    SELECT wanted.key, wanted.hash, found."sizeBytes", found."accountId"
    FROM unnest(${[...keys]}::text[], ${packed}::text[], ${hashes}::text[])
      AS wanted(key, packed, hash)
    CROSS JOIN LATERAL (
      SELECT messages.size_bytes AS "sizeBytes", account_id AS "accountId"
      FROM messages LEFT JOIN mailboxes ON mailboxes.id = messages.mailbox_id
      WHERE messages.hash = decode(wanted.hash, 'hex') AND object_key = packed LIMIT 1) AS found`);
  return new Map(rows.map((row) => [row.key, row]));
}

/** The bodies of the next messages behind a place, and where to go on; null: there are no more. */
export async function neededBodies(
  db: Pick<Reader, "query">,
  after: BodyPlace,
  limit: number,
): Promise<{ readonly bodies: readonly NeededBody[]; readonly next: BodyPlace | null }> {
  const rows = await db.query<NeededBody & BodyPlace>(sql`
    SELECT messages.mailbox_id AS mailbox, messages.uid, object_key AS key,
      encode(hash, 'hex') AS hash, messages.size_bytes AS "sizeBytes", account_id AS "accountId"
    FROM messages LEFT JOIN mailboxes ON mailboxes.id = messages.mailbox_id
    WHERE (messages.mailbox_id, messages.uid) > (${after.mailbox}, ${after.uid})
    ORDER BY messages.mailbox_id, messages.uid LIMIT ${limit}`);
  const bodies = rows.map((row) => ({ ...row, key: unpackObjectKey(row.key, row.hash) }));
  const last = rows.at(-1);
  const next = last && rows.length === limit ? { mailbox: last.mailbox, uid: last.uid } : null;
  return { bodies, next };
}

/** Which of these objects are not in the object store yet. */
export async function whichArePending(
  db: Pick<Reader, "query">,
  keys: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await db.query<{ key: string }>(sql`
    SELECT object_key AS key FROM pending_uploads WHERE object_key = ANY(${[...keys]}::text[])`);
  return new Set(rows.map(({ key }) => key));
}

/**
 * Which of these addresses are of accounts that the database has whole: also deleted ones, but none that
 * `storage rebuild` has not finished.
 */
export async function whichAreKnown(
  db: Pick<Reader, "query">,
  addresses: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await db.query<{ address: string }>(sql`
    SELECT address FROM unnest(${[...addresses]}::text[]) AS wanted(address)
    WHERE EXISTS (SELECT 1 FROM credentials WHERE credentials.address = wanted.address)
      AND NOT EXISTS (SELECT 1 FROM rebuilt_accounts
        WHERE rebuilt_accounts.address = wanted.address AND finished_at IS NULL)`);
  return new Set(rows.map(({ address }) => address));
}
