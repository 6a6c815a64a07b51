import { setImmediate as nextTurn } from "node:timers/promises";

/** WHY: about 5 ms of simple steps; no command holds the event loop for 50 ms. */
const STEPS_PER_TURN = 500_000;

/** Lets the other sessions of this isolate run now and then during a long computation. */
export class Breather {
  #steps = 0;

  /** Counts work that is about to be done; waits for the next turn of the event loop when it is due. */
  async spend(steps: number): Promise<void> {
    this.#steps += steps + 1;
    if (this.#steps < STEPS_PER_TURN) return;
    this.#steps = 0;
    await nextTurn();
  }
}
