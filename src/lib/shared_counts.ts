/** Numbers that all isolates of the process count together. */
export class SharedCounts<Name extends string> {
  /** To be given to the other isolates. */
  readonly buffer: SharedArrayBuffer;
  readonly #names: readonly Name[];
  readonly #values: BigInt64Array;

  /** `names`: the same ones in the same order in every isolate. */
  constructor(names: readonly Name[], buffer?: SharedArrayBuffer) {
    this.buffer = buffer ?? new SharedArrayBuffer(names.length * BigInt64Array.BYTES_PER_ELEMENT);
    this.#names = names;
    this.#values = new BigInt64Array(this.buffer);
  }

  get(name: Name): number {
    return Number(Atomics.load(this.#values, this.#names.indexOf(name)));
  }

  add(name: Name, value: number): void {
    Atomics.add(this.#values, this.#names.indexOf(name), BigInt(Math.trunc(value)));
  }

  set(name: Name, value: number): void {
    Atomics.store(this.#values, this.#names.indexOf(name), BigInt(Math.trunc(value)));
  }
}
