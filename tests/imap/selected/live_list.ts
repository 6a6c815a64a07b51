import assert from "node:assert/strict";
import { uidsOf } from "./wire_model.ts";

const LIVE = /^\* ESEARCH \(TAG "([^"]+)"(?: MAILBOX [^)]*)?\)( UID)? ((?:ADDTO|REMOVEFROM) .*)$/;
const ITEM = /(ADDTO|REMOVEFROM) \(([^)]*)\) ?/g;
const EXPUNGE = /^\* (\d+) EXPUNGE$/;
const EXISTS = /^\* (\d+) EXISTS$/;

/** The result of a search with UPDATE as its client keeps it: RFC 5267 §4.3, and nothing else. */
export class LiveList {
  /** UIDs, or message numbers. */
  readonly list: number[];
  readonly #tag: string;
  readonly #byUid: boolean;
  readonly #isSorted: boolean;
  #exists: number;
  /** ADDTO or REMOVEFROM that were told. */
  updates = 0;

  constructor(
    { tag, byUid, isSorted, exists, first }: {
      readonly tag: string;
      readonly byUid: boolean;
      readonly isSorted: boolean;
      readonly exists: number;
      readonly first: readonly number[];
    },
  ) {
    this.#tag = tag;
    this.#byUid = byUid;
    this.#isSorted = isSorted;
    this.#exists = exists;
    this.list = [...first];
  }

  hear(lines: readonly string[]): void {
    for (const line of lines) {
      const [, tag, uid, items = ""] = LIVE.exec(line) ?? [];
      if (tag === this.#tag) {
        assert.equal(uid !== undefined, this.#byUid, line);
        this.#apply(items, line);
      }
      const [, exists] = EXISTS.exec(line) ?? [];
      if (exists !== undefined) this.#exists = Number(exists);
      const [, gone] = EXPUNGE.exec(line) ?? [];
      if (gone !== undefined) this.#expunge(Number(gone), line);
    }
  }

  /** Message numbers move, and none of them may go without a word. */
  #expunge(gone: number, line: string): void {
    this.#exists--;
    if (this.#byUid) return;
    assert.ok(!this.list.includes(gone), `${line}: still in the result of ${this.#tag}`);
    for (const [at, n] of this.list.entries()) if (n > gone) this.list[at] = n - 1;
  }

  #apply(items: string, line: string): void {
    assert.equal(items.replace(ITEM, ""), "", line);
    for (const [, what, pairs = ""] of items.matchAll(ITEM)) {
      const words = pairs.split(" ");
      assert.equal(words.length % 2, 0, line);
      for (let at = 0; at < words.length; at += 2) {
        const numbers = uidsOf(words[at + 1] ?? "");
        this.updates++;
        if (what === "ADDTO") this.#add(Number(words[at]), numbers, line);
        else this.#remove(Number(words[at]), numbers, line);
      }
    }
  }

  #add(position: number, numbers: readonly number[], line: string): void {
    for (const n of numbers) {
      assert.ok(!this.list.includes(n), `${line}: ${n} twice`);
      assert.ok(this.#byUid || n <= this.#exists, `${line}: beyond ${this.#exists} EXISTS`);
    }
    if (position > 0) {
      assert.ok(position <= this.list.length + 1, `${line}: beyond ${this.list.length}`);
      this.list.splice(position - 1, 0, ...numbers);
    } else {
      assert.ok(!this.#isSorted, line);
      this.list.push(...numbers);
      this.list.sort((a, b) => a - b);
    }
  }

  #remove(position: number, numbers: readonly number[], line: string): void {
    if (position > 0) {
      const gone = this.list.splice(position - 1, numbers.length);
      assert.deepEqual(gone, numbers, line);
      return;
    }
    assert.ok(!this.#isSorted, line);
    for (const n of numbers) {
      const at = this.list.indexOf(n);
      assert.ok(at >= 0, `${line}: ${n} is not in the result`);
      this.list.splice(at, 1);
    }
  }
}
