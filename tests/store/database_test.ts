import assert from "node:assert/strict";
import { Refused } from "../../src/lib/refused.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { Database, sql, type Transaction } from "../../src/store/database.ts";
import { testDatabase, throwawayPostgres } from "../support/postgres.ts";

const observe = { log: logger("test"), metrics: new Metrics() };
const unavailable = { refusal: { kind: "unavailable", what: "database" } };
const pid = sql`SELECT pg_backend_pid() AS pid`;

type Config = Awaited<ReturnType<typeof testDatabase>>["config"];

async function open(change: (config: Config) => Config = (config) => config) {
  const test = await testDatabase();
  const db = await Database.open(change(test.config), observe);
  return {
    db,
    async [Symbol.asyncDispose]() {
      await db[Symbol.asyncDispose]();
      await test[Symbol.asyncDispose]();
    },
  };
}

async function table(db: Database): Promise<void> {
  await db.transaction((tx) => tx.script("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL)"));
  await db.write(sql`INSERT INTO t VALUES (1, 0), (2, 0)`);
}

Deno.test("values keep their types: bigint, timestamps, arrays, bytes, null", async () => {
  await using it = await open();
  const [row] = await it.db.query(sql`
    SELECT 4294967296::bigint AS big, '2026-01-02 03:04:05.678901+02'::timestamptz AS time,
      '0044-03-15 BC'::timestamptz AS old, ${["a", 'b"\\', "NULL"]}::text[] AS texts,
      ${[null, "x"]}::text[] AS nulls, ${Uint8Array.of(0, 255)}::bytea AS bytes,
      ${null}::text AS nothing, 'infinity'::timestamptz AS endless`);
  assert.deepEqual({ ...(row as object), bytes: 0, old: 0 }, {
    big: 4294967296,
    time: new Date("2026-01-02T01:04:05.678Z"),
    old: 0,
    texts: ["a", 'b"\\', "NULL"],
    nulls: [null, "x"],
    bytes: 0,
    nothing: null,
    endless: Infinity,
  });
});

Deno.test("many queries at once share few connections, errors stay with their own query", async () => {
  await using it = await open();
  const done = await Promise.allSettled(
    Array.from({ length: 500 }, (_, n) =>
      it.db.query<{ n: number }>(
        n % 50 === 7 ? sql`SELECT 1 / ${n - n}::int AS n` : sql`SELECT ${n}::int AS n`,
      )),
  );
  for (const [n, result] of done.entries()) {
    if (n % 50 === 7) {
      assert.equal(result.status, "rejected");
      assert.ok(!(result.reason instanceof Refused));
    } else if (result.status === "fulfilled") assert.deepEqual(result.value, [{ n }]);
    else throw result.reason;
  }
});

Deno.test("transaction() rolls back what threw, and gives the connection back", async () => {
  await using it = await open();
  await table(it.db);
  for (let round = 0; round < 10; round++) {
    const work = async (tx: Transaction) => {
      await tx.query(sql`UPDATE t SET n = n + 1 WHERE id = 1`);
      throw new Error("mine");
    };
    await assert.rejects(it.db.transaction(work), { message: "mine" });
    const broken = (tx: Transaction) => tx.query(sql`SELECT 1 / ${0}::int`);
    await assert.rejects(it.db.transaction(broken), { code: "22012" });
    const swallowed = async (tx: Transaction) => {
      await tx.query(sql`SELECT 1 / ${0}::int`).catch(() => {});
    };
    await assert.rejects(it.db.transaction(swallowed), {
      message: "Transaction ended with ROLLBACK",
    });
  }
  assert.deepEqual(await it.db.query(sql`SELECT n FROM t WHERE id = 1`), [{ n: 0 }]);
});

