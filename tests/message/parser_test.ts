import assert from "node:assert/strict";
import { parseMessage } from "../../src/message/parser.ts";
import type { Part } from "../../src/message/part.ts";
import { fromBinary } from "../../src/lib/bytes.ts";
import { lines, parseInPieces, read } from "./support/read.ts";

/** Body octets of a part, as a binary string. */
function bodyOf(text: string, headerBytes: number, part: Part | undefined): string {
  assert.ok(part);
  return text.slice(headerBytes + part.bodyStart, headerBytes + part.bodyEnd);
}

const MIXED = "Content-Type: multipart/mixed; boundary=b";

const bodies: [name: string, body: string, expected: [octets: string, lines: number][]][] = [
  ["line end belongs to the delimiter", "--b\r\n\r\nhello\r\n--b--\r\n", [["hello", 1]]],
  ["blank line before it stays", "--b\r\n\r\nhello\r\n\r\n--b--\r\n", [["hello\r\n", 1]]],
  ["two lines", "--b\r\n\r\na\r\nb\r\n--b--\r\n", [["a\r\nb", 2]]],
  ["LF", "--b\n\na\nb\n--b--\n", [["a\nb", 2]]],
  ["empty", "--b\r\n\r\n\r\n--b--\r\n", [["", 0]]],
  ["emptier", "--b\r\n\r\n--b--\r\n", [["", 0]]],
  ["no header, no body", "--b\r\n--b--\r\n", [["", 0]]],
  ["unterminated", "--b\r\n\r\na\r\nb", [["a\r\nb", 2]]],
  ["unterminated with line end", "--b\r\n\r\na\r\nb\r\n", [["a\r\nb\r\n", 2]]],
  ["delimiter at the end of all", "--b\r\n\r\na\r\n--b--", [["a", 1]]],
  ["dashes are text", "--b\r\n\r\n-- \r\n--bx\r\n--\r\n--b--", [["-- \r\n--bx\r\n--", 3]]],
  ["no blank line", "--b\r\nhello you\r\nb: c\r\n--b--", [["hello you\r\nb: c", 2]]],
  ["folded first line", "--b\r\n hello\r\n--b--", [[" hello", 1]]],
  ["long delimiter-like line", `--b\r\n\r\n--b${"-".repeat(2_000)}\r\n--b--`, [[
    `--b${"-".repeat(2_000)}`,
    1,
  ]]],
];

for (const [name, body, expected] of bodies) {
  Deno.test(`octets and lines of a part: ${name}`, () => {
    const text = `Content-Type: multipart/mixed; boundary=b\r\n\r\n${body}`;
    const { root, headerBytes } = read(text);
    const found = root.children.map((part) => [bodyOf(text, headerBytes, part), part.lines]);
    assert.deepEqual(found, expected);
  });
}

Deno.test("an embedded message ends where its part ends", () => {
  const inner = lines("Subject: x", "", "one", "two");
  const text = `${
    lines(MIXED, "", "--b", "Content-Type: message/rfc822", "")
  }${inner}\r\n--b--\r\n`;
  const { root, headerBytes } = read(text);
  const part = root.children[0];
  assert.equal(bodyOf(text, headerBytes, part), inner);
  assert.equal(part?.lines, 4);
  assert.equal(bodyOf(text, headerBytes, part?.message?.body), "one\r\ntwo\r\n");
  assert.equal(part?.message?.body.lines, 2);
  assert.equal(part?.message?.envelope.subject, "x");
});

Deno.test("the header block includes its blank line", () => {
  for (
    const [text, expected] of [
      ["A: b\r\n\r\nx", 8],
      ["A: b\n\nx", 6],
      ["A: b\r\n\nx", 7],
      ["\r\nx", 2],
      ["\nx", 1],
      ["A: b\r\n \r\n\r\nx", 11], // a line of blanks is a fold
      ["A: b\r\n", 6],
      ["A: b", 4],
      ["", 0],
    ] as const
  ) {
    assert.equal(read(text).headerBytes, expected, JSON.stringify(text));
  }
});

Deno.test("the descriptive fields", () => {
  const { root } = read(lines(
    "Content-Type: image/png; name=a.png",
    "Content-ID: <id@x>",
    "Content-Description: a picture",
    "Content-Transfer-Encoding: BASE64 (comment)",
    "Content-MD5: Q2hlY2s=",
    "Content-Disposition: Attachment; filename=b.png; size=12",
    "Content-Language: en, de-DE (German)",
    "Content-Location: http://example.com/",
    "\ta.png",
    "",
    "x",
  ));
  assert.deepEqual({ ...root, headerStart: 0, bodyStart: 0, bodyEnd: 0 }, {
    type: "image",
    subtype: "png",
    parameters: [["name", "a.png"]],
    id: "<id@x>",
    description: "a picture",
    encoding: "base64",
    md5: "Q2hlY2s=",
    disposition: { type: "attachment", parameters: [["filename", "b.png"], ["size", "12"]] },
    language: ["en", "de-DE"],
    location: "http://example.com/a.png",
    headerStart: 0,
    bodyStart: 0,
    bodyEnd: 0,
    lines: 1,
    children: [],
    message: null,
  });
});

Deno.test("pieces around the size of the parser's own slices change nothing", () => {
  const part = lines("--b", "Content-Type: text/plain; name=x", "", "y".repeat(700), "z");
  const text = lines(MIXED, "") + part.repeat(400) + lines("--b--", "epilogue".repeat(20_000));
  const bytes = fromBinary(text);
  const whole = parseMessage(bytes);
  assert.equal(whole.root.children.length, 400);
  assert.ok(whole.root.children.every(({ lines }) => lines === 2));
  for (const size of [7, 1_000, 65_535, 65_536, 65_537, 131_071]) {
    assert.deepEqual(parseInPieces(bytes, () => size).root, whole.root);
  }
});

Deno.test("a Buffer that is reused after the push changes nothing", () => {
  const bytes = fromBinary(lines("Subject: kept", "Content-Type: text/html", "", "x"));
  const parsed = parseMessage(bytes);
  bytes.fill(0);
  assert.equal(parsed.fields.get("subject"), "kept");
  assert.equal(String.fromCharCode(...parsed.header.subarray(0, 8)), "Subject:");
});
