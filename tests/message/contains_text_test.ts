import assert from "node:assert/strict";
import { atOnce } from "../../src/lib/steps.ts";
import { containsText } from "../../src/message/contains_text.ts";
import { foldCase } from "../../src/message/fold_case.ts";

const MARKS = "\u0301\u0316";

Deno.test("containsText() finds what includes() finds", () => {
  const letters = ["a", "b"];
  let state = 1;
  const roll = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
  const text = (length: number) => Array.from({ length }, () => letters[roll(2)]).join("");
  for (let round = 0; round < 300; round++) {
    const piece = text(1 + roll(40)).repeat(1 + roll(20));
    const hay = text(roll(50)) + piece.repeat(roll(3)) + text(roll(200));
    const needle = roll(2) === 0 ? piece : piece.slice(1) + text(roll(3));
    assert.equal(atOnce(containsText(hay, needle)), hay.includes(needle), `${needle} in ${hay}`);
  }
});

Deno.test("containsText() finds short and long needles on both sides of every pause", () => {
  for (
    const needle of ["xy", "x".repeat(63) + "y", "x".repeat(64) + "y", "x".repeat(4_000) + "y"]
  ) {
    for (const at of [0, 65_535, 65_536, 65_537, 131_072 - needle.length, 200_000]) {
      const hay = "x".repeat(at) + needle + "x".repeat(1_000);
      assert.ok(atOnce(containsText(hay, needle)), `${needle.length} at ${at}`);
      assert.ok(!atOnce(containsText(hay.replace("y", "z"), needle)));
    }
  }
  assert.ok(atOnce(containsText("", "")));
  assert.ok(!atOnce(containsText("", "x")));
});

Deno.test("foldCase() is the same in pieces", () => {
  const units = ["Straße ", "É", "e\u0301\u0316", "漢字", "ﾊﾟ", "😀", "각", "ﬁ", "x"];
  for (const unit of units) {
    const many = 100_000;
    const whole = foldCase(unit.repeat(many));
    assert.equal(whole, foldCase(unit).repeat(many), unit);
  }
});

Deno.test("foldCase() sorts the marks of people, and no floods of them", () => {
  assert.equal(foldCase("a\u0301\u0316"), foldCase("a\u0316\u0301"));
  assert.equal(foldCase(`a${MARKS.repeat(32)}`), foldCase(`a${"\u0316\u0301".repeat(32)}`));
  // WHY: sorted in one go, these would take hours.
  const flood = foldCase(`a${MARKS.repeat(1_000_000)}`);
  assert.equal(flood.length, 2_000_001);
});
