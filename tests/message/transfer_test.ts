import assert from "node:assert/strict";
import { fromBinary, toBinary } from "../../src/lib/bytes.ts";
import { decodeTransfer } from "../../src/message/transfer.ts";
import { random } from "./support/read.ts";

const cases: [encoding: string, encoded: string, decoded: string][] = [
  ["7bit", "a=3D\xe4", "a=3D\xe4"],
  ["x-unknown", "a", "a"],
  ["base64", "", ""],
  ["base64", "QUJD", "ABC"],
  ["base64", "QUI=", "AB"],
  ["base64", "QQ==", "A"],
  ["base64", "QQ", "A"],
  ["base64", "Q", ""],
  ["base64", "QU\r\nJD\r\n", "ABC"],
  ["base64", "Q!U*J\0D\xff", "ABC"],
  ["base64", "QQ==QUI=QUJD", "AABABC"],
  ["base64", "====", ""],
  ["base64", "QUJD--\r\n_*_\r\n", "ABC"],
  ["quoted-printable", "", ""],
  ["quoted-printable", "a=3Db=C3=A4", "a=b\xc3\xa4"],
  ["quoted-printable", "a=c3=a4", "a\xc3\xa4"],
  ["quoted-printable", "a=\r\nb", "ab"],
  ["quoted-printable", "a=\nb", "ab"],
  ["quoted-printable", "a= \t\r\nb", "ab"],
  ["quoted-printable", "a \t\r\nb \r\n", "a\r\nb\r\n"],
  ["quoted-printable", "a=20\r\nb", "a \r\nb"],
  ["quoted-printable", "a =\r\nb", "a b"],
  ["quoted-printable", "a=", "a"],
  ["quoted-printable", "a=3", "a=3"],
  ["quoted-printable", "a=ZZb", "a=ZZb"],
  ["quoted-printable", "a==3D", "a=="],
  ["quoted-printable", "100% = x", "100% = x"],
  ["quoted-printable", "\xe4\0", "\xe4\0"],
  ["quoted-printable", "end  ", "end"],
];

for (const [encoding, encoded, decoded] of cases) {
  Deno.test(`${encoding} ${JSON.stringify(encoded)}`, () => {
    assert.equal(toBinary(decodeTransfer(fromBinary(encoded), encoding)), decoded);
  });
}

Deno.test("base64 of any octets comes back, in lines of any length", () => {
  const chance = random(3);
  for (let n = 0; n < 300; n++) {
    const octets = Uint8Array.from({ length: Math.floor(chance() * 99) }, () => chance() * 256);
    const width = 1 + Math.floor(chance() * 20);
    const text = btoa(toBinary(octets)).replace(new RegExp(`.{${width}}`, "g"), "$&\r\n");
    assert.deepEqual([...decodeTransfer(fromBinary(text), "base64")], [...octets]);
  }
});
