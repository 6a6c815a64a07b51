import assert from "node:assert/strict";
import fc from "fast-check";
import { CircuitBreaker, type Outcome, type Settle } from "../../src/blobs/circuit_breaker.ts";

const OPEN_MS = 1_000;

function breakerAt(failures: number): { breaker: CircuitBreaker; pass: (ms: number) => void } {
  let now = 0;
  const breaker = new CircuitBreaker({ failures, openMs: OPEN_MS, now: () => now });
  return { breaker, pass: (ms) => void (now += ms) };
}

function through(breaker: CircuitBreaker): Settle {
  const settle = breaker.enter();
  assert.ok(settle, `nothing passes: ${breaker.state}`);
  return settle;
}

Deno.test("CircuitBreaker opens after failures in a row only", () => {
  const { breaker } = breakerAt(3);
  for (let i = 0; i < 10; i++) {
    for (const outcome of ["failure", "failure", "cancelled", "success"] as const) {
      through(breaker)(outcome);
    }
  }
  assert.equal(breaker.state, "closed");
  for (let i = 0; i < 3; i++) through(breaker)("failure");
  assert.equal(breaker.state, "open");
  assert.equal(breaker.enter(), null);
});

Deno.test("CircuitBreaker never counts what was cancelled", () => {
  const { breaker } = breakerAt(1);
  for (let i = 0; i < 100; i++) through(breaker)("cancelled");
  assert.equal(breaker.state, "closed");
});

Deno.test("CircuitBreaker lets one through when half-open", () => {
  for (const [outcome, after] of [["success", "closed"], ["failure", "open"]] as const) {
    const { breaker, pass } = breakerAt(1);
    through(breaker)("failure");
    pass(OPEN_MS - 1);
    assert.equal(breaker.enter(), null);
    pass(1);
    assert.equal(breaker.state, "half-open");
    const probe = through(breaker);
    assert.equal(breaker.enter(), null);
    probe(outcome);
    assert.equal(breaker.state, after);
  }
});

Deno.test("CircuitBreaker gives the turn of a cancelled probe to the next", () => {
  const { breaker, pass } = breakerAt(1);
  through(breaker)("failure");
  pass(OPEN_MS);
  through(breaker)("cancelled");
  through(breaker)("success");
  assert.equal(breaker.state, "closed");
});

Deno.test("CircuitBreaker does not wait for a probe that never ends", () => {
  const { breaker, pass } = breakerAt(1);
  through(breaker)("failure");
  pass(OPEN_MS);
  const lost = through(breaker);
  pass(OPEN_MS);
  through(breaker)("success");
  assert.equal(breaker.state, "closed");
  lost("failure");
  assert.equal(breaker.state, "closed");
});

Deno.test("CircuitBreaker: a request of the time before it opened says nothing later", () => {
  const { breaker, pass } = breakerAt(1);
  const [slow, other] = [through(breaker), through(breaker)];
  through(breaker)("failure");
  slow("success");
  assert.equal(breaker.state, "open");
  pass(OPEN_MS);
  through(breaker)("success");
  other("failure");
  assert.equal(breaker.state, "closed");
});

Deno.test("CircuitBreaker never sticks, whatever happened", () => {
  const step = fc.oneof(
    fc.record({ settle: fc.constantFrom<Outcome>("success", "failure", "cancelled") }),
    fc.record({ wait: fc.nat({ max: 2 * OPEN_MS }) }),
    fc.constant({ forget: true }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (steps, max) => {
      const { breaker, pass } = breakerAt(max);
      const running: Settle[] = [];
      for (const one of steps) {
        const entered = breaker.enter();
        if (entered) running.push(entered);
        if ("wait" in one) pass(one.wait);
        else if ("settle" in one) running.shift()?.(one.settle);
        else running.shift();
      }
      pass(2 * OPEN_MS);
      through(breaker)("success");
      assert.equal(breaker.state, "closed");
    }),
    { numRuns: 500, seed: 4 },
  );
});
