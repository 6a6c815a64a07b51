import assert from "node:assert/strict";
import { fromBinary } from "../../src/lib/bytes.ts";
import { parseMessage } from "../../src/message/parser.ts";
import { preview } from "../../src/message/text.ts";

const HTML = "Content-Type: text/html\r\n\r\n";

/** Bodies of some MB that say nothing until their end, if then: name, text. */
const floods: readonly (readonly [name: string, text: string])[] = [
  ["nested tags", `${HTML}${"<div><b>".repeat(1_250_000)}end`],
  ["open tags", `${HTML}${"<".repeat(10_000_000)}`],
  ["attributes", `${HTML}<a ${'x="'.repeat(3_000_000)}`],
  ["entities", `${HTML}${"&#xffff".repeat(1_400_000)}`],
  ["open comments", `${HTML}${"<!--".repeat(2_500_000)}`],
  ["scripts", `${HTML}${"<script></scrip".repeat(600_000)}`],
  ["blanks", `\r\n${" \t\r\n".repeat(2_500_000)}x`],
  ["quoted lines", `\r\n${"> quoted\r\n".repeat(1_000_000)}`],
  [
    "lone surrogates",
    `Content-Type: text/plain; charset=utf-16le\r\n\r\n${"\0\xd8".repeat(5_000_000)}`,
  ],
  [
    "cut UTF-8",
    `Content-Type: text/plain; charset=utf-8\r\n\r\n${"\xf0\x9f\x98".repeat(3_000_000)}`,
  ],
  [
    "soft breaks",
    `Content-Transfer-Encoding: quoted-printable\r\n\r\n${"=\r\n".repeat(3_000_000)}`,
  ],
  ["bad base64", `Content-Transfer-Encoding: base64\r\n\r\n${"=A*".repeat(3_000_000)}`],
  [
    "empty parts",
    `Content-Type: multipart/mixed; boundary=b\r\n\r\n${"--b\r\n\r\n".repeat(1_400_000)}`,
  ],
];

for (const [name, text] of floods) {
  Deno.test(`a preview of a flood of ${name} is short, and one line`, () => {
    const bytes = fromBinary(text);
    const { root, headerBytes } = parseMessage(bytes);
    const body = bytes.subarray(headerBytes);
    let read = 0;
    const shown = preview(root, (from, to) => {
      read += to - from;
      return body.subarray(from, to);
    });
    assert.ok(Array.from(shown).length <= 200, shown);
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(shown, /[\x00-\x1f\x7f]/);
    assert.ok(shown.isWellFormed());
    assert.ok(read <= bytes.length, `${read} octets of ${bytes.length}`);
  });
}
