import { setImmediate } from "node:timers/promises";
import type { Steps } from "./steps.ts";

/** WHY: a tenth of a stall that anybody would notice, and long enough that yielding costs nothing. */
const TURN_MS = 8;

/**
 * Keeps a long loop from holding the event loop: `await pace.breathe()` between its steps lets
 * everybody else run whenever the loop has worked for a while. Loops that share one pace share its
 * turns: together they work for one turn, plus one step each.
 */
export class Pace {
  #since = performance.now();
  #turn: Promise<void> | undefined;

  /** Resolves at once, or after a turn of the event loop when one is due. */
  async breathe(): Promise<void> {
    if (performance.now() - this.#since < TURN_MS) return;
    // WHY: one turn for all who wait, or a hundred of them would work one after the other in it.
    await (this.#turn ??= this.#nextTurn());
  }

  async #nextTurn(): Promise<void> {
    await setImmediate();
    this.#since = performance.now();
    this.#turn = undefined;
  }
}

/** The pace of all sessions of this isolate. */
export const sharedPace: Pace = new Pace();

/** Runs a computation that yields where it may be interrupted, as `sharedPace` has it. */
export async function inTurns<T>(steps: Steps<T>): Promise<T> {
  for (let step = steps.next();; step = steps.next()) {
    if (step.done) return step.value;
    await sharedPace.breathe();
  }
}
