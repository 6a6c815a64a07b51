/** Something with deadlines: told the time about once a second while it is watched. */
export interface Timed {
  tick(nowMs: number): void;
}

/** WHY: deadlines here are seconds to minutes; a finer clock would only burn CPU. */
const TICK_MS = 1_000;

/**
 * One timer for the deadlines of all connections. It runs only while something is watched, so that
 * an idle program can end.
 */
export class Ticker {
  readonly #watched = new Set<Timed>();
  readonly #clock: () => number;
  readonly #manual: boolean;
  #now: number;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** With a clock of its own a ticker has no timer: a test calls `tick()`. */
  constructor(clock?: () => number) {
    this.#manual = clock !== undefined;
    this.#clock = clock ?? (() => performance.now());
    this.#now = this.#clock();
  }

  /** Milliseconds of a monotonic clock, as of the last tick: up to a second late, but free. */
  get now(): number {
    return this.#now;
  }

  watch(timed: Timed): void {
    if (this.#watched.size === 0) this.#start();
    this.#watched.add(timed);
  }

  unwatch(timed: Timed): void {
    this.#watched.delete(timed);
    if (this.#watched.size === 0) this.#stop();
  }

  /** Tells everything watched what time it is. */
  tick(): void {
    this.#now = this.#clock();
    for (const timed of this.#watched) timed.tick(this.#now);
  }

  #start(): void {
    this.#now = this.#clock();
    if (!this.#manual) this.#timer = setInterval(() => this.tick(), TICK_MS);
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** The ticker of this isolate. */
export const sharedTicker: Ticker = new Ticker();
