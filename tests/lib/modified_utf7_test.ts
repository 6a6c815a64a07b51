import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeUtf7, encodeUtf7 } from "../../src/lib/modified_utf7.ts";

const cases = [
  ["", ""],
  ["INBOX", "INBOX"],
  ["Tom & Jerry", "Tom &- Jerry"],
  ["~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"], // RFC 3501 §5.1.3
  ["Entwürfe", "Entw&APw-rfe"],
  ["&&", "&-&-"],
  ["😀", "&2D3eAA-"],
  ["é&é", "&AOk-&-&AOk-"],
] as const;

Deno.test("names are encoded and read as RFC 3501 §5.1.3 says", () => {
  for (const [name, encoded] of cases) {
    assert.equal(encodeUtf7(name), encoded);
    assert.equal(decodeUtf7(encoded), name);
  }
});

Deno.test("each name has one spelling, and nothing else is read", () => {
  const wrong = [
    "&",
    "a&",
    "&AOk",
    "&AOk é-",
    "&AGEAYg-",
    "&AOk-&AOk-",
    "&A-",
    "&AA-",
    "&AOkA-",
    "&AO!-",
    "é",
    "Entw\xc3\xbcrfe",
    "\0",
    "a\r\nb",
    "\x7f",
    "&2D0-",
    "&3gA-",
    "&3gDYPQ-",
    "&AOl-",
    "&AOk=-",
    "&AO/-",
    "&ACY-",
    "&--&",
  ]; // deno-fmt-ignore-line
  for (const text of wrong) assert.equal(decodeUtf7(text), null, JSON.stringify(text));
});

Deno.test("every well-formed name survives the round trip as one printable line", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 40 }), (name) => {
    const encoded = encodeUtf7(name);
    assert.match(encoded, /^[\x20-\x7e]*$/);
    assert.equal(decodeUtf7(encoded), name.isWellFormed() ? name : null);
  }));
});

Deno.test("no two spellings are read as one name", () => {
  const text = fc.string({ unit: fc.constantFrom(..."&-ABCDwO,+/k 1"), maxLength: 12 });
  fc.assert(
    fc.property(text, (spelling) => {
      const name = decodeUtf7(spelling);
      if (name !== null) assert.equal(encodeUtf7(name), spelling);
    }),
    { numRuns: 2_000 },
  );
});