Deno.test("transaction() is run again after a deadlock", async () => {
  await using it = await open();
  await table(it.db);
  let runs = 0;
  const both = (first: number, second: number) =>
    it.db.transaction(async (tx) => {
      runs++;
      await tx.query(sql`UPDATE t SET n = n + 1 WHERE id = ${first}`);
      await tx.query(sql`SELECT pg_sleep(0.05)`);
      await tx.query(sql`UPDATE t SET n = n + 1 WHERE id = ${second}`);
    });
  await Promise.all([both(1, 2), both(2, 1)]);
  assert.ok(runs > 2);
  assert.deepEqual(await it.db.query(sql`SELECT n FROM t ORDER BY id`), [{ n: 2 }, { n: 2 }]);
});

Deno.test("timeouts are unavailability: of statements, of locks, of the wait for a connection", async () => {
  await using it = await open((config) => ({
    ...config,
    queryTimeoutMs: 50,
    writeTimeoutMs: 60,
    lockTimeoutMs: 50,
    write: { ...config.write, maxConnections: 4 },
  }));
  const { db } = it;
  await db.transaction((tx) => tx.script("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL)"));
  await db.write(sql`INSERT INTO t VALUES (1, 0)`);
  await assert.rejects(db.query(sql`SELECT pg_sleep(5)`), unavailable);
  await assert.rejects(db.write(sql`SELECT pg_sleep(5)`), unavailable);
  const slow = (tx: Transaction) => tx.query(sql`SELECT pg_sleep(5)`);
  await assert.rejects(db.transaction(slow, { timeoutMs: 50 }), unavailable);
  await db.transaction(async (tx) => {
    await tx.query(sql`UPDATE t SET n = 1`);
    await assert.rejects(db.write(sql`UPDATE t SET n = 2`), unavailable);
  });
  await db.ping();
});

Deno.test("a lost connection costs what was on it, and nothing else", async () => {
  await using it = await open();
  const { db } = it;
  await table(db);
  const lost = db.transaction(async (tx) => {
    await tx.query(sql`UPDATE t SET n = 5 WHERE id = 1`);
    const [own] = await tx.query<{ pid: number }>(pid);
    await db.query(sql`SELECT pg_terminate_backend(${own?.pid ?? 0})`);
    await tx.query(sql`UPDATE t SET n = 6 WHERE id = 1`);
  });
  await assert.rejects(lost, unavailable);
  assert.deepEqual(await db.query(sql`SELECT n FROM t WHERE id = 1`), [{ n: 0 }]);
  await db.transaction((tx) =>
    tx.query(sql`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid()`)
  );
  assert.deepEqual(await db.query(sql`SELECT 1 AS one`), [{ one: 1 }]);
  await db.write(sql`UPDATE t SET n = 7`);
});

Deno.test("a query whose plan is out of date is answered, on a new connection", async () => {
  await using it = await open();
  const { db } = it;
  await table(db);
  const read = sql`SELECT * FROM t WHERE id = 1`;
  await Promise.all(Array.from({ length: 20 }, () => db.query(read)));
  await db.write(sql`ALTER TABLE t ADD COLUMN more text`);
  const rows = await Promise.all(Array.from({ length: 20 }, () => db.query(read)));
  for (const row of rows) assert.deepEqual(row, [{ id: 1, n: 0, more: null }]);
});

