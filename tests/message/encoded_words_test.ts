import assert from "node:assert/strict";
import { fromBinary } from "../../src/lib/bytes.ts";
import { decodeWords, encodeWords } from "../../src/message/encoded_words.ts";
import { random, utf8 } from "./support/read.ts";

const cases: [encoded: string, decoded: string][] = [
  ["", ""],
  ["plain", "plain"],
  // RFC 2047 §8
  ["=?ISO-8859-1?Q?a?=", "a"],
  ["=?ISO-8859-1?Q?a?= b", "a b"],
  ["=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"],
  ["=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab"],
  ["=?ISO-8859-1?Q?a_b?=", "a b"],
  ["=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"],
  ["=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>"],
  ["=?ISO-8859-1?Q?Patrik_F=E4ltstr=F6m?=", "Patrik Fältström"],
  [
    "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
    "If you can read this you understand the example.",
  ],
  // multibyte characters split between words, and mixed encodings
  ["=?utf-8?Q?=C3?= =?utf-8?Q?=A4?=", "ä"],
  ["=?utf-8?B?4oI=?= =?UTF-8?Q?=AC?=", "€"],
  ["=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"],
  ["=?iso-2022-jp?B?GyRCRnw=?= =?iso-2022-jp?B?S1wbKEI=?=", "日本"],
  ["=?gb18030?B?1tDOxA==?=", "中文"],
  ["=?gb2312?B?1tDOxA==?=", "中文"],
  ["=?koi8-r?Q?=F0=D2=C9=D7=C5=D4?=", "Привет"],
  ["=?windows-1251?B?z/Do4uXy?=", "Привет"],
  ["=?big5?B?pKSk5Q==?=", "中文"],
  ["=?euc-kr?B?x9GxuQ==?=", "한국"],
  ["=?shift_jis?B?k/qWew==?=", "日本"],
  ["=?utf-7?Q?+AOQ-?=", "ä"],
  ["=?utf-8*de?Q?=C3=A4?=", "ä"],
  // the wild
  ["=?utf-8?Q?raw space?=", "raw space"],
  ["=?utf-8?Q?trailing_?= x", "trailing  x"],
  ["a=?utf-8?Q?b?=c", "abc"],
  ["(=?utf-8?Q?b?=)", "(b)"],
  ["=?utf-8?q?=c3=a4?=", "ä"],
  ["=?utf-8?b?w6Q?=", "ä"],
  ["=?utf-8?Q??=", ""],
  ["=?utf-8?B??=", ""],
  ["=?utf-8?Q?a=?=", "a"],
  ["=?utf-8?Q?what??=", "what?"],
  ["=?utf-8?Q?=3D=3F?=", "=?"],
  ["=?utf-8?Q?=ZZ?=", "=ZZ"],
  ["=?utf-8?B?w6Q=", "=?utf-8?B?w6Q="],
  ["=?utf-8?X?a?=", "=?utf-8?X?a?="],
  ["=?utf-8?Q?open =?utf-8?Q?b?=", "=?utf-8?Q?open b"],
  ["=??Q?a?=", "=??Q?a?="],
  ["=?unknown-charset?Q?=C3=A4?=", "ä"],
  ["=?unknown-charset?Q?=E4?=", "ä"],
  ["=?us-ascii?Q?=E4?=", "ä"],
  ["=?", "=?"],
  [utf8("raw ä"), "raw ä"],
  ["raw \xe4", "raw ä"],
  [utf8("ä =?utf-8?Q?=C3=B6?= ü"), "ä ö ü"],
  ["=?utf-8?Q?=FF?=", "\ufffd"],
];

for (const [encoded, decoded] of cases) {
  Deno.test(`decodeWords ${JSON.stringify(encoded)}`, () => {
    assert.equal(decodeWords(encoded), decoded);
  });
}

Deno.test("encodeWords is undone by decodeWords, in words of at most 75 characters", () => {
  const chance = random(7);
  for (let n = 0; n < 300; n++) {
    const length = 1 + Math.floor(chance() * 100);
    const text = Array.from({ length }, () => "aä€😀 ?=_"[Math.floor(chance() * 8)] ?? "é")
      .join("").toWellFormed();
    const words = encodeWords(text);
    assert.equal(decodeWords(words), text);
    for (const word of words.split(" ")) assert.ok(word.length <= 75, word);
  }
});

Deno.test("decodeWords takes any octets", () => {
  const chance = random(8);
  const pieces = [
    "=?",
    "?=",
    "utf-8",
    "?Q?",
    "?B?",
    "=C3",
    " ",
    "\r\n ",
    "\xe4",
    "w6Q",
    "_",
    "?",
    "=",
  ];
  for (let n = 0; n < 3_000; n++) {
    const length = Math.floor(chance() * 12);
    const text = Array.from({ length }, () => pieces[Math.floor(chance() * pieces.length)]).join(
      "",
    );
    assert.ok(decodeWords(text).isWellFormed(), JSON.stringify(fromBinary(text)));
  }
});
