import assert from "node:assert/strict";
import { connectionsNeeded, divideConnections } from "../../src/app/connection_shares.ts";
import { defaultDatabase } from "../../src/config/embedded.ts";
import { endpointAt } from "../../src/store/embedded/server.ts";

Deno.test("max_connections is divided among the workers, and each gets what it needs", () => {
  const cases = [
    { max: 40, min: 4, workers: 1, worker: [36, 4] },
    { max: 40, min: 4, workers: 2, worker: [18, 2] },
    { max: 100, min: 3, workers: 8, worker: [12, 0] },
    { max: 20, min: 20, workers: 2, worker: [8, 8] },
    { max: 1, min: 0, workers: 16, worker: [5, 0] },
  ];
  for (const { max, min, workers, worker } of cases) {
    const write = { ...endpointAt("/socket"), maxConnections: max, minConnections: min };
    const replica = { ...write, maxConnections: 2 * max };
    const shares = divideConnections({ ...defaultDatabase(write), read: [replica] }, workers);
    const { maxConnections, minConnections } = shares.worker.write;
    assert.deepEqual([maxConnections, minConnections], worker);
    assert.equal(shares.supervisor.write.maxConnections, 4);
    assert.ok((shares.worker.read[0]?.maxConnections ?? 0) >= maxConnections);
    const all = 4 + workers * maxConnections;
    assert.ok(all <= Math.max(max, connectionsNeeded(workers)), `${all} of ${max}`);
  }
});
