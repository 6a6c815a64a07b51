import assert from "node:assert/strict";
import fc from "fast-check";
import { parseSaslPlain, type SaslPlain } from "../../src/auth/sasl_plain.ts";
import { encodeUtf8, fromBinary } from "../../src/lib/bytes.ts";

/** `|` stands for NUL. The first two are the examples of RFC 4616 §4. */
const good: readonly (readonly [message: string, SaslPlain])[] = [
  ["|tim|tanstaaftanstaaf", { authzid: "", authcid: "tim", password: "tanstaaftanstaaf" }],
  ["Ursel|Kurt|xipj3plmq", { authzid: "Ursel", authcid: "Kurt", password: "xipj3plmq" }],
  ["|grün@example.org|pässwörd", {
    authzid: "",
    authcid: "grün@example.org",
    password: "pässwörd",
  }],
  ["| | ", { authzid: "", authcid: " ", password: " " }],
  ["|a|\ufeffb", { authzid: "", authcid: "a", password: "\ufeffb" }],
  [`${"z".repeat(512)}|${"c".repeat(512)}|${"p".repeat(1024)}`, {
    authzid: "z".repeat(512),
    authcid: "c".repeat(512),
    password: "p".repeat(1024),
  }],
];

for (const [message, expected] of good) {
  Deno.test(`parseSaslPlain() reads ${message.slice(0, 30)}`, () => {
    assert.deepEqual(parseSaslPlain(encodeUtf8(message.replaceAll("|", "\0"))), expected);
  });
}

const bad: readonly string[] = [
  "",
  "|",
  "||",
  "tim|secret",
  "||secret",
  "|tim|",
  "|tim|secret|",
  "|tim||secret",
  "|||",
  "|tim|\xff",
  "|t\xc3|secret",
  "\xed\xa0\x80|tim|secret",
  `${"z".repeat(513)}|c|p`,
  `|${"c".repeat(513)}|p`,
  `|c|${"p".repeat(1025)}`,
];

for (const message of bad) {
  Deno.test(`parseSaslPlain() refuses ${JSON.stringify(message.slice(0, 30))}`, () => {
    assert.equal(parseSaslPlain(fromBinary(message.replaceAll("|", "\0"))), null);
  });
}

Deno.test("parseSaslPlain() is total, and gives back what a client wrote", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 4096 }), (bytes) => {
    const parsed = parseSaslPlain(bytes);
    if (!parsed) return;
    const { authzid, authcid, password } = parsed;
    assert.deepEqual(encodeUtf8(`${authzid}\0${authcid}\0${password}`), new Uint8Array(bytes));
  }));
  const part = fc.string({ minLength: 1, maxLength: 100 }).filter((text) => !text.includes("\0"));
  fc.assert(fc.property(part, part, part, (authzid, authcid, password) => {
    const message = encodeUtf8(`${authzid}\0${authcid}\0${password}`);
    assert.deepEqual(parseSaslPlain(message), { authzid, authcid, password });
  }));
});
