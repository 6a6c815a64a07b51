import assert from "node:assert/strict";
import { sql, type Transaction } from "../../src/store/database.ts";
import { type ImapClient, makeWorld, type World } from "../support/imap.ts";

/*
 * Long searches of some clients, and what the others of their worker notice of them: nothing, neither
 * while they run, more of them than the worker has connections to the database, nor when they are
 * given up.
 */
for (const long of ["SORT (SUBJECT) UTF-8 ALL", "THREAD REFERENCES UTF-8 ALL", "SEARCH BODY x"]) {
  Deno.test(`others are served while ${long} runs, and when it is given up`, async () => {
    await using world = await makeWorld("two-messages", { workers: 2 });
    const leavers: ImapClient[] = [];
    for (let n = 0; n < 5; n++) leavers.push(await world.login());
    const [other, waiter] = [await world.login(), await world.login({ worker: 1 })];
    for (const client of [...leavers, waiter]) await client.ok("SELECT INBOX");
    const { answer } = await whileLocked(world, async () => {
      for (const leaver of leavers) await leaver.writeLine(`l1 ${long}`);
      await until(async () => await waiting(world) >= 1);
      const searching = await waiting(world);
      await waiter.writeLine("w1 SORT (REVERSE DATE) UTF-8 ALL");
      await until(async () => await waiting(world) > searching);
      for (let n = 0; n < 20; n++) await other.ok('LIST "" *');
      await other.ok("CREATE Elsewhere");
      for (const leaver of leavers) leaver.close();
      await until(async () => await waiting(world) === 1);
      await other.ok("RENAME Elsewhere Nowhere");
      // WHY not awaited: it is answered when the tables can be read again.
      return { answer: waiter.until("w1") };
    });
    assert.deepEqual(await answer, ["* SORT 2 1", "OK SORT completed"]);
    await other.ok("SELECT INBOX");
    assert.equal((await other.ok(long)).length, 1);
  });
}

/** Nothing can be read from what searches read while `work` runs. */
async function whileLocked<T>({ workers }: World, work: () => Promise<T>): Promise<T> {
  const db = workers[1]?.mailboxes.db;
  assert.ok(db);
  return await db.transaction(async (tx: Transaction) => {
    await tx.script("LOCK TABLE messages, message_state IN ACCESS EXCLUSIVE MODE");
    return await work();
  }, { timeoutMs: 30_000 });
}

/** Statements in this database that wait for a lock. */
async function waiting({ services: { mailboxes: { db } } }: World): Promise<number> {
  const [row] = await db.query<{ count: number }>(sql`
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND state = 'active'`);
  return row?.count ?? 0;
}

async function until(done: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 500; turn++) {
    if (await done()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail("it did not come to that");
}
