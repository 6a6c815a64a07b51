import { createHash } from "node:crypto";

/** WHY: a double has them exactly; of 10^7 texts, another one is taken for one of them with 4 · 10^-8. */
const OCTETS = 6;
const FIRST_LENGTH = 1024;

/** Many texts, of which is only asked whether they are there: 8 octets for each, and for as many again. */
export class Fingerprints {
  #prints = new Float64Array(FIRST_LENGTH);
  #count = 0;
  #isSorted = true;

  add(text: string): void {
    if (this.#count === this.#prints.length) {
      const grown = new Float64Array(2 * this.#count);
      grown.set(this.#prints);
      this.#prints = grown;
    }
    this.#prints[this.#count++] = printOf(text);
    this.#isSorted = false;
  }

  /** Asking between two `add` costs a sort. */
  has(text: string): boolean {
    if (!this.#isSorted) this.#prints.subarray(0, this.#count).sort();
    this.#isSorted = true;
    const print = printOf(text);
    let [low, high] = [0, this.#count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#prints[middle] ?? Infinity) < print) low = middle + 1;
      else high = middle;
    }
    return low < this.#count && this.#prints[low] === print;
  }
}

function printOf(text: string): number {
  return createHash("sha256").update(text).digest().readUIntBE(0, OCTETS);
}
