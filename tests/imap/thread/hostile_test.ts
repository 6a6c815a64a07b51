import assert from "node:assert/strict";
import type { Steps } from "../../../src/lib/steps.ts";
import type { ModelMessage } from "./naive_threads.ts";
import { threadOf } from "./thread_of.ts";

/*
 * References that somebody made to be slow. There is no clock here: what is not linear, or nearly,
 * takes minutes, and what recurses ends in a stack overflow.
 */
const MANY = 50_000;
const PIECE = 5_000;
/** RFC 5256 references that the store keeps of one message. */
const REFERENCES = 100;

type Shape = (n: number) => Pick<ModelMessage, "id" | "references">;

const shapes: Readonly<Record<string, Shape>> = {
  "a chain": (n) => ({ id: `${n}`, references: n === 0 ? [] : [`${n - 1}`] }),
  "a chain from its end": (n) => ({ id: `${n}`, references: [`${n + 1}`] }),
  "a ring": (n) => ({ id: `${n}`, references: [`${(n + 1) % MANY}`] }),
  "two messages that refer to each other, often": (n) => ({
    id: `${n % 2}`,
    references: [`${(n + 1) % 2}`],
  }),
  "one id for all": () => ({ id: "same", references: ["same"] }),
  "no ids": () => ({ id: null, references: [] }),
  "one parent for all": (n) => ({ id: `${n}`, references: ["parent"] }),
  "a chain of missing messages, all hang on its end": (n) => ({
    id: `m${n}`,
    references: n % 2 === 0 ? [`${n}`, `${n + 2}`] : [`${MANY}`],
  }),
  "trees of two below the end of a chain": (n) => ({
    id: `${n}`,
    references: n < MANY / 2 ? [`${n - 1}`] : [`${MANY / 2 - 1}`, `x${n}`, `y${n}`],
  }),
  "links that are made and broken": (n) => ({
    id: `${n}`,
    references: [`${n + 2}`, `${n + 1}`, `${n + 3}`],
  }),
  "a comb: every message of a chain has another reply": (n) => ({
    id: `${n}`,
    references: n % 2 === 0 ? [`${n - 2}`] : [`${n - 1}`],
  }),
};

for (const [what, shape] of Object.entries(shapes)) {
  Deno.test(`THREAD of ${MANY} messages: ${what}`, () => {
    const messages = Array.from({ length: MANY }, (_, n) => ({
      ...shape(n),
      date: n * 7919 % 1000,
      subject: n % 3 === 0 ? "s" : `${n}`,
      isReply: n % 2 === 0,
    }));
    for (const algorithm of ["REFERENCES", "REFS"] as const) {
      const threads = threadOf(algorithm, messages, { piece: PIECE });
      const numbers = new Set(threads.match(/\d+/g));
      assert.equal(numbers.size, MANY);
      assert.equal(depthOf(threads) <= MANY, true);
    }
  });
}

Deno.test("THREAD pauses often, however many references there are", () => {
  const messages = Array.from({ length: 2_000 }, (_, n) => ({
    id: `${n}`,
    references: Array.from({ length: REFERENCES }, (_, at) => `${n}-${at}`),
    date: 0,
    subject: "",
    isReply: false,
  }));
  let pauses = 0;
  const run = <T>(steps: Steps<T>): T => {
    for (let step = steps.next();; pauses++, step = steps.next()) if (step.done) return step.value;
  };
  threadOf("REFERENCES", messages, { piece: messages.length, run });
  assert.ok(pauses > messages.length * REFERENCES / 5_000, `${pauses} pauses`);
});

Deno.test("THREAD: more message ids than anybody has are refused", () => {
  const references = (n: number) => Array.from({ length: REFERENCES }, (_, at) => `${n}-${at}`);
  const messages = Array.from({ length: 11_000 }, (_, n) => ({
    id: `${n}`,
    references: references(n),
    date: 0,
    subject: "",
    isReply: false,
  }));
  assert.throws(() => threadOf("REFS", messages, { piece: 1_000 }), { message: "limit" });
});

/** Parentheses are balanced, and there are at most so many at once. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const character of text) {
    if (character === "(") deepest = Math.max(deepest, ++depth);
    if (character === ")") depth--;
    assert.ok(depth >= 0);
  }
  assert.equal(depth, 0);
  return deepest;
}
