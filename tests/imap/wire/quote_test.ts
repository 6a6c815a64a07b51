import assert from "node:assert/strict";
import fc from "fast-check";
import {
  renderAstring,
  renderMailbox,
  renderNstring,
  renderString,
} from "../../../src/imap/wire/quote.ts";
import { Scanner } from "../../../src/imap/wire/scanner.ts";

Deno.test("strings are rendered in the shortest form that every client reads", () => {
  const cases = [
    [renderAstring("simple"), "simple"],
    [renderAstring(""), '""'],
    [renderAstring("NIL"), '"NIL"'],
    [renderAstring("two words"), '"two words"'],
    [renderString('a"b\\c'), '"a\\"b\\\\c"'],
    [renderString("line\r\nend"), "{9}\r\nline\r\nend"],
    [renderString("\xe9"), "{1}\r\n\xe9"],
    [renderString("a\0b"), "{3}\r\na?b"],
    [renderString("x".repeat(1_001)), `{1001}\r\n${"x".repeat(1_001)}`],
    [renderNstring(null), "NIL"],
    [renderNstring("NIL"), '"NIL"'],
    [renderMailbox("Entwürfe", { utf8: false }), '"Entw&APw-rfe"'],
    [renderMailbox('a"b', { utf8: false }), '"a\\"b"'],
  ] as const;
  for (const [rendered, expected] of cases) assert.equal(rendered, expected);
});

const octets = fc.uint8Array({ maxLength: 60 }).map((bytes) => String.fromCharCode(...bytes));

Deno.test("a scanner reads back every string that was rendered", () => {
  fc.assert(
    fc.property(octets, (text) => {
      const wanted = text.replaceAll("\0", "?");
      assert.equal(scan(renderString(text)).string(), wanted);
      assert.equal(scan(renderAstring(text)).astring(), wanted);
      assert.equal(scan(renderNstring(text)).nstring(), wanted);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("no mailbox name can end its line or its string", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (name) => {
    const rendered = renderMailbox(name, { utf8: false });
    assert.match(rendered, /^[\x20-\x7e]*$/);
    const scanner = scan(rendered);
    scanner.quoted();
    scanner.end();
  }));
});

function scan(text: string): Scanner {
  return new Scanner(text);
}
