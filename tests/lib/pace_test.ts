import assert from "node:assert/strict";
import { inTurns, Pace } from "../../src/lib/pace.ts";
import { atOnce, type Steps } from "../../src/lib/steps.ts";

/** Longer than the turn that a pace allows. */
const WORK_MS = 12;

function work(): void {
  for (const end = performance.now() + WORK_MS; performance.now() < end;);
}

/** Counts turns of the event loop until it is disposed. */
function countTurns(): Disposable & { readonly turns: number } {
  let turns = 0;
  let next = setTimeout(function count() {
    turns++;
    next = setTimeout(count, 0);
  }, 0);
  return {
    get turns() {
      return turns;
    },
    [Symbol.dispose]: () => clearTimeout(next),
  };
}

Deno.test("a loop that works for long lets timers run", async () => {
  using counter = countTurns();
  const pace = new Pace();
  for (let i = 0; i < 10; i++) {
    work();
    await pace.breathe();
  }
  assert.ok(counter.turns >= 5, `${counter.turns}`);
});

Deno.test("loops that share a pace do one step each in a turn, not one turn's work each", async () => {
  const pace = new Pace();
  let steps = 0;
  let most = 0;
  let inTurn = 0;
  const immediate = setInterval(() => {
    most = Math.max(most, inTurn);
    inTurn = 0;
  }, 0);
  const loop = async () => {
    for (let i = 0; i < 40; i++) {
      steps++;
      inTurn++;
      for (const end = performance.now() + 1; performance.now() < end;);
      await pace.breathe();
    }
  };
  await Promise.all(Array.from({ length: 10 }, loop));
  clearInterval(immediate);
  assert.equal(steps, 400);
  // 8 ms of steps of 1 ms, then one more of each loop; ten turns' work would be 80.
  assert.ok(most < 60, `${most}`);
});

Deno.test("a computation in steps gives the same at once and in turns", async () => {
  function* sum(): Steps<number> {
    let total = 0;
    for (let i = 0; i < 100; i++) {
      total += i;
      yield;
    }
    return total;
  }
  assert.equal(atOnce(sum()), 4_950);
  assert.equal(await inTurns(sum()), 4_950);
});
