import assert from "node:assert/strict";
import { expungeLines } from "../../../src/imap/view/expunge_lines.ts";
import {
  countOf,
  expunged,
  inChunks,
  indexOf,
  indexRanges,
  lastUid,
  missingUids,
  spannedUids,
  type UidList,
  uidsAt,
} from "../../../src/imap/view/uid_list.ts";
import type { Uid } from "../../../src/lib/ids.ts";
import { NumberSet } from "../../../src/lib/number_set.ts";

/** With spare room behind the end, as maps have it. */
function list(uids: readonly number[], generation = 1): UidList {
  return { uids: Uint32Array.from([...uids, 0, 99, 0]), count: uids.length, generation };
}

Deno.test("indexOf() and lastUid() never look behind the end", () => {
  const uids = list([2, 5, 9]);
  assert.deepEqual([1, 2, 5, 6, 9, 99].map((uid) => indexOf(uids, uid)), [-1, 0, 1, -1, 2, -1]);
  assert.equal(lastUid(uids), 9);
  assert.equal(lastUid(list([])), 0);
});

Deno.test("indexRanges() finds what exists of any set", () => {
  const cases: [wanted: [number, number][], positions: [number, number][]][] = [
    [[[1, 4294967295]], [[0, 2]]],
    [[[3, 4]], []],
    [[[2, 2], [9, 20]], [[0, 0], [2, 2]]],
    [[[10, 99]], []],
  ];
  for (const [wanted, positions] of cases) {
    assert.deepEqual(indexRanges(list([2, 5, 9]), NumberSet.of(wanted)), positions);
  }
});

Deno.test("missingUids() finds what does not exist of any set, as gaps", () => {
  const cases: [wanted: [number, number][], below: number, missing: string][] = [
    [[[1, 4294967295]], 12, "1,3:4,6:8,10:11"],
    [[[1, 4294967295]], 10, "1,3:4,6:8"],
    [[[0, 1]], 12, "1"],
    [[[2, 2], [9, 9]], 12, ""],
    [[[3, 5], [8, 10]], 12, "3:4,8,10"],
    [[[10, 99]], 10, ""],
  ];
  for (const [wanted, below, missing] of cases) {
    const uids = NumberSet.of(wanted.map(([low, high]) => [low as Uid, high as Uid] as const));
    assert.equal(missingUids(list([2, 5, 9]), { uids, below: below as Uid }).toString(), missing);
  }
  const none = { uids: NumberSet.of([[1 as Uid, 5 as Uid]]), below: 4 as Uid };
  assert.equal(missingUids(list([]), none).toString(), "1:3");
});

Deno.test("spannedUids() is as short as the ranges, whatever lies between", () => {
  const uids = list([2, 5, 9, 100]);
  assert.equal(`${spannedUids(uids, [[0, 2]])}`, "2:9");
  assert.equal(`${spannedUids(uids, [[0, 0], [3, 3]])}`, "2,100");
  assert.deepEqual([...uidsAt(uids, [[0, 1], [3, 3]])], [2, 5, 100]);
});

Deno.test("inChunks() cuts ranges where chunks end, and asks for each chunk's size", () => {
  const sizes = [2, 3, 10];
  const chunks = [...inChunks([[0, 2], [5, 9]], () => sizes.shift() ?? 1)];
  assert.deepEqual(chunks, [[[0, 1]], [[2, 2], [5, 6]], [[7, 9]]]);
  assert.deepEqual(chunks.map(countOf), [2, 3, 3]);
  assert.deepEqual([...inChunks([], () => 5)], []);
});

Deno.test("expunged() says which positions are gone, and null for what cannot be", () => {
  assert.deepEqual(expunged(list([1, 2, 3]), list([1, 2, 3, 4])), []);
  assert.deepEqual(expunged(list([1, 2, 3]), list([2, 7], 2)), [0, 2]);
  assert.deepEqual(expunged(list([1, 2, 3]), list([], 2)), [0, 1, 2]);
  assert.equal(expunged(list([1, 3]), list([1, 2, 3], 2)), null);
  assert.equal(expunged(list([1, 3]), list([1])), null);
});

Deno.test("expungeLines() goes from the highest to the lowest, in pieces", () => {
  assert.deepEqual([...expungeLines([0, 4])], ["* 5 EXPUNGE\r\n* 1 EXPUNGE\r\n"]);
  assert.deepEqual([...expungeLines([])], []);
  const many = [...expungeLines(Array.from({ length: 5_000 }, (_, i) => i))];
  assert.equal(many.length, 3);
  assert.equal(many.join("").split("\r\n").length, 5_001);
});
