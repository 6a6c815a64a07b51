import assert from "node:assert/strict";
import fc from "fast-check";
import {
  concat,
  decodeUtf8,
  encodeUtf8,
  fromBinary,
  isAscii,
  toBinary,
} from "../../src/lib/bytes.ts";

Deno.test("binary strings keep every octet", () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  assert.deepEqual(new Uint8Array(fromBinary(toBinary(all))), all);
  fc.assert(fc.property(fc.uint8Array(), (bytes) => {
    assert.deepEqual(new Uint8Array(fromBinary(toBinary(bytes))), bytes);
  }));
});

Deno.test("toBinary() reads a view, not the buffer behind it", () => {
  assert.equal(toBinary(new Uint8Array([65, 66, 67, 68]).subarray(1, 3)), "BC");
});

Deno.test("concat() joins in order and does not copy a single chunk", () => {
  const one = Uint8Array.of(1, 2);
  assert.equal(concat([one]), one);
  assert.deepEqual(concat([one, Uint8Array.of(), Uint8Array.of(3)]), Uint8Array.of(1, 2, 3));
  assert.deepEqual(concat([]), new Uint8Array(0));
});

Deno.test("UTF-8 decoding is total", () => {
  assert.equal(decodeUtf8(encodeUtf8("grüße")), "grüße");
  assert.equal(decodeUtf8(Uint8Array.of(0xff, 0x41)), "\ufffdA");
  assert.equal(isAscii("abc\x7f"), true);
  assert.equal(isAscii("ä"), false);
});

Deno.test("a binary string becomes its octets, wherever the 8-bit ones are", () => {
  const ascii = "a".repeat(1_000);
  for (const text of ["", "a", "\xff", `${ascii}\x80`, `\x80${ascii}`, ascii + "\0\x7f" + ascii]) {
    assert.deepEqual([...fromBinary(text)], Array.from(text, (c) => c.charCodeAt(0)));
  }
  const all = String.fromCharCode(...Array.from({ length: 3_000 }, (_, n) => n & 0xff));
  assert.equal(toBinary(fromBinary(all)), all);
});
