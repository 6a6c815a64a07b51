import assert from "node:assert/strict";
import { nearest } from "../../src/lib/nearest.ts";

Deno.test("nearest() finds what was most likely meant", () => {
  const known = ["max_connections", "max_recipients", "addr", "start", "hosts"];
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["max_conections", "max_connections"],
    ["max-connections", "max_connections"],
    ["MAX_CONNECTIONS", "max_connections"],
    ["strat", "start"],
    ["adr", "addr"],
    ["host", "hosts"],
    ["zzz", undefined],
    ["", undefined],
    ["x".repeat(100_000), undefined],
  ];
  for (const [word, expected] of cases) assert.equal(nearest(word, known), expected, word);
});
