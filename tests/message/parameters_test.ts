import assert from "node:assert/strict";
import { parseParameters } from "../../src/message/parameters.ts";
import { utf8 } from "./support/read.ts";

const cases: [text: string, value: string, parameters: [string, string][]][] = [
  ["text/plain", "text/plain", []],
  ["TEXT/Plain; Charset=UTF-8", "text/plain", [["charset", "UTF-8"]]],
  ["text/plain;charset=utf-8;", "text/plain", [["charset", "utf-8"]]],
  ["text/plain; charset=us-ascii (Plain text)", "text/plain", [["charset", "us-ascii"]]],
  ['text/plain; charset="us-ascii"', "text/plain", [["charset", "us-ascii"]]],
  ["a/b; x = y ; z= w", "a/b", [["x", "y"], ["z", "w"]]],
  ['a/b; x="a\\"b\\\\c"', "a/b", [["x", 'a"b\\c']]],
  ['a/b; x="C:\\dir\\file.txt"', "a/b", [["x", "C:\\dir\\file.txt"]]],
  ['a/b; x="a;b"; y=c', "a/b", [["x", "a;b"], ["y", "c"]]],
  ["a/b; name=my file (1).pdf", "a/b", [["name", "my file"]]],
  ["a/b; name=my file.pdf; x=y", "a/b", [["name", "my file.pdf"], ["x", "y"]]],
  ["a/b; name=file(1).pdf", "a/b", [["name", "file(1).pdf"]]],
  ['a/b; x="open; y=z', "a/b", [["x", "open"], ["y", "z"]]],
  ['a/b; x="closed" junk; y=z', "a/b", [["x", "closed"], ["y", "z"]]],
  ["a/b; x=1; x=2", "a/b", [["x", "1"]]],
  ["a/b; nonsense; y=z", "a/b", [["y", "z"]]],
  ["a/b; =x; y=z", "a/b", [["y", "z"]]],
  ["a/b; x=", "a/b", [["x", ""]]],
  ["a/b;;; ;x=y", "a/b", [["x", "y"]]],
  ["", "", []],
  // RFC 2231 §3, §4, §4.1
  [
    'message/external-body; access-type=URL; URL*0="ftp://"; URL*1="cs.utk.edu/pub"',
    "message/external-body",
    [["access-type", "URL"], ["url", "ftp://cs.utk.edu/pub"]],
  ],
  [
    "application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
    "application/x-stuff",
    [["title", "This is ***fun***"]],
  ],
  [
    "application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\"",
    "application/x-stuff",
    [["title", "This is even more ***fun*** isn't it!"]],
  ],
  ["a/b; filename*=utf-8''%E2%82%AC.pdf", "a/b", [["filename", "€.pdf"]]],
  ["a/b; filename*=iso-8859-1'de'%E4.pdf", "a/b", [["filename", "ä.pdf"]]],
  ["a/b; filename*=''%C3%A4.pdf", "a/b", [["filename", "ä.pdf"]]],
  ["a/b; filename*=%C3%A4.pdf", "a/b", [["filename", "ä.pdf"]]],
  ["a/b; filename*=utf-8''%E2%82; x=y", "a/b", [["filename", "\ufffd"], ["x", "y"]]],
  ["a/b; filename*=utf-8''100%; x=y", "a/b", [["filename", "100%"], ["x", "y"]]],
  ["a/b; filename*=utf-8''it's", "a/b", [["filename", "it's"]]],
  ["a/b; n*1=b; n*0=a", "a/b", [["n", "ab"]]],
  ["a/b; n*0=a; n*2=c", "a/b", [["n", "a"]]],
  ["a/b; n*1=b", "a/b", [["n", ""]]],
  ["a/b; n*0*=utf-8''%C3; n*1*=%A4", "a/b", [["n", "ä"]]],
  ["a/b; n=plain; n*=utf-8''better", "a/b", [["n", "better"]]],
  ["a/b; n*=utf-8''better; n=plain", "a/b", [["n", "better"]]],
  // the wild
  ['a/b; name="=?utf-8?Q?=C3=A4?="', "a/b", [["name", "=?utf-8?Q?=C3=A4?="]]],
  [`a/b; name="${utf8("ä")}"`, "a/b", [["name", "ä"]]],
  [`a/b; name=${utf8("à")}`, "a/b", [["name", "à"]]],
  ['a/b; name="\xe4"', "a/b", [["name", "ä"]]],
  ["a/b; name*=utf-8''a%00b%0d%0ac", "a/b", [["name", "a b  c"]]],
];

for (const [text, value, parameters] of cases) {
  Deno.test(`parameters of ${JSON.stringify(text)}`, () => {
    assert.deepEqual(parseParameters(text), { value, parameters });
  });
}

Deno.test("a flood of continuations keeps a bounded value", () => {
  const flood = Array.from({ length: 100_000 }, (_, n) => `; n*${n}*=%C3%A4`).join("");
  const { parameters } = parseParameters(`a/b${flood}`);
  assert.equal(parameters.length, 1);
  assert.ok((parameters[0]?.[1].length ?? 0) <= 8_192);
});
