import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, fromBinary, toBinary } from "../../src/lib/bytes.ts";
import { DotDecoder } from "../../src/lmtp/wire/dot_decoder.ts";

interface Result {
  readonly message: string;
  /** What is behind the end; null when no end was found. */
  readonly rest: string | null;
}

/** Runs the decoder over a text cut into blocks of these sizes, in turn. */
function decode(text: string, sizes: readonly number[]): Result {
  const bytes = fromBinary(text);
  const decoder = new DotDecoder();
  const pieces: Uint8Array[] = [];
  let turn = 0;
  for (let at = 0; at < bytes.length; turn++) {
    const block = bytes.slice(at, at + (sizes[turn % sizes.length] ?? 1));
    const { pieces: more, end } = decoder.push(block);
    pieces.push(...more.map((piece) => piece.slice()));
    if (end >= 0) {
      return { message: toBinary(concat(pieces)), rest: toBinary(bytes.slice(at + end)) };
    }
    at += block.length;
  }
  return { message: toBinary(concat(pieces)), rest: null };
}

/** The rule, plainly: RFC 5321 §4.5.2 with CRLF as the only line end. */
function expected(text: string): Result {
  const end = `\r\n${text}`.indexOf("\r\n.\r\n");
  const body = end < 0 ? text : text.slice(0, end);
  const message = `\r\n${body}`.replaceAll(/\r\n\./g, "\r\n").slice(2);
  return { message, rest: end < 0 ? null : text.slice(end + 3) };
}

Deno.test("only CRLF . CRLF ends a message", () => {
  const cases: [string, string, string | null][] = [
    ["hello\r\n.\r\n", "hello\r\n", ""],
    [".\r\n", "", ""],
    [".\r\nQUIT\r\n", "", "QUIT\r\n"],
    ["a\r\n..\r\n.\r\n", "a\r\n.\r\n", ""],
    ["..\r\n...\r\n.\r\n", ".\r\n..\r\n", ""],
    ["a\r\n.b\r\n.\r\n", "a\r\nb\r\n", ""],
    // Smuggling: CVE-2023-51764 and its relatives.
    ["a\n.\nMAIL\r\n.\r\n", "a\n.\nMAIL\r\n", ""],
    ["a\r\n.\nMAIL\r\n.\r\n", "a\r\n\nMAIL\r\n", ""],
    ["a\n.\r\nMAIL\r\n.\r\n", "a\n.\r\nMAIL\r\n", ""],
    ["a\r.\rMAIL\r\n.\r\n", "a\r.\rMAIL\r\n", ""],
    ["a\r.\r\nMAIL\r\n.\r\n", "a\r.\r\nMAIL\r\n", ""],
    ["a\r\n.\rMAIL\r\n.\r\n", "a\r\n\rMAIL\r\n", ""],
    ["a\r\n.\r\r\n.\r\n", "a\r\n\r\r\n", ""],
    ["a\r\r\n.\r\n", "a\r\r\n", ""],
    ["a\n\r\n.\r\n", "a\n\r\n", ""],
    ["a\0\r\n.\0\r\n.\r\n", "a\0\r\n\0\r\n", ""],
    [".\n", "\n", null],
    ["\r.\r\n", "\r.\r\n", null],
    ["\n.\r\n", "\n.\r\n", null],
  ];
  for (const [text, message, rest] of cases) {
    for (const sizes of [[1_000], [1], [2], [3], [2, 1]]) {
      assert.deepEqual(decode(text, sizes), { message, rest }, JSON.stringify({ text, sizes }));
    }
  }
});

Deno.test("any octets in any blocks are decoded by the rule", () => {
  const text = fc.array(fc.constantFrom("\r\n", "\r", "\n", ".", "\r\n.", "a", "\0"), {
    maxLength: 30,
  })
    .map((parts) => parts.join(""));
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(text, sizes, (given, cut) => {
      const wanted = expected(given);
      const got = decode(given, cut);
      assert.equal(got.rest, wanted.rest);
      // Without an end, a last CR behind a dot is still held back.
      if (wanted.rest !== null) assert.equal(got.message, wanted.message);
      else assert.ok(wanted.message.startsWith(got.message));
    }),
    { numRuns: 3_000, seed: 7 },
  );
});
