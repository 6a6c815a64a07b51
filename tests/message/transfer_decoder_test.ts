import assert from "node:assert/strict";
import fc from "fast-check";
import { concat } from "../../src/lib/bytes.ts";
import { decodeTransfer } from "../../src/message/transfer.ts";
import { knownEncoding, transferDecoder } from "../../src/message/transfer_decoder.ts";

const encodings = ["base64", "quoted-printable", "7bit", ""];
/** Octets that mean something to one of the encodings, and some that do not. */
const octets = fc.array(
  fc.constantFrom(..."=ABab09+/ \t\r\n%-\0é".split("").map((c) => c.charCodeAt(0) & 0xff)),
  { maxLength: 300 },
).map((list) => Uint8Array.from(list));

for (const encoding of encodings) {
  Deno.test(`transferDecoder(${JSON.stringify(encoding)}) decodes alike, however it is cut`, () => {
    fc.assert(
      fc.property(octets, fc.array(fc.nat(40), { maxLength: 20 }), (bytes, cuts) => {
        const decoder = transferDecoder(encoding);
        const pieces: Uint8Array[] = [];
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          pieces.push(decoder.push(bytes.slice(at, at + cut)).slice());
          at += cut;
        }
        pieces.push(decoder.push(bytes.slice(at)).slice(), decoder.end().slice());
        assert.deepEqual(concat(pieces), decodeTransfer(bytes, encoding).slice());
      }),
      { numRuns: 2_000 },
    );
  });
}

Deno.test("quoted-printable without any line end is decoded in bounded memory", () => {
  const decoder = transferDecoder("quoted-printable");
  const chunk = new TextEncoder().encode("a=3Db ".repeat(20_000));
  let length = 0;
  for (let n = 0; n < 5; n++) length += decoder.push(chunk).length;
  assert.ok(length > 4 * 80_000 - 70_000, `${length} octets came out before the end`);
  length += decoder.end().length;
  assert.equal(length, 5 * 80_000 - 1); // white space at the end is dropped: RFC 2045 §6.7
});

Deno.test("only encodings that can be undone are known", () => {
  for (const encoding of encodings) assert.equal(knownEncoding(encoding), true);
  for (const encoding of ["x-uuencode", "__proto__", "quoted"]) {
    assert.equal(knownEncoding(encoding), false);
  }
});
