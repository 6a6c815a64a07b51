import { sql, type Transaction } from "./database.ts";

/** WHY: keeps the locks of objects apart from whatever else hashes a text to a lock. */
const SEED = 4242;

/**
 * Locks those of the objects that nobody else has locked, until the end of the transaction. Whoever makes
 * sure that an object is there (uploader), and whoever removes one after looking that nothing needs it
 * (cleaner), holds its lock while talking to the object store: so no object goes that was found there a
 * moment before.
 */
export async function tryObjectLocks(
  tx: Transaction,
  keys: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await tx.query<{ key: string }>(sql`
    WITH wanted AS MATERIALIZED (
      SELECT key, pg_try_advisory_xact_lock(hashtextextended(key, ${SEED})) AS locked
      FROM unnest(${[...keys]}::text[]) AS key)
    SELECT key FROM wanted WHERE locked`);
  return new Set(rows.map(({ key }) => key));
}
