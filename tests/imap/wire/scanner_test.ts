import assert from "node:assert/strict";
import { Framer } from "../../../src/imap/wire/framer.ts";
import { NESTING_MAX, Scanner } from "../../../src/imap/wire/scanner.ts";
import { WireError } from "../../../src/imap/wire/wire_error.ts";
import { fromBinary } from "../../../src/lib/bytes.ts";
import { Refused } from "../../../src/lib/refused.ts";

type Rule = (wire: Scanner) => unknown;

const atom: Rule = (wire) => wire.atom();
const astring: Rule = (wire) => wire.astring();
const string: Rule = (wire) => wire.string();
const nstring: Rule = (wire) => wire.nstring();
const mailbox: Rule = (wire) => wire.mailbox();
const number: Rule = (wire) => wire.number();
const nzNumber: Rule = (wire) => wire.nzNumber();
const flagList: Rule = (wire) => wire.flagList();
const set: Rule = (wire) => wire.sequenceSet().toString();
const date: Rule = (wire) => wire.date().toISOString().slice(0, 10);
const dateTime: Rule = (wire) => wire.dateTime().toISOString();
const list: Rule = (wire) => wire.list(() => wire.atom());

/** What each rule reads; `undefined` where it must not read anything. */
const examples: readonly (readonly [rule: Rule, text: string, value: unknown])[] = [
  [atom, "a", "a"],
  [atom, "A142.+-x", "A142.+-x"],
  [atom, "a]", undefined],
  [atom, "", undefined],
  [atom, "(a)", undefined],
  [atom, "\xe9", undefined],
  [atom, "a\x7f", undefined],
  [astring, "a]b", "a]b"],
  [astring, '""', ""],
  [astring, '"a b"', "a b"],
  [astring, '"\\"\\\\"', '"\\'],
  [astring, '"a\\b"', undefined],
  [astring, '"open', undefined],
  [astring, '"a\0b"', undefined],
  [astring, '"a\rb"', undefined],
  [astring, '"\xc3\xa9"', "\xc3\xa9"],
  [astring, "{3}\r\na\r\n", "a\r\n"],
  [astring, "{3+}\r\nabc", "abc"],
  [astring, "{3-}\r\nabc", "abc"],
  [astring, "{0}\r\n", ""],
  [astring, "~{3+}\r\nabc", "abc"],
  [astring, "{1}\r\n\0", undefined],
  [astring, "{9}\r\nab", undefined],
  [astring, "{1e1}", undefined],
  [astring, "{-1}", undefined],
  [astring, "a%b", undefined],
  [string, "abc", undefined],
  [nstring, "NIL", null],
  [nstring, "nil", null],
  [nstring, '"NIL"', "NIL"],
  [mailbox, "inBox", "INBOX"],
  [mailbox, '"INBOX"', "INBOX"],
  [mailbox, "Entw&APw-rfe", "Entwürfe"],
  [mailbox, '"e&AwE-"', "é"], // NFC
  [number, "0", 0],
  [number, "4294967295", 4_294_967_295],
  [number, "4294967296", undefined],
  [number, "-1", undefined],
  [number, "12345678901", undefined],
  [nzNumber, "0", undefined],
  [nzNumber, "7", 7],
  [flagList, "()", { flags: 0, keywords: [] }],
  [flagList, "(\\Seen \\DELETED)", { flags: 9, keywords: [] }],
  [flagList, "(\\Recent \\Unknown)", { flags: 0, keywords: [] }],
  [flagList, "($Junk $junk NIL)", { flags: 0, keywords: ["$Junk"] }],
  [flagList, "(__proto__ constructor)", { flags: 0, keywords: ["__proto__", "constructor"] }],
  [flagList, "(\\)", undefined],
  [flagList, "(\\Seen", undefined],
  [flagList, "( \\Seen)", undefined],
  [set, "1:*,3", "1:*,3"],
  [set, "1:", undefined],
  [date, "1-Feb-1994", "1994-02-01"],
  [date, '"01-feb-1994"', "1994-02-01"],
  [date, "29-Feb-2024", "2024-02-29"],
  [date, "29-Feb-2023", undefined],
  [date, "0-Jan-2023", undefined],
  [date, "1-Foo-2023", undefined],
  [date, "1-Jan-0050", "0050-01-01"],
  [dateTime, '"17-Jul-1996 02:44:25 -0700"', "1996-07-17T09:44:25.000Z"],
  [dateTime, '" 7-Jul-1996 02:44:25 +0000"', "1996-07-07T02:44:25.000Z"],
  [dateTime, '"07-Jul-1996 24:00:00 +0000"', undefined],
  [dateTime, '"07-Jul-1996 02:44:25 +2400"', undefined],
  [dateTime, '"07-Jul-1996 02:44:25"', undefined],
  [dateTime, '"31-Dec-2016 23:59:60 +0000"', "2017-01-01T00:00:00.000Z"],
  [list, "(a)", ["a"]],
  [list, "(a b c)", ["a", "b", "c"]],
  [list, "()", undefined],
  [list, "(a ", undefined],
];

