import assert from "node:assert/strict";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { Database, sql } from "../../src/store/database.ts";
import { testDatabase, throwawayPostgres } from "./postgres.ts";

Deno.test("testDatabase() gives databases of their own, migrated and empty", async () => {
  await using first = await testDatabase();
  await using second = await testDatabase();
  assert.notEqual(first.config.write.name, second.config.write.name);
  for (const { config } of [first, second]) {
    await using db = await Database.open(config, { log: logger("test"), metrics: new Metrics() });
    const rows = await db.query<{ n: string }>(sql`SELECT count(*)::text AS n FROM accounts`);
    assert.deepEqual(rows.map(({ n }) => n), ["0"]);
  }
});

Deno.test("throwawayPostgres() can be killed and started again", async () => {
  await using server = await throwawayPostgres({ fsync: true });
  const ask = async () => {
    const observe = { log: logger("test"), metrics: new Metrics() };
    await using db = await Database.open(server.config, observe);
    await db.ping();
  };
  await ask();
  for (const signal of ["SIGKILL", "SIGQUIT", "SIGINT"] as const) {
    const { pid } = server;
    await server.stop(signal);
    await assert.rejects(ask());
    await server.start();
    assert.notEqual(server.pid, pid);
    await ask();
  }
});
