import assert from "node:assert/strict";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { Database } from "../../src/store/database.ts";
import { type Sql, sql } from "../../src/store/sql.ts";
import { testDatabase } from "../support/postgres.ts";

const observe = { log: logger("test"), metrics: new Metrics() };

/** One connection alone, so that everything meets the same prepared statements. */
async function open() {
  const test = await testDatabase();
  const write = { ...test.config.write, maxConnections: 2 };
  const db = await Database.open({ ...test.config, write }, observe);
  return {
    db,
    async [Symbol.asyncDispose]() {
      await db[Symbol.asyncDispose]();
      await test[Symbol.asyncDispose]();
    },
  };
}

const nasty = ["", "NULL", "{}", 'a"b', "a\\b", "a,b", " a ", "ü𝒳", "line\nline", "'"];

const values: Record<string, { readonly value: unknown; readonly as: Sql; readonly is?: unknown }> =
  {
    text: { value: "plain", as: sql`text` },
    "a text like NULL": { value: "NULL", as: sql`text` },
    "no value": { value: undefined, as: sql`text`, is: null },
    "a number beyond 32 bits": { value: 2 ** 53 - 1, as: sql`bigint` },
    "a fraction": { value: -0.25, as: sql`float8` },
    "a bigint": { value: 7n, as: sql`bigint`, is: 7 },
    "a boolean": { value: false, as: sql`boolean` },
    octets: { value: Uint8Array.of(0, 92, 255), as: sql`bytea` },
    "octets within others": { value: Uint8Array.of(9, 1, 2, 9).subarray(1, 3), as: sql`bytea` },
    "a date": { value: new Date("2026-03-04T05:06:07.089Z"), as: sql`timestamptz` },
    texts: { value: nasty, as: sql`text[]` },
    "texts and nothing": { value: ["a", null, undefined], as: sql`text[]`, is: ["a", null, null] },
    "no texts": { value: [], as: sql`text[]` },
    numbers: { value: [1, -2, null], as: sql`int[]` },
    booleans: { value: [true, false], as: sql`boolean[]` },
  };

Deno.test("values come back as they were sent", async (t) => {
  await using it = await open();
  for (const [name, { value, as, is = value }] of Object.entries(values)) {
    await t.step(name, async () => {
      const [row] = await it.db.query<{ value: unknown }>(sql`SELECT ${value}::${as} AS value`);
      assert.deepEqual(row?.value, is);
    });
  }
  await t.step("octets in arrays", async () => {
    const octets = [Uint8Array.of(0, 1), null, Uint8Array.of()];
    const rows = await it.db.query<{ one: Uint8Array | null }>(
      sql`SELECT one FROM unnest(${octets}::bytea[]) AS one`,
    );
    assert.deepEqual(rows.map(({ one }) => one), octets);
  });
  await t.step("dates in arrays", async () => {
    const date = new Date("2026-03-04T05:06:07.089Z");
    const rows = await it.db.query(sql`SELECT one FROM unnest(${[date]}::timestamptz[]) AS one`);
    assert.deepEqual(rows, [{ one: date }]);
  });
});

Deno.test("what is no value is refused before anything is sent", async () => {
  await using it = await open();
  for (const value of [{}, () => {}, Symbol("x"), new Date(NaN), [{}]]) {
    const run = it.db.query(sql`SELECT ${value}::text AS never`);
    await assert.rejects(run, (error) => error instanceof TypeError || error instanceof RangeError);
  }
  assert.deepEqual(await it.db.query(sql`SELECT 1 AS one`), [{ one: 1 }]);
});

Deno.test("a statement answers the same each time, whatever it was that it answered first", async (t) => {
  await using it = await open();
  const run = (n: number) =>
    it.db.query(sql`SELECT n, n * 2 AS twice FROM generate_series(1, ${n}::int) AS n`);
  const twice = [{ n: 1, twice: 2 }, { n: 2, twice: 4 }];
  await t.step("no rows, then some", async () => {
    assert.deepEqual([await run(0), await run(2), await run(0)], [[], twice, []]);
  });
  await t.step("many at once", async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => run(2)));
    assert.deepEqual(answers, Array(50).fill(twice));
  });
  await t.step("as objects and as arrays", async () => {
    const both = sql`SELECT 1 AS one, NULL AS nothing`;
    for (let time = 0; time < 2; time++) {
      assert.deepEqual(await it.db.query(both), [{ one: 1, nothing: null }]);
      assert.deepEqual(await it.db.query(both.asArrays()), [[1, null]]);
    }
  });
  await t.step("one that fails between", async () => {
    const divide = (by: number) => it.db.query(sql`SELECT 6 / ${by}::int AS result`);
    await assert.rejects(divide(0), { code: "22012" });
    assert.deepEqual(await divide(3), [{ result: 2 }]);
    await assert.rejects(divide(0), { code: "22012" });
    assert.deepEqual(await divide(2), [{ result: 3 }]);
  });
  await t.step("one that cannot be parsed", async () => {
    const wrong = () => it.db.query(sql`SELECT FROM WHERE`);
    for (let time = 0; time < 2; time++) await assert.rejects(wrong(), { code: "42601" });
  });
  await t.step("one without rows", async () => {
    await it.db.transaction(async (tx) => {
      await tx.script("CREATE TABLE numbers (n int)");
      for (const n of [1, 2, 3]) {
        assert.deepEqual(await tx.query(sql`INSERT INTO numbers VALUES (${n})`), []);
      }
      assert.deepEqual(await tx.query(sql`SELECT n FROM numbers`), [{ n: 1 }, { n: 2 }, { n: 3 }]);
    });
  });
});

Deno.test("a table that changes under a prepared statement: its rows are those of the new columns", async () => {
  await using it = await open();
  await it.db.transaction((tx) => tx.script("CREATE TABLE t AS SELECT 'a' AS first"));
  const all = () => it.db.query(sql`SELECT * FROM t`);
  assert.deepEqual(await all(), [{ first: "a" }]);
  await it.db.transaction((tx) => tx.script("ALTER TABLE t ADD second text DEFAULT 'b'"));
  assert.deepEqual(await all(), [{ first: "a", second: "b" }]);
});
