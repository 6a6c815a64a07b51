import assert from "node:assert/strict";
import { IdTable } from "../../../src/imap/commands/thread/id_table.ts";
import { NONE } from "../../../src/lib/number_list.ts";

const MANY = 200_000;

const shapes: readonly ((n: number) => string)[] = [
  (n) => `<${n}@example.org>`,
  (n) => `<${n.toString(2)}>`,
  (n) => String.fromCharCode(n & 0xffff, n >> 16, 1),
  (n) => "a".repeat(n % 500) + "\0".repeat(Math.floor(n / 500)),
  (n) => `<${"x".repeat(50)}${n}${"y".repeat(50)}>`,
];

Deno.test("IdTable tells ids apart that differ in little, as it grows", () => {
  for (const shape of shapes) {
    const table = new IdTable();
    for (let n = 0; n < MANY; n++) {
      assert.equal(table.find(shape(n)), NONE);
      table.keep(n);
    }
    for (let n = 0; n < MANY; n++) {
      if (table.find(shape(n)) !== n) assert.fail(`${n}`);
    }
    assert.equal(table.find("something else"), NONE);
  }
});

Deno.test("IdTable finds ids in the middle of a text", () => {
  const table = new IdTable();
  assert.equal(table.find("<a> <b> <a>", 0, 3), NONE);
  table.keep(7);
  assert.equal(table.find("<a> <b> <a>", 8), 7);
  assert.equal(table.find("<a> <b> <a>", 4, 7), NONE);
  assert.equal(table.find("<a>"), 7);
});
