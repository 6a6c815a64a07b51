import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, decodeUtf8, encodeUtf8 } from "../../src/lib/bytes.ts";
import { CrlfLines, LfLines } from "../../src/migration/crlf.ts";

const pieces = fc.array(
  fc.string({ unit: fc.constantFrom("a", "\r", "\n", "\r\n"), maxLength: 8 }),
);

function crlf(texts: readonly string[]): string {
  const lines = new CrlfLines();
  return decodeUtf8(concat(texts.map((text) => lines.push(encodeUtf8(text)))));
}

function lf(texts: readonly string[]): string {
  const lines = new LfLines();
  return decodeUtf8(concat([...texts.map((text) => lines.push(encodeUtf8(text))), lines.end()]));
}

Deno.test("CrlfLines ends every line in CRLF, wherever pieces end", () => {
  fc.assert(fc.property(pieces, (texts) => {
    assert.equal(crlf(texts), texts.join("").replace(/(?<!\r)\n/g, "\r\n"));
  }));
});

Deno.test("LfLines ends every line in LF, wherever pieces end", () => {
  fc.assert(fc.property(pieces, (texts) => {
    assert.equal(lf(texts), texts.join("").replaceAll("\r\n", "\n"));
  }));
});

Deno.test("LfLines loses nothing of a text in CRLF", () => {
  const lines = fc.array(fc.string({ unit: fc.constantFrom("a", "\r", "b"), maxLength: 5 }));
  fc.assert(fc.property(lines, (texts) => {
    const text = texts.map((line) => `${line.replace(/\r+$/, "")}\r\n`).join("");
    assert.equal(crlf([lf([text])]), text);
  }));
});
