import assert from "node:assert/strict";
import { Metrics } from "../../src/observe/metrics.ts";
import type { Connection } from "../../src/store/connection.ts";
import type { Connector } from "../../src/store/connector.ts";
import { ConnectionError } from "../../src/store/database_error.ts";
import { Pool } from "../../src/store/pool.ts";

/** A pool over a server that takes so many connections. */
function poolOver(
  server: { room: number },
  { max = 10, maxConnLifetimeMs = 0, isSlow = false } = {},
) {
  const opened: Fake[] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const endpoint = { maxConnIdleMs: 1_000, minConnections: 0, maxConnLifetimeMs };
  const connect = async (): Promise<Connection> => {
    if (server.room === 0) throw new ConnectionError("sorry, too many clients already");
    server.room--;
    if (isSlow) {
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      await gate.promise;
    }
    const fake = new Fake();
    opened.push(fake);
    return fake as unknown as Connection;
  };
  const connector = { endpoint, connect } as unknown as Connector;
  const pool = new Pool(connector, { max, metrics: new Metrics(), role: "write" });
  return { pool, opened, gates };
}

class Fake {
  readonly openedAt = Date.now() - 10;
  isClosed = false;
  async close(): Promise<void> {
    this.isClosed = true;
  }
}

Deno.test("Pool goes on with the connections it has when the server takes no more", async () => {
  const { pool, opened } = poolOver({ room: 2 });
  let most = 0;
  let now = 0;
  const done = await Promise.all(Array.from({ length: 30 }, (_, n) =>
    pool.use(async () => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 1));
      now--;
      return n;
    })));
  assert.deepEqual(done, Array.from({ length: 30 }, (_, n) => n));
  assert.deepEqual([most, opened.length], [2, 2]);
});

Deno.test("Pool refuses all who wait when there is no connection at all", async () => {
  const { pool } = poolOver({ room: 0 });
  const asked = await Promise.allSettled(
    Array.from({ length: 5 }, () => pool.use(() => Promise.resolve())),
  );
  assert.ok(asked.every(({ status }) => status === "rejected"));
});

Deno.test("Pool replaces lost connections for those who wait, never more than it may have", async () => {
  const server = { room: 100 };
  const { pool, opened } = poolOver(server, { max: 2 });
  await Promise.all(Array.from({ length: 10 }, () =>
    pool.use(async (connection) => {
      assert.ok(opened.filter(({ isClosed }) => !isClosed).length <= 2);
      await connection.close();
    })));
  assert.equal(opened.length, 10);
});

Deno.test("Pool keeps connections for ever with a lifetime of 0, and renews old ones otherwise", async () => {
  for (const [maxConnLifetimeMs, expected] of [[0, 1], [5, 3], [60_000, 1]] as const) {
    const { pool, opened } = poolOver({ room: 9 }, { maxConnLifetimeMs });
    for (let n = 0; n < 3; n++) await pool.use(() => Promise.resolve());
    assert.equal(opened.length, expected);
  }
});

Deno.test("Pool.close() waits for those that are busy, that are being opened, and that end", async () => {
  const { pool, opened, gates } = poolOver({ room: 2 }, { isSlow: true });
  const work = Promise.withResolvers<void>();
  const uses = [pool.use(() => work.promise), pool.use(() => work.promise)];
  gates[0]?.resolve();
  work.resolve();
  await Promise.all(uses); // Both had the first connection; the second is still on its way.
  let isClosed = false;
  const closing = pool.close().then(() => isClosed = true);
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual([opened.length, isClosed], [1, false]);
  gates[1]?.resolve();
  await closing;
  assert.deepEqual(opened.map((each) => each.isClosed), [true, true]);
});
