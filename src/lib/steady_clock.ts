/**
 * Wall-clock time that never runs ahead: when the clock of the machine jumps forward, this one goes on
 * as before. For ages of files, where too old means removed; what is too young is only kept longer.
 */
export class SteadyClock {
  readonly #wall: () => number;
  readonly #elapsed: () => number;
  readonly #offset: number;

  /** Other clocks are for tests: milliseconds since 1970, and of a clock that never jumps. */
  constructor(
    wall: () => number = () => Date.now(),
    elapsed: () => number = () => performance.now(),
  ) {
    this.#wall = wall;
    this.#elapsed = elapsed;
    this.#offset = wall() - elapsed();
  }

  /** Milliseconds since 1970. */
  now(): number {
    return Math.min(this.#wall(), this.#elapsed() + this.#offset);
  }
}
