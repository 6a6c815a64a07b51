import assert from "node:assert/strict";
import { embeddedConfig } from "../../src/config/embedded.ts";
import type { Config } from "../../src/config/config.ts";
import { sessionCounts } from "../../src/app/shared_admission.ts";
import { WorkerPool } from "../../src/app/worker_pool.ts";
import type { WorkerSettings } from "../../src/app/worker_protocol.ts";
import type { Log } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { sumMetrics } from "../../src/observe/sum_metrics.ts";

/** A pool of probe workers, and what it reported. */
function probes(size: number, settings: Partial<Config> = {}) {
  const heard: [event: string, fields: unknown][] = [];
  const gone: number[] = [];
  const changed: { resolve: () => void } = { resolve: () => {} };
  const hear = (event: string, fields?: unknown): void => {
    heard.push([event, fields]);
    changed.resolve();
  };
  const log: Log = { debug: hear, info: hear, warning: hear, error: hear, with: () => log };
  const metrics = new Metrics();
  const embedded = embeddedConfig("unused");
  const pool = new WorkerPool({
    size,
    restartMinMs: 10,
    spawn: () => new Worker(new URL("./probe_worker.ts", import.meta.url), { type: "module" }),
    start: (worker, number) => {
      const config = { ...embedded, servers: [], ...settings } as WorkerSettings["config"];
      const folders = { bodies: "", spool: "" };
      const counts = sessionCounts(1, 1);
      const { port1, port2 } = new MessageChannel();
      port1.close();
      return worker.start({ number, workers: size, config, folders, staging: null, counts }, port2);
    },
    onGone: (number) => void gone.push(number),
    onHung: () => {},
    onLog: (entries) => entries.forEach(({ event, fields }) => hear(event, fields)),
    log,
    metrics,
  });
  const until = async (event: string, times = 1): Promise<void> => {
    while (heard.filter(([name]) => name === event).length < times) {
      await new Promise<void>((resolve) => changed.resolve = resolve);
    }
  };
  return { pool, heard, gone, metrics, until };
}

Deno.test("WorkerPool starts its workers, passes their log on and sums their metrics", async () => {
  const { pool, heard, until } = probes(2);
  await using _pool = pool;
  await pool.start();
  await until("started", 2);
  assert.equal(pool.serving.length, 2);
  const numbers = heard.map(([, fields]) => (fields as { number: number }).number);
  assert.deepEqual(numbers.sort(), [1, 2]);
  const text = await sumMetrics(await pool.snapshots());
  assert.match(text, /\nsora_commands_total\{protocol="imap",command="NOOP",status="ok"\} 3\n/);
});

for (const how of ["debug", "warning"] as const) {
  const what = how === "debug" ? "throws" : "rejects";
  Deno.test(`WorkerPool starts a worker again that ${what}; the other goes on`, async () => {
    const { pool, gone, metrics, until, heard } = probes(2);
    await using _pool = pool;
    await pool.start();
    const other = pool.remote(2);
    await pool.remote(1)?.setLogLevel(how).catch(() => {});
    await until("worker-restarted");
    assert.deepEqual(gone, [1]);
    assert.equal(pool.serving.length, 2);
    assert.equal(pool.remote(2), other);
    const crash = heard.find(([event]) => event === "worker-crashed");
    assert.match(String((crash?.[1] as { error: Error }).error.message), /on demand/);
    const text = await metrics.registry.metrics();
    assert.match(text, /\nsora_worker_restarts_total 1\n/);
    assert.match(text, /\nsora_workers_current 2\n/);
  });
}

Deno.test("WorkerPool waits longer before each restart of a worker that keeps crashing", async () => {
  const { pool, heard, until } = probes(1);
  await using _pool = pool;
  await pool.start();
  for (let crash = 1; crash <= 3; crash++) {
    await pool.remote(1)?.setLogLevel("debug").catch(() => {});
    await until("worker-restarted", crash);
  }
  const pauses = heard.filter(([event]) => event === "worker-crashed")
    .map(([, fields]) => (fields as { restartInMs: number }).restartInMs);
  assert.deepEqual(pauses, [10, 20, 40]);
});

Deno.test("WorkerPool.start() fails when every worker fails, with their words", async () => {
  const { pool } = probes(2, { dataDir: "fail" });
  await using _pool = pool;
  await assert.rejects(pool.start(), /failed on demand/);
});

Deno.test("WorkerPool.start() goes on with those that start, and tries the others again", async () => {
  const { pool, until } = probes(2, { dataDir: "fail-1" });
  await using _pool = pool;
  await pool.start();
  assert.equal(pool.serving.length, 1);
  await until("worker-crashed", 2);
  assert.equal(pool.serving.length, 1);
});

Deno.test("WorkerPool.drain() adds up what became of the sessions and ends the workers", async () => {
  const { pool, metrics } = probes(2);
  await pool.start();
  assert.deepEqual(await pool.drain(1_000), { ended: 4, cut: 2 });
  assert.equal(pool.serving.length, 0);
  assert.match(await metrics.registry.metrics(), /\nsora_workers_current 0\n/);
});
