import { type Database, sql } from "../../src/store/database.ts";

/** How many statements in this database wait for a lock. */
export async function waitingStatements(db: Database): Promise<number> {
  const [row] = await db.query<{ count: number }>(sql`
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND state = 'active'`);
  return row?.count ?? 0;
}
