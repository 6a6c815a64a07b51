import assert from "node:assert/strict";
import { atOnce } from "../../src/lib/steps.ts";
import { fromBinary } from "../../src/lib/bytes.ts";
import { htmlToText } from "../../src/message/html_text.ts";
import { type BodyReader, extractText, preview, searchableText } from "../../src/message/text.ts";
import { parseMessage } from "../../src/message/parser.ts";
import type { Part } from "../../src/message/part.ts";
import { lines, utf8 } from "./support/read.ts";

function open(text: string): [Part, BodyReader] {
  const bytes = fromBinary(text);
  const { root, headerBytes } = parseMessage(bytes);
  const body = bytes.subarray(headerBytes);
  return [root, (start, end) => body.subarray(start, end)];
}

const pages: [html: string, text: string][] = [
  ["", ""],
  ["plain", "plain"],
  ["<p>one</p><p>two</p>", "one\ntwo"],
  ["a<br>b<br/>c", "a\nb\nc"],
  ["<b>bo</b>ld <i>it</i>alic", "bold italic"],
  ["<td>a</td><td>b</td>", "a b"],
  ["a &amp; b &lt;c&gt; &quot;d&quot;", 'a & b <c> "d"'],
  ["&#65;&#x42;&eacute;&nbsp;&euro;&#8364;&#128;", "ABé €€€"],
  ["&unknown; &amp &", "&unknown; &amp &"],
  ["&#0;&#xD800;&#1114112;", "\ufffd\ufffd\ufffd"],
  ["&toString;&constructor;", "&toString;&constructor;"],
  ["<style>p { color: red }</style>x<script>if (a < b) alert('</b>')</script>y", "xy"],
  ["<SCRIPT>never closed", ""],
  ["<title>t</title>x", "x"],
  ["a<!-- <p>hidden</p> -->b", "ab"],
  ["a<!-- open", "a"],
  ["<!DOCTYPE html><?xml version='1.0'?><html><body>x", "x"],
  ["<a href=\"x>y\" title='a>b'>link</a>", "link"],
  ['<a title="open>text', "text"],
  ["a < b and c > d", "a < b and c > d"],
  ["1<2", "1<2"],
  ["<", "<"],
  ["a<b", "a"],
  ["  a \r\n\t b  ", "a\nb"],
  ["<o:p>x</o:p>y", "xy"],
];

for (const [html, text] of pages) {
  Deno.test(`the text of ${JSON.stringify(html)}`, () =>
    assert.equal(atOnce(htmlToText(html)), text));
}

const ALTERNATIVE = lines(
  "Subject: not body",
  "Content-Type: multipart/alternative; boundary=b",
  "",
  "preamble",
  "--b",
  "Content-Type: text/plain; charset=iso-8859-1",
  "Content-Transfer-Encoding: quoted-printable",
  "",
  "caf=E9 so=",
  "ft",
  "--b",
  "Content-Type: text/html; charset=utf-8",
  "Content-Transfer-Encoding: base64",
  "",
  btoa(utf8("<p>thé</p>")),
  "--b",
  "Content-Type: application/pdf; name*=utf-8''r%C3%A9sum%C3%A9.pdf",
  "Content-Description: =?utf-8?Q?=C3=9Cber?= mich",
  "",
  "binary",
  "--b",
  "Content-Type: message/rfc822",
  "",
  "Subject: =?utf-8?Q?=C3=A4hnlich?=",
  "From: =?utf-8?Q?J=C3=B6?= <joe@example.com>",
  "",
  "inner text",
  "--b--",
);

Deno.test("extractText() decodes every text part and nothing else", () => {
  const text = atOnce(extractText(...open(ALTERNATIVE), { limitBytes: 10_000 }));
  assert.equal(text, "café soft\nthé\ninner text");
});

Deno.test("searchableText() has names, descriptions and embedded headers too", () => {
  const text = atOnce(searchableText(...open(ALTERNATIVE), { limitBytes: 10_000 }));
  for (
    const wanted of [
      "café soft",
      "résumé.pdf",
      "Über mich",
      "ähnlich",
      "Jö <joe@example.com>",
      "inner text",
    ]
  ) {
    assert.ok(text.includes(wanted), wanted);
  }
  assert.ok(!text.includes("not body") && !text.includes("binary"));
});

Deno.test("the limit is kept in octets, and no character is cut", () => {
  const [root, body] = open(
    `Content-Type: text/plain; charset=utf-8\r\n\r\n${utf8("ä€😀".repeat(50))}`,
  );
  for (let limitBytes = 0; limitBytes < 40; limitBytes++) {
    const text = atOnce(extractText(root, body, { limitBytes }));
    assert.ok(new TextEncoder().encode(text).length <= limitBytes);
    assert.ok(text.isWellFormed());
  }
});

Deno.test("only as much of a part is read as the limit needs", () => {
  const [root, body] = open(`Content-Type: text/plain\r\n\r\n${"x".repeat(1_000_000)}`);
  let most = 0;
  const reader: BodyReader = (start, end) => {
    most = Math.max(most, end - start);
    return body(start, end);
  };
  atOnce(extractText(root, reader, { limitBytes: 1_000 }));
  assert.ok(most < 2_000);
});

Deno.test("preview() prefers plain text, and is short", () => {
  assert.equal(preview(...open(ALTERNATIVE)), "café soft");
  assert.equal(
    preview(...open(lines("Content-Type: text/html", "", "<p>only<p>html"))),
    "only html",
  );
  assert.equal(preview(...open(lines("Content-Type: image/png", "", "x"))), "");
  const long = preview(
    ...open(`Content-Type: text/plain; charset=utf-8\r\n\r\n${utf8("😀".repeat(500))}`),
  );
  assert.equal([...long].length, 200);
});
