import assert from "node:assert/strict";
import { BackgroundJob } from "../../src/lib/background_job.ts";

Deno.test("a BackgroundJob goes on after what throws, one round at a time, until it is disposed of", async () => {
  const errors: unknown[] = [];
  const done = Promise.withResolvers<void>();
  let [rounds, running] = [0, 0];
  const job = new BackgroundJob({
    firstMs: 0,
    round: async () => {
      assert.equal(++running, 1);
      await Promise.resolve();
      running--;
      if (++rounds % 2 === 0) throw new Error(`round ${rounds}`);
      if (rounds === 9) done.resolve();
      return 0;
    },
    failed: (error) => {
      errors.push(error);
      return 0;
    },
  });
  await done.promise;
  await job[Symbol.asyncDispose]();
  assert.ok(errors.length >= 4);
  const ended = rounds;
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(rounds, ended);
});

Deno.test("a BackgroundJob that is disposed of ends its rest, and waits for its round", async () => {
  const begun = Promise.withResolvers<void>();
  const failures: unknown[] = [];
  let isEnded = false;
  const job: BackgroundJob = new BackgroundJob({
    firstMs: 0,
    round: async () => {
      begun.resolve();
      await job.rest(3_600_000);
      await job.rest(3_600_000, AbortSignal.abort());
      isEnded = true;
      throw new Error("stopped");
    },
    failed: (error) => failures.push(error),
  });
  await begun.promise;
  await job[Symbol.asyncDispose]();
  assert.ok(isEnded);
  assert.deepEqual(failures, [], "who is stopped has not failed");
  await using never = new BackgroundJob({
    firstMs: 3_600_000,
    round: () => assert.fail("too early"),
    failed: () => assert.fail("too early"),
  });
  await never.rest(3_600_000, AbortSignal.abort());
});
