import assert from "node:assert/strict";
import { parseAddress } from "../../src/lib/address.ts";
import { cleanKeywords, foldKeywords } from "../../src/store/flags.ts";
import { cleanMailboxName, mailboxKey, parentNames } from "../../src/store/mailbox_name.ts";
import { packObjectKey, unpackObjectKey } from "../../src/store/object_key.ts";
import { compile, joined, sql } from "../../src/store/sql.ts";
import { hashOf } from "./fixture.ts";

Deno.test("parseAddress() takes addresses apart", () => {
  const cases: readonly (readonly [string, string | null, (string | null)?])[] = [
    ["Ann@Example.COM", "ann@example.com", null],
    ["  ann+Lists/x@example.com ", "ann@example.com", "Lists/x"],
    ["ann+a+b@example.com", "ann@example.com", "a+b"],
    ["ann+@example.com", "ann@example.com", ""],
    ["+x@example.com", "+x@example.com", null],
    ['"ann"@example.com', "ann@example.com", null],
    ['"a\\nn"@example.com', "ann@example.com", null],
    ["müller@bücher.example", "müller@bücher.example", null],
    ["a@localhost", "a@localhost", null],
    ["__proto__@example.com", "__proto__@example.com", null],
    ['""@example.com', null],
    ['"a b"@example.com', null],
    ['"a"b@example.com', null],
    ["a b@example.com", null],
    ["a@b@example.com", null],
    ["a@", null],
    ["@example.com", null],
    ["a", null],
    ["", null],
    ["a@-x.com", null],
    ["a@x..com", null],
    ["a@x.com.", null],
    ["a\r\n@x.com", null],
    ["a\0@x.com", null],
    ["\ud800@x.com", null],
    ["<a@x.com>", null],
    [`a@${"a-".repeat(200_000)}!`, null],
    [`${'"\\"'.repeat(100_000)}@x`, null],
    [`${"a".repeat(257)}@x.com`, null],
    [`a@${"x".repeat(256)}`, null],
  ];
  for (const [text, base, detail] of cases) {
    const parsed = parseAddress(text);
    assert.equal(parsed?.base ?? null, base, JSON.stringify(text));
    if (parsed) assert.equal(parsed.detail, detail, text);
  }
});

Deno.test("cleanMailboxName() makes one form of INBOX and of composed characters", () => {
  assert.equal(cleanMailboxName("inBox"), "INBOX");
  assert.equal(cleanMailboxName("inbox/inbox"), "INBOX/inbox");
  assert.equal(cleanMailboxName("a\u0308"), "ä");
  assert.equal(cleanMailboxName('&~%*"\\ .x'), '&~%*"\\ .x');
  assert.equal(mailboxKey("A\u0308/X"), mailboxKey("ä/x"));
  assert.deepEqual(parentNames("a/b/c"), ["a", "a/b"]);
  assert.deepEqual(parentNames("a"), []);
});

Deno.test("cleanKeywords() and foldKeywords() drop, fold and limit", () => {
  const given = [
    "$A",
    "$a",
    "",
    "NIL",
    "nil",
    "NULL",
    "a b",
    "(",
    "\\Seen",
    "é",
    "a]",
    "x".repeat(101),
  ];
  assert.deepEqual(cleanKeywords([...given, "toString"]), ["$A", "toString"]);
  assert.deepEqual(foldKeywords(["x", "Y", "y"], ["X"]), {
    keywords: ["X", "Y", "Y"],
    added: ["Y"],
  });
  const full = Array.from({ length: 1000 }, (_, n) => `k${n}`);
  assert.deepEqual(foldKeywords(["K5"], full).added, []);
  assert.throws(() => foldKeywords(["new"], full), { name: "Refused" });
});

Deno.test("object keys lose only their own hash on the way into the database", () => {
  const hash = hashOf("x");
  for (const key of [`example.com/ann/${hash}`, "other", hash, `a/${hashOf("y")}`]) {
    assert.equal(unpackObjectKey(packObjectKey(key, hash), hash), key);
  }
  assert.equal(packObjectKey(`example.com/ann/${hash}`, hash), "example.com/ann/");
});

Deno.test("sql numbers its parameters through fragments and names equal texts equally", () => {
  const condition = sql`b = ${2} AND c = ${"x"}`;
  const one = compile(sql`SELECT ${1}::int WHERE ${joined([condition, sql`d`], " AND ")} = ${3}`);
  assert.equal(one.text, "SELECT $1::int WHERE b = $2 AND c = $3 AND d = $4");
  assert.deepEqual(one.values, [1, 2, "x", 3]);
  const two = compile(sql`SELECT ${4}::int WHERE ${joined([condition, sql`d`], " AND ")} = ${5}`);
  assert.ok(one.name !== undefined);
  assert.equal(two.name, one.name);
  assert.equal(compile(sql`SELECT ${condition.unprepared()}`).name, undefined);
});

Deno.test("sql: a value or a fragment in the same place are different texts", () => {
  const at = (part: unknown) => compile(sql`SELECT ${part} + ${sql`x`} + ${part}`);
  const texts = [at(1), at(sql`1`), at(sql`${1}`), at(2)].map(({ text }) => text);
  assert.deepEqual(texts, [
    "SELECT $1 + x + $2",
    "SELECT 1 + x + 1",
    "SELECT $1 + x + $2",
    "SELECT $1 + x + $2",
  ]);
  assert.equal(at(1).name, at(sql`${1}`).name, "the same text has one name");
  assert.deepEqual(at(2).values, [2, 2]);
});
