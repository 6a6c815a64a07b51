import assert from "node:assert/strict";
import fc from "fast-check";
import { NumberSet } from "../../src/lib/number_set.ts";

const cases: readonly (readonly [input: readonly [number, number][], text: string])[] = [
  [[], ""],
  [[[1, 1]], "1"],
  [[[3, 1]], "1:3"],
  [[[5, 7], [1, 3]], "1:3,5:7"],
  [[[1, 3], [4, 6]], "1:6"],
  [[[1, 10], [2, 3]], "1:10"],
  [[[1, 4_294_967_295], [7, 9]], "1:4294967295"],
  [[[1, 1], [1, 1], [1, 1]], "1"],
];

for (const [input, text] of cases) {
  Deno.test(`NumberSet.of(${JSON.stringify(input)}) is "${text}"`, () => {
    assert.equal(NumberSet.of(input).toString(), text);
  });
}

Deno.test("NumberSet holds exactly the numbers it was made from", () => {
  fc.assert(fc.property(
    fc.array(fc.integer({ min: 1, max: 200 })),
    fc.integer({ min: 1, max: 200 }),
    (numbers, probe) => {
      const set = NumberSet.from(numbers);
      assert.deepEqual([...set.values()], [...new Set(numbers)].sort((a, b) => a - b));
      assert.equal(set.size, new Set(numbers).size);
      assert.equal(set.has(probe), numbers.includes(probe));
      assert.equal(set.isEmpty, numbers.length === 0);
    },
  ));
});

Deno.test("NumberSet ranges are sorted, disjoint and not adjacent", () => {
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 99 }))),
    (ranges) => {
      const set = NumberSet.of(ranges);
      set.lows.forEach((low, i) => {
        assert.ok(low <= (set.highs[i] ?? 0));
        if (i > 0) assert.ok(low > (set.highs[i - 1] ?? 0) + 1);
      });
    },
  ));
});
