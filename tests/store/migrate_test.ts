import assert from "node:assert/strict";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { Database, sql } from "../../src/store/database.ts";
import { migrate, migrationStatus, SchemaError } from "../../src/store/migrate.ts";
import { migrations } from "../../src/store/migrations/list.ts";
import { testDatabase } from "../support/postgres.ts";

const log = logger("test");
const options = { timeoutMs: 10_000, log };

async function emptyDatabase() {
  const test = await testDatabase();
  const db = await Database.open(test.config, { log, metrics: new Metrics() });
  await db.transaction((tx) => tx.script("DROP SCHEMA public CASCADE; CREATE SCHEMA public"));
  return {
    db,
    config: test.config,
    async [Symbol.asyncDispose]() {
      await db[Symbol.asyncDispose]();
      await test[Symbol.asyncDispose]();
    },
  };
}

Deno.test("every migration file is in the list, numbered without a gap", async () => {
  const folder = new URL("../../src/store/migrations/", import.meta.url);
  const files: string[] = [];
  for await (const { name } of Deno.readDir(folder)) if (name.endsWith(".sql")) files.push(name);
  assert.deepEqual(files.sort(), migrations.map(({ name }) => `${name}.sql`));
  for (const [at, { version, name, text }] of migrations.entries()) {
    assert.equal(version, at + 1);
    assert.ok(name.startsWith(String(version).padStart(4, "0")));
    assert.equal(text, await Deno.readTextFile(new URL(`${name}.sql`, folder)));
  }
});

Deno.test("migrate() by three nodes at once runs each migration once", async () => {
  await using it = await emptyDatabase();
  const before = await migrationStatus(it.db);
  assert.deepEqual([before.current, before.pending.length], [0, migrations.length]);
  const ran = await Promise.all([1, 2, 3].map(() => migrate(it.db, options)));
  assert.deepEqual(ran.flat().sort(), migrations.map(({ name }) => name));
  const after = await migrationStatus(it.db);
  assert.deepEqual([after.current, after.latest, after.pending], [
    migrations.length,
    migrations.length,
    [],
  ]);
  assert.ok(after.applied[0]?.appliedAt instanceof Date);
  assert.deepEqual(await migrate(it.db, options), []);
});

Deno.test("a migration that fails leaves nothing behind, and the ones before it", async () => {
  await using it = await emptyDatabase();
  const broken = [
    { version: 1, name: "0001_a", text: "CREATE TABLE a (id int); INSERT INTO a VALUES (1);" },
    { version: 2, name: "0002_b", text: "CREATE TABLE b (id int); SELECT 1/0;" },
  ];
  await assert.rejects(migrate(it.db, { ...options, migrations: broken }), { code: "22012" });
  const status = await migrationStatus(it.db, broken);
  assert.deepEqual([status.current, status.pending], [1, ["0002_b"]]);
  assert.deepEqual(await it.db.query(sql`SELECT to_regclass('b') AS b`), [{ b: null }]);
});

Deno.test("a newer database and changed migrations are refused", async () => {
  await using it = await emptyDatabase();
  const two = [
    { version: 1, name: "0001_a", text: "CREATE TABLE a (id int)\n" },
    { version: 2, name: "0002_b", text: "CREATE TABLE b (id int)" },
  ];
  await migrate(it.db, { ...options, migrations: two });
  const older = { ...options, migrations: two.slice(0, 1) };
  await assert.rejects(migrate(it.db, older), SchemaError);
  await assert.rejects(migrationStatus(it.db, two.slice(0, 1)), /newer than this program/);
  const crlf = two.map((step) => ({ ...step, text: step.text.replaceAll("\n", "\r\n") }));
  assert.deepEqual(await migrate(it.db, { ...options, migrations: crlf }), []);
  const changed = two.map((step) => ({ ...step, text: `${step.text} ` }));
  await assert.rejects(migrate(it.db, { ...options, migrations: changed }), SchemaError);
});

Deno.test("waiting for another node that migrates has an end", async () => {
  await using it = await emptyDatabase();
  await using other = await Database.open(it.config, { log, metrics: new Metrics() });
  await other.transaction(async (tx) => {
    await tx.query(sql`SELECT pg_advisory_xact_lock(${0x736f7261})`);
    await assert.rejects(migrate(it.db, { ...options, timeoutMs: 50 }), {
      refusal: { kind: "unavailable", what: "database" },
    });
  });
  assert.equal((await migrate(it.db, options)).length, migrations.length);
});
