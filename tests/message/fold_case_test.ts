import assert from "node:assert/strict";
import { foldCase } from "../../src/message/fold_case.ts";

const equal: readonly (readonly [a: string, b: string])[] = [
  ["Straße", "sTRAßE"],
  ["ÄPFEL", "a\u0308pfel"],
  ["ΟΔΟΣ", "οδοσ"],
  ["Ｆｕｌｌ", "FULL"],
  ["\u212b", "å"],
  ["", ""],
];

Deno.test("foldCase: what i;unicode-casemap takes for equal becomes equal", () => {
  for (const [a, b] of equal) assert.equal(foldCase(a), foldCase(b), a);
  assert.notEqual(foldCase("a"), foldCase("ä"));
  assert.notEqual(foldCase("ss"), foldCase("ß"));
});
