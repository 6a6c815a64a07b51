import assert from "node:assert/strict";
import { delay } from "../../src/lib/delay.ts";

const LONG_MS = 3_600_000;

Deno.test("delay() ends with its time, or with any of its signals", async () => {
  const since = performance.now();
  await delay(20);
  assert.ok(performance.now() - since >= 15);
  const [never, later] = [new AbortController(), new AbortController()];
  await delay(LONG_MS, never.signal, AbortSignal.abort());
  const waiting = delay(LONG_MS, never.signal, later.signal);
  later.abort();
  await waiting;
  await delay(1, never.signal);
});
