import assert from "node:assert/strict";
import fc from "fast-check";
import { ListPattern } from "../../src/imap/list_pattern.ts";

Deno.test("patterns match as RFC 3501 §6.3.8 says", () => {
  const cases = [
    ["*", "a/b/c", true],
    ["%", "a", true],
    ["%", "a/b", false],
    ["%/%", "a/b", true],
    ["a/%", "a/b/c", false],
    ["a/*", "a/b/c", true],
    ["a*c", "a/b/c", true],
    ["%%*%", "a/b/c", true],
    ["", "", true],
    ["", "a", false],
    ["*", "", true],
    ["inbox", "INBOX", true],
    ["sent", "Sent", true],
    ["entwÜrfe", "Entwürfe", true],
    ["a", "ab", false],
    ["ab", "a", false],
    ["%b", "aab", true],
    ["%😀", "a😀", true],
    [".*", "ab", false],
    ["a%b*", "a/b", false],
  ] as const;
  for (const [pattern, name, expected] of cases) {
    assert.equal(new ListPattern(pattern).matches(name), expected, `${pattern} ${name}`);
  }
});

Deno.test("a pattern matches like the regular expression it means", () => {
  const text = (letters: string) => fc.string({ unit: fc.constantFrom(...letters), maxLength: 8 });
  fc.assert(
    fc.property(text("ab/*%"), text("ab/"), (pattern, name) => {
      const source = pattern.replaceAll("*", ".*").replaceAll("%", "[^/]*");
      assert.equal(new ListPattern(pattern).matches(name), new RegExp(`^${source}$`).test(name));
    }),
    { numRuns: 5_000 },
  );
});

Deno.test("the worst pattern costs pattern times name, and an impossible one nothing", () => {
  const pattern = new ListPattern("*a".repeat(500) + "b");
  const name = "a".repeat(1_000);
  assert.ok(!pattern.matches(name));
  assert.ok(!new ListPattern("a".repeat(60_000)).matches(name));
});
