import type { Database } from "../../src/store/database.ts";

/** Nothing can be read from what searches read while `work` runs. */
export async function whileLocked<T>(db: Database, work: () => Promise<T>): Promise<T> {
  return await db.transaction(async (tx) => {
    await tx.script("LOCK TABLE messages, message_state IN ACCESS EXCLUSIVE MODE");
    return await work();
  }, { timeoutMs: 30_000 });
}
