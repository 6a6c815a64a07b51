import assert from "node:assert/strict";
import fc from "fast-check";
import { type ModelMessage, naiveThreads } from "./naive_threads.ts";
import { threadOf } from "./thread_of.ts";

const ALGORITHMS = ["ORDEREDSUBJECT", "REFERENCES", "REFS"] as const;

function message(
  id: string | null,
  references: readonly string[] = [],
  fields: Partial<ModelMessage> = {},
): ModelMessage {
  return { id, references, date: 0, subject: "", isReply: false, ...fields };
}

const references: readonly (readonly [what: string, readonly ModelMessage[], string])[] = [
  ["nothing", [], ""],
  ["RFC 5256 §3: no references", [message("a"), message(null)], "(1)(2)"],
  [
    "a chain, in any order",
    [message("c", ["a", "b"]), message("a"), message("b", ["a"])],
    "(2 3 1)",
  ],
  ["two replies", [message("a"), message("b", ["a"]), message("c", ["a"])], "(1 (2)(3))"],
  ["RFC 5256 §4: a missing parent", [message("b", ["a"]), message("c", ["a"])], "((1)(2))"],
  ["a missing parent with one child", [message("b", ["a"])], "(1)"],
  ["a missing message in the middle", [message("a"), message("c", ["a", "b"])], "(1 2)"],
  [
    "missing messages above each other",
    [message("c", ["a", "b"]), message("d", ["a", "b"]), message("e", ["a"])],
    "((1)(2)(3))",
  ],
  [
    "children of missing siblings join",
    [message("x", ["a", "b"]), message("y", ["a", "c"])],
    "((1)(2))",
  ],
  ["the last reference wins", [message("c", ["a", "b"]), message("b", ["d"])], "(2 1)"],
  [
    "a message without references loses its parent",
    [message("c", ["a", "b"]), message("b")],
    "(2 1)",
  ],
  ["a loop of two", [message("a", ["b"]), message("b", ["a"])], "(2 1)"],
  ["its own parent", [message("a", ["a"]), message("b", ["b", "b"])], "(1)(2)"],
  ["the same id again", [message("a"), message("a"), message("b", ["a"])], "(1 3)(2)"],
  ["case matters in ids", [message("a"), message("b", ["A"])], "(1)(2)"],
  ["siblings by date", [
    message("a"),
    message("b", ["a"], { date: 3 }),
    message("c", ["a"], { date: 2 }),
    message("d", ["a"], { date: 3 }),
  ], "(1 (3)(2)(4))"],
  ["threads by the date of the head", [
    message("a", [], { date: 5 }),
    message("b", ["x"], { date: 9 }),
    message("c", ["x"], { date: 4 }),
  ], "((3)(2))(1)"],
];

for (const [what, messages, threads] of references) {
  Deno.test(`THREAD REFERENCES: ${what}`, () => {
    assert.equal(threadOf("REFERENCES", messages), threads);
  });
}

Deno.test("THREAD REFERENCES: the examples of RFC 5256 §4", () => {
  const parents = new Map([[6, 3], [4, 6], [23, 4], [44, 6], [7, 44], [96, 7]]);
  const numbers = [2, 3, 4, 6, 7, 23, 44, 96];
  const messages = numbers.map((number) =>
    message(`${number}`, parents.has(number) ? [`${parents.get(number)}`] : [])
  );
  const threads = threadOf("REFERENCES", messages)
    .replace(/\d+/g, (position) => `${numbers[Number(position) - 1]}`);
  assert.equal(threads, "(2)(3 6 (4 23)(44 7 96))");
});

const subject = (subject: string, isReply = false, fields: Partial<ModelMessage> = {}) =>
  message(null, [], { subject, isReply, ...fields });

const merging: readonly (readonly [what: string, readonly ModelMessage[], string])[] = [
  ["a reply goes below", [subject("s"), subject("s", true)], "(1 2)"],
  ["an earlier reply too", [subject("s", true), subject("s")], "(2 1)"],
  ["two that are no replies become siblings", [subject("s"), subject("s")], "((1)(2))"],
  ["so do two replies", [subject("s", true), subject("s", true)], "((1)(2))"],
  ["a third joins them", [subject("s"), subject("s"), subject("s")], "((1)(2)(3))"],
  ["a reply to two", [subject("s"), subject("s"), subject("s", true)], "((1)(2)(3))"],
  ["empty subjects never join", [subject(""), subject("", true)], "(1)(2)"],
  ["other subjects do not join", [subject("s"), subject("t", true)], "(1)(2)"],
  ["two missing parents", [
    message("a", ["x"], { subject: "s" }),
    message("b", ["x"], { subject: "t" }),
    message("c", ["y"], { subject: "s" }),
    message("d", ["y"], { subject: "u" }),
  ], "((1)(2)(3)(4))"],
  ["a missing parent takes a message", [
    subject("s"),
    message("a", ["x"], { subject: "s" }),
    message("b", ["x"]),
  ], "((1)(2)(3))"],
];

for (const [what, messages, threads] of merging) {
  Deno.test(`THREAD REFERENCES, subjects: ${what}`, () => {
    assert.equal(threadOf("REFERENCES", messages), threads);
  });
  Deno.test(`THREAD REFS does not look at subjects: ${what}`, () => {
    const without = messages.map((each) => ({ ...each, subject: "" }));
    assert.equal(threadOf("REFS", messages), threadOf("REFS", without));
  });
}

Deno.test("THREAD REFS: threads by their latest message", () => {
  const messages = [
    message("a", [], { date: 1 }),
    message("b", [], { date: 2 }),
    message("c", ["a"], { date: 3 }),
  ];
  assert.equal(threadOf("REFS", messages), "(2)(1 3)");
  assert.equal(threadOf("REFERENCES", messages), "(1 3)(2)");
});

Deno.test("THREAD ORDEREDSUBJECT: no grandchildren, threads by their first message", () => {
  const messages = [
    subject("b", false, { date: 3 }),
    subject("a", false, { date: 2 }),
    subject("a", true, { date: 5 }),
    subject("b", true, { date: 1 }),
    subject("b", true, { date: 4 }),
  ];
  assert.equal(threadOf("ORDEREDSUBJECT", messages), "(4 (1)(5))(2 3)");
});

const id = fc.constantFrom("a", "b", "c", "d", "e", "f", "g");
const anyMessage: fc.Arbitrary<ModelMessage> = fc.record({
  id: fc.option(id, { freq: 6 }),
  references: fc.array(id, { maxLength: 5 }),
  date: fc.nat(6),
  subject: fc.constantFrom("", "s", "s", "t"),
  isReply: fc.boolean(),
});

for (const algorithm of ALGORITHMS) {
  Deno.test(`THREAD ${algorithm} equals the naive model, and has each message once`, () => {
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 14 }), (messages) => {
        const threads = threadOf(algorithm, messages);
        assert.equal(threads, naiveThreads(algorithm, messages));
        const numbers = threads.match(/\d+/g)?.map(Number) ?? [];
        assert.deepEqual(numbers.sort((a, b) => a - b), messages.map((_, at) => at + 1));
        assert.match(threads, /^(?:\((?:[\d (]|\)(?!\d))*\))*$/);
      }),
      { numRuns: 2_000 },
    );
  });
}
