import assert from "node:assert/strict";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { Database, sql } from "../../src/store/database.ts";
import { testDatabase } from "../support/postgres.ts";

const settings = sql`
  SELECT current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock,
    current_setting('transaction_read_only') AS "readOnly",
    current_setting('plan_cache_mode') AS plans, pg_backend_pid() AS pid`;

Deno.test("what one transaction sets is gone with it, also when it failed, on the same connection", async () => {
  await using test = await testDatabase();
  const { config } = test;
  // One connection besides those for short statements and notices.
  const write = { ...config.write, maxConnections: 3, minConnections: 0 };
  await using db = await Database.open({ ...config, write }, {
    log: logger("test"),
    metrics: new Metrics(),
  });
  const [before] = await db.write(settings);
  const options = { timeoutMs: 100, lockTimeoutMs: 50 };
  const [inside] = await db.transaction((tx) => tx.query<{ statement: string }>(settings), options);
  assert.equal(inside?.statement, "100ms");
  assert.deepEqual((await db.write(settings))[0], before);
  await assert.rejects(
    db.transaction((tx) => tx.query(sql`SELECT pg_sleep(10)`), options),
    { refusal: { kind: "unavailable", what: "database" } },
  );
  await assert.rejects(db.transaction((tx) => tx.query(sql`SELECT 1 / 0`), options));
  await assert.rejects(db.transaction(() => Promise.reject(new Error("given up")), options));
  await db.search(sql`SELECT 1`);
  assert.deepEqual((await db.write(settings))[0], before);
});
