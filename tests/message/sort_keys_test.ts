import assert from "node:assert/strict";
import { readEnvelope } from "../../src/message/envelope.ts";
import { Header } from "../../src/message/header.ts";
import { SORT_KEYS, type SortKey, sortKeys } from "../../src/message/sort_keys.ts";
import { fromBinary, toBinary } from "../../src/lib/bytes.ts";

const cases: readonly (readonly [header: string, keys: Partial<Record<SortKey, string>>])[] = [
  ["", {}],
  ["From: Ada Lovelace <Ada@Example.org>", { from: "ADA", displayFrom: "ADA LOVELACE" }],
  ["To: bob@Example.org, ada@example.org", { to: "BOB", displayTo: "BOB@EXAMPLE.ORG" }],
  ["To: bob (Robert)", { to: "BOB", displayTo: "ROBERT" }],
  ["Cc: carol@example.org\r\nCc: dave@example.org", { cc: "CAROL" }],
  ["From: =?utf-8?Q?S=C3=B6nke?= <s@x>", { from: "S", displayFrom: "SO\u0308NKE" }],
  ["From: =?utf-8?Q??= <s@x>", { from: "S", displayFrom: "S@X" }],
  ['From: "" <s@x>', { from: "S", displayFrom: "S@X" }],
  // RFC 5957 §3 goes by the ENVELOPE, where a group has its name for a mailbox and no host.
  ["To: friends: ada@x;", { to: "FRIENDS", displayTo: "FRIENDS" }],
  ["From: =?utf-8?Q?a=0Ab=00c?= <s@x>", { from: "S", displayFrom: "A B C" }],
  [toBinary(new TextEncoder().encode("From: <ä@x>")), {
    from: "A\u0308",
    displayFrom: "A\u0308@X",
  }],
];

Deno.test("sort keys of RFC 5256 and RFC 5957", () => {
  for (const [header, wanted] of cases) {
    const keys = sortKeys(readEnvelope(Header.parse(fromBinary(`${header}\r\n\r\n`))));
    const expected = SORT_KEYS.map((key) => wanted[key] ?? "");
    assert.deepEqual(keys, expected, header);
  }
});

Deno.test("sort keys are bounded", () => {
  const long = `From: ${"\u00e4".repeat(50_000)} <${"b".repeat(50_000)}@x>\r\n\r\n`;
  for (const key of sortKeys(readEnvelope(Header.parse(new TextEncoder().encode(long))))) {
    assert.ok(new TextEncoder().encode(key).length <= 512);
    assert.ok(key.isWellFormed());
  }
});
