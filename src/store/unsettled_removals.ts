import type { Hash } from "../lib/ids.ts";
import { type Reader, sql } from "./database.ts";
import { packObjectKey } from "./object_key.ts";

/** Every row of a message that has the body. */
const ROWS = sql`messages
      LEFT JOIN mailboxes AS box ON box.id = messages.mailbox_id
      LEFT JOIN expunged_messages AS gone
        ON gone.mailbox_id = messages.mailbox_id AND gone.uid = messages.uid
    WHERE messages.hash = decode(body.hash, 'hex') AND object_key = packed`;
const IS_MARKED = sql`(coalesce(gone.purging, false) OR coalesce(box.purging, false))`;

/**
 * Which of these objects a message needs while another one that has the same body is marked to be purged.
 * WHY it matters: a cleaner that lost its locks with the database (a failover) may have asked the object
 * store to remove such an object, and that may still be carried out. The next round of the cleaner, which finds
 * the object needed, takes the marks away.
 */
export async function unsettledRemovals(
  db: Pick<Reader, "query">,
  keys: readonly string[],
): Promise<ReadonlySet<string>> {
  if (keys.length === 0) return new Set();
  const hashes = keys.map((key) => key.slice(key.lastIndexOf("/") + 1) as Hash);
  const packed = keys.map((key, i) => packObjectKey(key, hashes[i] ?? "" as Hash));
  const rows = await db.query<{ key: string }>(sql`
    SELECT key FROM unnest(${[...keys]}::text[], ${packed}::text[], ${hashes}::text[])
      AS body(key, packed, hash)
    WHERE EXISTS (SELECT FROM ${ROWS} AND ${IS_MARKED})
      AND EXISTS (SELECT FROM ${ROWS} AND NOT ${IS_MARKED})`);
  return new Set(rows.map(({ key }) => key));
}
