import { NONE } from "../../../lib/number_list.ts";

const FIRST_CAPACITY = 2_048;

/**
 * Message ids → nodes, by 64 bits of a hash with a seed of its own. WHY not a Map: it keeps every id
 * in memory, and with it the list that the id is a piece of, and when it grows everybody waits. That
 * two of a million ids have the same hash happens once in forty million times.
 */
export class IdTable {
  readonly #seedA = randomSeed();
  readonly #seedB = randomSeed();
  // Open addressing: a power of two, at most half of it in use.
  #highs = new Int32Array(FIRST_CAPACITY);
  #lows = new Int32Array(FIRST_CAPACITY);
  #nodes = new Int32Array(FIRST_CAPACITY).fill(NONE);
  #count = 0;
  // What was looked for last.
  #high = 0;
  #low = 0;
  #slot = 0;

  /** The node of the id that stands there in the text; NONE when it is not known. */
  find(text: string, start = 0, end = text.length): number {
    let a = this.#seedA;
    let b = this.#seedB;
    for (let at = start; at < end; at++) {
      const unit = text.charCodeAt(at);
      a = Math.imul(a ^ unit, 0x85ebca6b);
      a = (a << 13) | (a >>> 19);
      b = Math.imul(b + unit, 0xc2b2ae35);
      b = (b << 15) | (b >>> 17);
    }
    this.#high = mix(a ^ end - start);
    this.#low = mix(b ^ this.#high);
    this.#slot = this.#slotOf(this.#high, this.#low);
    return this.#nodes[this.#slot] ?? NONE;
  }

  /** Gives the id that `find` did not know just now a node. */
  keep(node: number): void {
    this.#fill(this.#slot, { high: this.#high, low: this.#low, node });
    if (2 * ++this.#count > this.#nodes.length) this.#grow();
  }

  #slotOf(high: number, low: number): number {
    const mask = this.#nodes.length - 1;
    let slot = low & mask;
    while (
      this.#nodes[slot] !== NONE && (this.#lows[slot] !== low || this.#highs[slot] !== high)
    ) slot = (slot + 1) & mask;
    return slot;
  }

  #fill(slot: number, { high, low, node }: Entry): void {
    this.#highs[slot] = high;
    this.#lows[slot] = low;
    this.#nodes[slot] = node;
  }

  #grow(): void {
    const [highs, lows, nodes] = [this.#highs, this.#lows, this.#nodes];
    this.#highs = new Int32Array(2 * nodes.length);
    this.#lows = new Int32Array(2 * nodes.length);
    this.#nodes = new Int32Array(2 * nodes.length).fill(NONE);
    for (let at = 0; at < nodes.length; at++) {
      const node = nodes[at] ?? NONE;
      if (node === NONE) continue;
      const [high, low] = [highs[at] ?? 0, lows[at] ?? 0];
      this.#fill(this.#slotOf(high, low), { high, low, node });
    }
  }
}

interface Entry {
  readonly high: number;
  readonly low: number;
  readonly node: number;
}

/** Every bit of the input changes half of the bits. */
function mix(bits: number): number {
  let mixed = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function randomSeed(): number {
  return Math.floor(Math.random() * 2 ** 32) | 0;
}
