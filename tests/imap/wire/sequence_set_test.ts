import assert from "node:assert/strict";
import fc from "fast-check";
import { SequenceSet } from "../../../src/imap/wire/sequence_set.ts";
import { WireError } from "../../../src/imap/wire/wire_error.ts";

Deno.test("a sequence set means these numbers in a mailbox of 15", () => {
  const cases = [
    ["1", "1"],
    ["*", "15"],
    ["2,4:7,9,12:*", "2,4:7,9,12:15"], // RFC 3501 §9
    ["*:4,5:7", "4:15"],
    ["4:2", "2:4"],
    ["20:*", "15:20"], // RFC 3501 §9: includes the last message
    ["*:*", "15"],
    ["1,1,1,2", "1:2"],
    ["4294967295", "4294967295"],
    ["1:4294967295", "1:4294967295"],
  ] as const;
  for (const [text, expected] of cases) {
    assert.equal(SequenceSet.parse(text).resolve(15).toString(), expected, text);
  }
});

Deno.test("what is no sequence set is refused", () => {
  const cases = [
    "",
    "0",
    "01",
    "1,",
    ",1",
    "1:",
    ":1",
    "1:2:3",
    "1,,2",
    "4294967296",
    "99999999999",
    "a",
    "1 2",
    "-1",
    "1.5",
    "1:0",
    "**",
    "1*",
    "$,1",
    "1\n",
    "0:*",
  ]; // deno-fmt-ignore-line
  for (const text of cases) assert.throws(() => SequenceSet.parse(text), WireError, text);
});

Deno.test("highest and hasStar tell what the mailbox must have", () => {
  assert.equal(SequenceSet.parse("3,9:2,*").highest, 9);
  assert.equal(SequenceSet.parse("*").highest, 0);
  assert.ok(SequenceSet.parse("1:*").hasStar);
  assert.ok(!SequenceSet.parse("1:9").hasStar);
});

Deno.test("a set resolves to exactly the numbers that its ranges name", () => {
  const end = fc.oneof(fc.integer({ min: 1, max: 60 }).map(String), fc.constant("*"));
  const range = fc.oneof(end, fc.tuple(end, end).map(([a, b]) => `${a}:${b}`));
  const set = fc.array(range, { minLength: 1, maxLength: 12 }).map((ranges) => ranges.join(","));
  fc.assert(fc.property(set, fc.integer({ min: 1, max: 40 }), (text, max) => {
    const parsed = SequenceSet.parse(text);
    assert.equal(parsed.toString().replace(/(\b\d+|\*):\1(?=,|$)/g, "$1"), normal(text));
    assert.deepEqual([...parsed.resolve(max).values()], model(text, max));
  }));
});

Deno.test("a set costs its ranges, not what they span", () => {
  const text = Array.from({ length: 10_000 }, () => "1:4294967295").join(",");
  assert.equal(SequenceSet.parse(text).resolve(100).ranges.length, 1);
});

function normal(text: string): string {
  return text.replace(/(\b\d+|\*):\1(?=,|$)/g, "$1");
}

function model(text: string, max: number): number[] {
  const numbers = new Set<number>();
  for (const range of text.split(",")) {
    const [a = 0, b = a] = range.split(":").map((end) => end === "*" ? max : Number(end));
    for (let n = Math.min(a, b); n <= Math.max(a, b); n++) numbers.add(n);
  }
  return [...numbers].sort((a, b) => a - b);
}
