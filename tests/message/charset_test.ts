import assert from "node:assert/strict";
import { fromBinary } from "../../src/lib/bytes.ts";
import { decodeCharset, knownCharset } from "../../src/message/charset.ts";
import { random, utf8 } from "./support/read.ts";

const cases: [charset: string, octets: string, text: string][] = [
  ["utf-8", utf8("ä€😀"), "ä€😀"],
  ["UTF8", utf8("ä"), "ä"],
  ['"utf-8"', utf8("ä"), "ä"],
  ["utf-8", "a\xff", "a\ufffd"],
  ["us-ascii", "abc", "abc"],
  ["us-ascii", utf8("ä"), "ä"],
  ["us-ascii", "\xe4", "ä"],
  ["iso-8859-1", "\xe4\x80", "ä€"],
  ["ISO_8859-1", "\xe4", "ä"],
  ["iso8859-15", "\xa4", "€"],
  ["latin1", "\xe4", "ä"],
  ["windows-1252", "\x93x\x94", "“x”"],
  ["cp1252", "\x80", "€"],
  ["win-1251", "\xcf", "П"],
  ["windows1251", "\xcf", "П"],
  ["koi8-r", "\xf0", "П"],
  ["koi8r", "\xf0", "П"],
  ["gb2312", "\xd6\xd0", "中"],
  ["GB18030", "\xd6\xd0\x81\x30\x89\x38", "中ß"],
  ["cp936", "\xd6\xd0", "中"],
  ["big5", "\xa4\xa4", "中"],
  ["shift_jis", "\x93\xfa", "日"],
  ["cp932", "\x93\xfa", "日"],
  ["euc-jp", "\xc6\xfc", "日"],
  ["iso-2022-jp", "\x1b$BF|\x1b(B", "日"],
  ["iso-2022-jp-ms", "\x1b$BF|\x1b(B", "日"],
  ["ks_c_5601-1987", "\xc7\xd1", "한"],
  ["utf-16le", "a\0\xe4\0", "aä"],
  ["utf-7", "Hi Mom -+Jjo--!", "Hi Mom -☺-!"],
  ["utf-7", "A+ImIDkQ.", "A≢Α."],
  ["utf-7", "1 +- 1", "1 + 1"],
  ["utf-7", "+", "+"],
  ["utf-7", "+A", ""],
  ["x-nonsense", utf8("ä"), "ä"],
  ["x-nonsense", "\xe4", "ä"],
  ["iso-2022-kr", "abc", "abc"], // WHATWG's "replacement" is no decoder
  ["", "\xe4", "ä"],
  ["__proto__", "x", "x"],
];

for (const [charset, octets, text] of cases) {
  Deno.test(`${charset}: ${JSON.stringify(octets)}`, () => {
    assert.equal(decodeCharset(fromBinary(octets), charset), text);
  });
}

Deno.test("knownCharset() knows what can be decoded by name", () => {
  for (const name of ["utf-8", "UTF-8", "us-ascii", "US-ASCII", "iso-8859-1", "koi8-r", "utf-7"]) {
    assert.ok(knownCharset(name), name);
  }
  for (
    const name of ["", "x-nonsense", "iso-2022-kr", "replacement", "constructor", "a".repeat(99)]
  ) {
    assert.ok(!knownCharset(name), name);
  }
});

Deno.test("any octets in any charset give well-formed text", () => {
  const chance = random(4);
  const charsets = [...new Set(cases.map(([charset]) => charset))];
  for (let n = 0; n < 2_000; n++) {
    const octets = Uint8Array.from({ length: Math.floor(chance() * 20) }, () => chance() * 256);
    const charset = charsets[Math.floor(chance() * charsets.length)] ?? "";
    assert.ok(decodeCharset(octets, charset).isWellFormed(), `${charset} ${octets}`);
  }
});

Deno.test("a flood of names does not grow the tables without bound", () => {
  for (let n = 0; n < 5_000; n++) assert.equal(decodeCharset(fromBinary("x"), `x-${n}`), "x");
});
