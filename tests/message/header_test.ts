import assert from "node:assert/strict";
import { fromBinary } from "../../src/lib/bytes.ts";
import { Header } from "../../src/message/header.ts";
import { utf8 } from "./support/read.ts";

const header = (text: string) => Header.parse(fromBinary(text));

const bodies: [name: string, text: string, field: string, expected: string | undefined][] = [
  ["plain", "Subject: x\r\n\r\n", "subject", "x"],
  ["any case", "SUBJECT: x\r\n", "Subject", "x"],
  ["no space", "Subject:x\r\n", "subject", "x"],
  ["much space", "Subject: \t x \t\r\n", "subject", "x"],
  ["empty", "Subject:\r\n", "subject", ""],
  ["blank", "Subject: \r\n \r\n", "subject", ""],
  ["absent", "Subject: x\r\n", "to", undefined],
  ["space before the colon", "Subject \t: x\r\n", "subject", "x"],
  ["folded", "Subject: a\r\n b\r\n\tc\r\nTo: x\r\n", "subject", "a b\tc"],
  ["folded LF", "Subject: a\n b\n", "subject", "a b"],
  ["folded at once", "Subject:\r\n x\r\n", "subject", "x"],
  ["fold with nothing in it", "Subject: a\r\n \r\n b\r\n", "subject", "a  b"],
  ["no line end", "Subject: x", "subject", "x"],
  ["the first of two", "Subject: x\r\nSubject: y\r\n", "subject", "x"],
  ["behind the blank line is body", "To: x\r\n\r\nSubject: y\r\n", "subject", undefined],
  ["behind a blank LF line too", "To: x\n\nSubject: y\n", "subject", undefined],
  ["behind a line without colon", "nonsense\r\nSubject: y\r\n", "subject", "y"],
  ["folds of a broken line are its own", "To: x\r\nnonsense\r\n y\r\n", "to", "x"],
  ["fold before any field", " fold\r\nTo: x\r\n", "to", "x"],
  ["mbox line", "From a@b Mon Jan  1 00:00:00 2001\r\nFrom: x\r\n", "from", "x"],
  ["quoted mbox line", ">From a@b 00:00:00\r\nFrom: x\r\n", "from", "x"],
  ["colon first", ": x\r\nTo: y\r\n", "to", "y"],
  ["bare CR inside", "Subject: a\rb\r\n", "subject", "a b"],
  ["CR CR LF", "Subject: a\r\r\nTo: b\r\r\n", "to", "b"],
  ["NUL inside", "Subject: a\0b\r\n", "subject", "ab"],
  ["8-bit is left alone", "Subject: \xe4\xa0\r\n", "subject", "\xe4\xa0"],
];

for (const [name, text, field, expected] of bodies) {
  Deno.test(`a field that is ${name}`, () => assert.equal(header(text).get(field), expected));
}

Deno.test("all() gives every field of a name in order", () => {
  assert.deepEqual(header("a: 1\r\nb: 2\r\nA: 3\r\n").all("A"), ["1", "3"]);
  assert.deepEqual(header("a: 1\r\n").all("b"), []);
});

Deno.test("decoded() reads words and raw 8-bit text", () => {
  const fields = header(`A: =?utf-8?Q?=C3=A4?=\r\nB: ${utf8("ä€")}\r\nC: \xe4\r\n`);
  assert.equal(fields.decoded("a"), "ä");
  assert.equal(fields.decoded("b"), "ä€");
  assert.equal(fields.decoded("c"), "ä");
  assert.equal(fields.decoded("d"), undefined);
});