Deno.test("a server that is gone is unavailable; when it is back, everything works again", async () => {
  await using server = await throwawayPostgres({ fsync: true });
  await using db = await Database.open(server.config, observe);
  await table(db);
  await server.stop("SIGKILL");
  const ask = () =>
    Promise.allSettled([
      db.query(sql`SELECT 1`),
      db.write(sql`UPDATE t SET n = 1`),
      db.transaction((tx) => tx.query(sql`SELECT 1`)),
      ...Array.from({ length: 50 }, () => db.write(sql`UPDATE t SET n = 1`)),
    ]);
  let asked = await ask();
  // WHY: sessions live on for a moment without their server, and may still answer.
  while (asked.some(({ status }) => status === "fulfilled")) asked = await ask();
  for (const result of asked) {
    assert.ok(result.status === "rejected" && result.reason instanceof Refused);
  }
  await server.start();
  for (;;) {
    if (await db.ping().then(() => true, () => false)) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await db.write(sql`UPDATE t SET n = 2`);
});

Deno.test("hosts are tried in order; none that answers is unavailable at once", async () => {
  await using it = await open((config) => ({
    ...config,
    write: { ...config.write, hosts: ["/nonexistent", ...config.write.hosts] },
  }));
  await it.db.ping();
  await using test = await testDatabase();
  const config = { ...test.config, write: { ...test.config.write, hosts: ["/nonexistent"] } };
  await assert.rejects(Database.open(config, observe), unavailable);
});

Deno.test("read() asks a replica, and the primary when that is away", async () => {
  await using test = await testDatabase();
  const replica = { ...test.config.write, user: test.config.write.user };
  await using db = await Database.open({ ...test.config, read: [replica] }, observe);
  const [primary] = await db.query<{ pid: number }>(pid);
  const [read] = await db.read<{ pid: number }>(pid);
  assert.notEqual(read?.pid, primary?.pid);
  const away = { ...replica, hosts: ["/nonexistent"] };
  await using other = await Database.open({ ...test.config, read: [away] }, observe);
  assert.deepEqual(await other.read(sql`SELECT 1 AS one`), [{ one: 1 }]);
});

Deno.test("search() has its own time limit", async () => {
  await using it = await open((config) => ({ ...config, queryTimeoutMs: 20 }));
  const [row] = await it.db.search<{ one: number }>(sql`SELECT 1 AS one, pg_sleep(0.1)`);
  assert.equal(row?.one, 1);
});

Deno.test("after it was closed, everything is unavailable", async () => {
  const test = await testDatabase();
  const db = await Database.open(test.config, observe);
  await db[Symbol.asyncDispose]();
  for (
    const ask of [() => db.query(pid), () => db.write(pid), () => db.transaction(async () => {})]
  ) {
    await assert.rejects(ask, unavailable);
  }
  await test[Symbol.asyncDispose]();
});

Deno.test("a host that is gone is asked once, not before every connection", async () => {
  await using test = await testDatabase();
  const folder = await Deno.makeTempDir();
  const { write } = test.config;
  const gone = Deno.listen({ transport: "unix", path: `${folder}/.s.PGSQL.${write.port}` });
  let asked = 0;
  const hanging = (async () => {
    for await (const conn of gone) {
      asked++;
      conn.close();
    }
  })();
  const config = { ...test.config, write: { ...write, hosts: [folder, ...write.hosts] } };
  {
    await using db = await Database.open(config, observe);
    assert.equal(asked, 1);
    const pid = sql`SELECT pg_backend_pid() AS pid FROM pg_sleep(0.01)`;
    const asks = Array.from({ length: 4 }, () => db.write<{ pid: number }>(pid));
    assert.ok(new Set((await Promise.all(asks)).map(([row]) => row?.pid)).size > 1);
    assert.equal(asked, 1);
  }
  gone.close();
  await hanging;
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a standby is passed over for the next host, and alone it is unavailable", async () => {
  await using standby = await throwawayPostgres({ fsync: true });
  await using primary = await throwawayPostgres({ fsync: true });
  {
    await using db = await Database.open(standby.config, observe);
    const [row] = await db.query<{ folder: string }>(
      sql`SELECT current_setting('data_directory') AS folder`,
    );
    await standby.stop("SIGINT");
    await Deno.writeTextFile(`${row?.folder}/standby.signal`, "");
  }
  await standby.start();
  await assert.rejects(Database.open(standby.config, observe), unavailable);
  const hosts = [...standby.config.write.hosts, ...primary.config.write.hosts];
  const write = { ...primary.config.write, hosts };
  await using db = await Database.open({ ...primary.config, write }, observe);
  const [row] = await db.query<{ standby: boolean }>(sql`SELECT pg_is_in_recovery() AS standby`);
  assert.equal(row?.standby, false);
});
