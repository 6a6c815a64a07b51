import assert from "node:assert/strict";
import { ADDRESSES_MAX, parseAddresses } from "../../src/message/mailbox_address.ts";

/** name, mailbox, host; a route as a fourth; groups as strings. */
type Short = [string | null, string | null, string | null, string?] | string;

function shorten(text: string): Short[] {
  return parseAddresses(text).map(({ name, route, mailbox, host }) => {
    if (host === null) return mailbox === null ? ";" : `${mailbox}:`;
    return route === null ? [name, mailbox, host] : [name, mailbox, host, route];
  });
}

const cases: [text: string, expected: Short[]][] = [
  ["", []],
  [" , ,, ", []],
  ["joe@example.com", [[null, "joe", "example.com"]]],
  ["<joe@example.com>", [[null, "joe", "example.com"]]],
  ["Joe <joe@example.com>", [["Joe", "joe", "example.com"]]],
  ["Joe Q. Public <john.q.public@example.com>", [[
    "Joe Q. Public",
    "john.q.public",
    "example.com",
  ]]],
  ['"Joe Q. Public" <j@x>', [["Joe Q. Public", "j", "x"]]],
  ['"Giant; \\"Big\\" Box" <sysservices@example.net>', [[
    'Giant; "Big" Box',
    "sysservices",
    "example.net",
  ]]],
  ['"Doe, Joe" <j@x>, k@y', [["Doe, Joe", "j", "x"], [null, "k", "y"]]],
  ["Joe<j@x>", [["Joe", "j", "x"]]],
  ["j@x (Joe Public)", [["Joe Public", "j", "x"]]],
  ["j@x (Joe (the) Public)", [["Joe (the) Public", "j", "x"]]],
  ["Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", [[
    "Pete",
    "pete",
    "silly.test",
  ]]],
  ["(only a comment) <j@x>", [["only a comment", "j", "x"]]],
  ["=?utf-8?Q?J=C3=B6?= Doe <j@x>", [["=?utf-8?Q?J=C3=B6?= Doe", "j", "x"]]],
  ["=?utf-8?Q?Doe,_Joe?= <j@x>, k@y", [["=?utf-8?Q?Doe,_Joe?=", "j", "x"], [null, "k", "y"]]],
  // quoted local parts
  ['"joe smith"@example.com', [[null, "joe smith", "example.com"]]],
  ['<"joe@home"@example.com>', [[null, "joe@home", "example.com"]]],
  ['""@example.com', [[null, "", "example.com"]]],
  // RFC 5322 §4.4
  ["<@a,@b:joe@example.com>", [[null, "joe", "example.com", "@a,@b"]]],
  ["Joe <@a:joe@example.com>", [["Joe", "joe", "example.com", "@a"]]],
  ["joe . smith @ example . com", [[null, "joe.smith", "example.com"]]],
  ["j@[192.0.2.1]", [[null, "j", "[192.0.2.1]"]]],
  ["<j@[IPv6:2001:db8::1]>", [[null, "j", "[IPv6:2001:db8::1]"]]],
  // groups
  ["A Group:Ed Jones <joe@where.test>,j@d;", ["A Group:", ["Ed Jones", "joe", "where.test"], [
    null,
    "j",
    "d",
  ], ";"]],
  ["Undisclosed recipients:;", ["Undisclosed recipients:", ";"]],
  ["undisclosed-recipients: ;", ["undisclosed-recipients:", ";"]],
  ['"quoted: group": a@b;, c@d', ["quoted: group:", [null, "a", "b"], ";", [null, "c", "d"]]],
  ["g: a@b", ["g:", [null, "a", "b"], ";"]],
  ["g: h: a@b;, c@d", ["g:", ["h:", "a", "b"], ";", [null, "c", "d"]]],
  [":;", [":", ";"]],
  // the wild
  ["a@b; c@d", [[null, "a", "b"], [null, "c", "d"]]],
  ["Joe joe@example.com", [["Joe", "joe", "example.com"]]],
  ["root", [[null, "root", ""]]],
  ["root (Cron Daemon)", [["Cron Daemon", "root", ""]]],
  ["John Doe", [["John Doe", "", ""]]],
  ["Joe <>", [["Joe", "", ""]]],
  ["<>", [[null, "", ""]]],
  ["<joe>", [[null, "joe", ""]]],
  ["Joe <j@x", [["Joe", "j", "x"]]],
  ["Joe <j@x, k@y", [["Joe", "j", "x"], [null, "k", "y"]]],
  ["j@x>", [[null, "j", "x"]]],
  ["Joe <j@x> <k@y>", [["Joe", "j", "x"]]],
  ["Joe <j@x> junk, k@y", [["Joe", "j", "x"], [null, "k", "y"]]],
  ['"Joe <j@x>, k@y', [['"Joe', "j", "x"], [null, "k", "y"]]],
  ["Joe (open <j@x>, k@y", [["Joe (open", "j", "x"], [null, "k", "y"]]],
  ["a@b@c", [[null, "a@b", "c"]]],
  ["@x", [[null, "", "x"]]],
  ["a@", [[null, "a", ""]]],
  ["J\xc3\xb6 <j@x>", [["J\xc3\xb6", "j", "x"]]],
  ["\xc3\xa0 <\xc3\xa0@x>", [["\xc3\xa0", "\xc3\xa0", "x"]]],
];

for (const [text, expected] of cases) {
  Deno.test(`addresses of ${JSON.stringify(text)}`, () => {
    assert.deepEqual(shorten(text), expected);
  });
}

Deno.test("a list is cut at the cap", () => {
  assert.equal(parseAddresses("a@b,".repeat(ADDRESSES_MAX + 50)).length, ADDRESSES_MAX);
  assert.equal(parseAddresses("a@b, c@d, e@f", 2).length, 2);
});
