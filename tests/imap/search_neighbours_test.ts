import assert from "node:assert/strict";
import { type ImapClient, makeWorld } from "../support/imap.ts";
import { until } from "../support/until.ts";
import { waitingStatements } from "./waiting_statements.ts";
import { whileLocked } from "./while_locked.ts";

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
    const db = world.workers[1]?.mailboxes.db;
    assert.ok(db);
    const { answer } = await whileLocked(db, async () => {
      for (const leaver of leavers) await leaver.writeLine(`l1 ${long}`);
      await until("a search waits", async () => await waitingStatements(db) >= 1);
      const searching = await waitingStatements(db);
      await waiter.writeLine("w1 SORT (REVERSE DATE) UTF-8 ALL");
      await until("another waits", async () => await waitingStatements(db) > searching);
      for (let n = 0; n < 20; n++) await other.ok('LIST "" *');
      await other.ok("CREATE Elsewhere");
      for (const leaver of leavers) leaver.close();
      await until("one waits", async () => await waitingStatements(db) === 1);
      await other.ok("RENAME Elsewhere Nowhere");
      // WHY not awaited: it is answered when the tables can be read again.
      return { answer: waiter.until("w1") };
    });
    assert.deepEqual(await answer, ["* SORT 2 1", "OK SORT completed"]);
    await other.ok("SELECT INBOX");
    assert.equal((await other.ok(long)).length, 1);
  });
}
