import { setImmediate } from "node:timers/promises";

/** WHY: a tenth of a stall that anybody would notice, and long enough that yielding costs nothing. */
const TURN_MS = 8;

/**
 * Keeps a long loop from holding the event loop: `await pace.breathe()` between its steps lets
 * everybody else run whenever the loop has worked for a while.
 */
export class Pace {
  #since = performance.now();

  /** Resolves at once, or after a turn of the event loop when one is due. */
  async breathe(): Promise<void> {
    if (performance.now() - this.#since < TURN_MS) return;
    await setImmediate();
    this.#since = performance.now();
  }
}
