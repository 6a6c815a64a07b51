import assert from "node:assert/strict";
import { saslprep } from "../../src/lib/saslprep.ts";

Deno.test("saslprep() does what RFC 4013 §3 shows", () => {
  const cases: readonly (readonly [text: string, prepared: string | null])[] = [
    ["I\u00adX", "IX"],
    ["user", "user"],
    ["USER", "USER"],
    ["\u00aa", "a"],
    ["\u2168", "IX"],
    ["\u0007", null],
    ["a\u00a0b\u3000c", "a b c"],
    ["\ufeffbob", "bob"],
    ["\u200b", " "],
    ["", ""],
    ["\u00ad", ""],
    ["a\u0000", null],
    ["a\u0085", null],
    ["\ue000", null],
    ["\ufdd0", null],
    ["\ud800", null],
    ["\ufffd", null],
    ["\u{e0001}", null],
    ["\u202e", null],
    ["a\u2028b", null],
    ["bücher", "bücher"],
    ["u\u0308", "ü"],
  ];
  for (const [text, prepared] of cases) {
    assert.equal(saslprep(text), prepared, JSON.stringify(text));
  }
});
