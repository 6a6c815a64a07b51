import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { prefetched } from "../../../src/imap/view/prefetched.ts";

const MIB = 1024 * 1024;

/** Loads numbers after as many ms, and remembers how much was held at most. */
function loader(costBytes: (n: number) => number) {
  const seen = { flying: 0, mostFlying: 0, held: 0, mostHeld: 0 };
  return {
    seen,
    costBytes,
    load: async (n: number) => {
      seen.flying++;
      seen.held += costBytes(n);
      seen.mostFlying = Math.max(seen.mostFlying, seen.flying);
      seen.mostHeld = Math.max(seen.mostHeld, seen.held);
      await delay(Math.abs(n) % 4);
      seen.flying--;
      if (n < 0) throw new Error(`no ${n}`);
      return n;
    },
  };
}

Deno.test("prefetched() keeps the order and reads at most eight at a time", async () => {
  const numbers = Array.from({ length: 50 }, (_, i) => 50 - i);
  const loading = loader(() => 1);
  const got: number[] = [];
  for await (const n of prefetched(numbers, loading)) {
    got.push(n);
    loading.seen.held--;
  }
  assert.deepEqual(got, numbers);
  assert.equal(loading.seen.mostFlying, 8);
});

Deno.test("prefetched() holds 4 MiB, or one that is larger", async () => {
  const sizes = [1, 1, 1, 1, 1, 9, 1, 3, 3, 1];
  const loading = loader((n) => n * MIB);
  for await (const n of prefetched(sizes, loading)) loading.seen.held -= n * MIB;
  assert.equal(loading.seen.mostHeld, 9 * MIB);
});

Deno.test("prefetched() throws a failure in its turn, and waits for what is under way", async () => {
  const loading = loader(() => 1);
  const got: number[] = [];
  await assert.rejects(async () => {
    for await (const n of prefetched([3, 2, -1, 3, 3], loading)) got.push(n);
  }, /no -1/);
  assert.deepEqual(got, [3, 2]);
  assert.equal(loading.seen.flying, 0);
  for await (const n of prefetched([1, 3, 3], loading)) if (n === 1) break;
  assert.equal(loading.seen.flying, 0);
});
