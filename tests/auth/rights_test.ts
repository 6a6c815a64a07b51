import assert from "node:assert/strict";
import { ALL_RIGHTS, obsoleteLetters, readRights, rightLetters } from "../../src/auth/rights.ts";

Deno.test("readRights() reads letters, those of RFC 2086 too, and refuses all others", () => {
  const cases: readonly (readonly [letters: string, rights: string | null])[] = [
    ["", ""],
    ["lrswipkxtea", "lrswipkxtea"],
    ["aetxkpiwsrl", "lrswipkxtea"],
    ["c", "kx"],
    ["d", "te"],
    ["lrswicda", "lrswikxtea"],
    ["ll", "l"],
    ["L", null],
    ["lq", null],
    ["0", null],
    ["l r", null],
    ["toString", null],
    ["\u{1f4e7}", null],
  ];
  for (const [letters, expected] of cases) {
    const rights = readRights(letters);
    assert.equal(rights && rightLetters(rights), expected, letters);
  }
});

Deno.test("obsoleteLetters() names c and d when any of their members is there", () => {
  const cases = [["lrs", ""], ["k", "c"], ["x", "c"], ["t", "d"], ["le", "d"], ["kt", "cd"]];
  for (const [letters = "", expected] of cases) {
    assert.equal(obsoleteLetters(readRights(letters) ?? ALL_RIGHTS), expected, letters);
  }
});
