/** What a list answers for a place that holds nothing. */
export const NONE = -1;

const FIRST_CAPACITY = 1_024;

/** Signed 32-bit integers in one piece of memory that grows: four octets each, places by number. */
export class NumberList {
  #values = new Int32Array(FIRST_CAPACITY);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The number at a place; NONE outside of the list. */
  at(place: number): number {
    return place < this.#length ? this.#values[place] ?? NONE : NONE;
  }

  /** At a place of the list. */
  put(place: number, value: number): void {
    this.#values[place] = value;
  }

  /** Adds a number behind the others; returns its place. */
  push(value: number): number {
    if (this.#length === this.#values.length) {
      const larger = new Int32Array(2 * this.#length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length] = value;
    return this.#length++;
  }
}