Deno.test("each rule reads exactly what the grammar says", () => {
  for (const [rule, text, value] of examples) check(rule, { text, value, line: text });
});

Deno.test("each rule reads the same from a command that came octet by octet", () => {
  for (const [rule, text, value] of examples) {
    const octets = fromBinary(`${text}\r\n`);
    const [line] = frames(Array.from(octets, (octet) => Uint8Array.of(octet)));
    if (line !== undefined) check(rule, { text, value, line });
    else assert.equal(value, undefined, text);
  }
});

Deno.test("each rule reads the same when the next command follows at once", () => {
  for (const [rule, text, value] of examples) {
    const [line, next] = frames([fromBinary(`${text}\r\na2 NOOP\r\n`)]);
    if (line !== undefined) check(rule, { text, value, line });
    if (value !== undefined) assert.equal(next, "a2 NOOP", text);
  }
});

Deno.test("a name that no mailbox can have is refused, not BAD", () => {
  for (const text of ['"a&b"', '"\xe9"', '"&AAA"', '"a\x01"']) {
    assert.throws(() => new Scanner(text).mailbox(), Refused, text);
  }
});

Deno.test("a client that has enabled UTF-8 names mailboxes in it, and nothing else", () => {
  const utf8 = (text: string) => new Scanner(text, { utf8: true });
  assert.equal(utf8('"\xc3\xa9"').mailbox(), "é");
  assert.equal(utf8("{2+}\r\n\xc3\xa9").mailbox(), "é");
  assert.equal(utf8('"e\xcc\x81"').mailbox(), "é"); // NFC
  assert.equal(utf8('"a&b"').mailbox(), "a&b");
  assert.equal(utf8("&AOk-").mailbox(), "&AOk-");
  assert.equal(utf8("inbox").mailbox(), "INBOX");
  assert.equal(utf8('"\xc3\xa9*"').listMailbox(), "é*");
  assert.equal(utf8("{1+}\r\n\xff").listMailbox(), null);
  for (const text of ['"\xff"', '"\xc3"', "{1+}\r\n\xff", '"\xed\xa0\x80"', '"\xc0\xaf"']) {
    assert.throws(() => utf8(text).mailbox(), WireError, text);
  }
  assert.throws(() => utf8('"\xff"').string(), WireError); // RFC 6855 §3
  assert.equal(new Scanner('"\xc3\xa9"').mailbox(), "é");
  assert.equal(new Scanner("&AOk-").mailbox(), "é");
});

Deno.test("an error names the rule and the place, never the client's text", () => {
  assert.throws(() => new Scanner("a1 FETCH x").tag() && new Scanner("\x01<b>").atom(), {
    name: "WireError",
    message: "Expected atom at octet 0",
  });
});

Deno.test("nesting ends before the stack does", () => {
  const wire = new Scanner("(".repeat(1_000_000));
  let depth = 0;
  assert.throws(() => {
    for (;;) {
      wire.open();
      depth++;
    }
  }, WireError);
  assert.equal(depth, NESTING_MAX);
});

Deno.test("a literal that has not come yet makes the command incomplete, not wrong", () => {
  const incomplete = (text: string) => {
    try {
      new Scanner(text).mailbox();
      return false;
    } catch (error) {
      return error instanceof WireError && error.incomplete;
    }
  };
  assert.ok(incomplete("{5}\r\n"));
  assert.ok(incomplete("{5}\r\nabc"));
  assert.ok(!incomplete("{5"));
  assert.ok(!incomplete("(x"));
});

function check(
  rule: Rule,
  { text, value, line }: { readonly text: string; readonly value: unknown; readonly line: string },
): void {
  const read = () => {
    const wire = new Scanner(line);
    const result = rule(wire);
    wire.end();
    return result;
  };
  if (value === undefined) assert.throws(read, WireError, JSON.stringify(text));
  else assert.deepEqual(read(), value, JSON.stringify(text));
}

/** The commands in these chunks; every literal is accepted. */
function frames(chunks: readonly Uint8Array[]): string[] {
  const framer = new Framer();
  const commands: string[] = [];
  for (const chunk of chunks) {
    framer.push(chunk);
    for (let event = framer.next(); event; event = framer.next()) {
      if (event.kind === "literal") framer.accept();
      if (event.kind === "command") commands.push(event.text);
    }
  }
  return commands;
}
