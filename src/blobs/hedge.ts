/** WHY: a store that is slow as a whole is not helped by being asked twice. */
const EARNED = 0.1;
const SAVED_MAX = 10;

/** How a second request ended: it was first, the first one was, or both failed. */
export type HedgeResult = "won" | "lost" | "failed";

export interface HedgedOptions<T> {
  /** Aborts both. */
  readonly signal: AbortSignal;
  /** What comes too late is given here, to be closed. */
  readonly discard: (late: T) => void;
  readonly onHedged: (result: HedgeResult) => void;
}

/**
 * Asks a second time when there is no answer after `afterMs`, and takes what comes first; the other
 * one is aborted. One in ten requests at most is asked for twice, in the long run. A failure before
 * that time is a failure.
 */
export class Hedge {
  readonly #afterMs: number;
  #tokens = SAVED_MAX;

  /** 0 = never asks twice. */
  constructor(afterMs: number) {
    this.#afterMs = afterMs;
  }

  async run<T>(
    ask: (signal: AbortSignal) => Promise<T>,
    { signal, discard, onHedged }: HedgedOptions<T>,
  ): Promise<T> {
    if (this.#afterMs === 0) return await ask(signal);
    this.#tokens = Math.min(SAVED_MAX, this.#tokens + EARNED);
    const first = start(ask, signal);
    const late = await isLate(first.answer, this.#afterMs);
    if (!late || this.#tokens < 1) return await first.answer;
    this.#tokens--;
    const second = start(ask, signal);
    const both = [first, second] as const;
    try {
      const winner = await Promise.any(
        both.map(async (one) => ({ one, value: await one.answer })),
      );
      const loser = winner.one === first ? second : first;
      loser.answer.then(discard, () => {});
      loser.abort();
      onHedged(winner.one === second ? "won" : "lost");
      return winner.value;
    } catch {
      onHedged("failed");
      return await first.answer;
    }
  }
}

function start<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): { readonly answer: Promise<T>; readonly abort: () => void } {
  const own = new AbortController();
  const answer = ask(AbortSignal.any([signal, own.signal]));
  answer.catch(() => {});
  return { answer, abort: () => own.abort() };
}

/** True when a promise is not settled after so many milliseconds. */
async function isLate(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(true), ms);
  const settled = promise.then(() => false, () => false);
  try {
    return await Promise.race([settled, late]);
  } finally {
    clearTimeout(timer);
  }
}
