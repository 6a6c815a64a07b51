import { Refused } from "../lib/refused.ts";
import { type Cleaned, CleanupCycle, type CycleParts } from "./cleanup_cycle.ts";

/** Advisory lock of the one cleaner of a cluster: "clean". */
const LOCK = 0x636c65616e;
/** WHY: the first round must not compete with the start. */
const FIRST_ROUND_MS = 60_000;
/** WHY: most of the time is everybody else's; the busier the machine, the longer all of it takes. */
const REST_TIMES = 1;
const REST_MAX_MS = 1_000;
/** WHY: to a clock that is weeks ahead everything has been deleted long ago. */
const CLOCK_SKEW_MS_MAX = 3_600_000;

/** A lock that is held until it is disposed of, or lost: `SessionLock`. */
export interface HeldLock extends AsyncDisposable {
  readonly lost: AbortSignal;
  isHeld(): Promise<boolean>;
}

export interface CleanerOptions extends Omit<CycleParts, "pause"> {
  /** Takes the lock of the cluster; null: another node cleans. */
  readonly hold: (key: number) => Promise<HeldLock | null>;
}

/** What became of a round. */
export type Round =
  /** `isWhole`: all of it; otherwise the object store could not be used. */
  | { readonly kind: "done"; readonly isWhole: boolean; readonly cleaned: Cleaned }
  | { readonly kind: "elsewhere" }
  | { readonly kind: "failed"; readonly error: unknown };

/**
 * Removes for good what was deleted long enough ago, and expunges what is too old: every `wakeIntervalMs`, on
 * one node at a time, under a lock that lasts for the whole round.
 */
export class Cleaner implements AsyncDisposable {
  readonly #options: CleanerOptions;
  readonly #stop = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<Round> | undefined;
  #isHurried = false;

  constructor(options: CleanerOptions) {
    this.#options = options;
    this.#later(Math.min(FIRST_ROUND_MS, options.config.wakeIntervalMs));
  }

  /** A round now, without rests between its batches, or what is left of the one under way. Never throws. */
  async round(): Promise<Round> {
    this.#isHurried = true;
    try {
      return await this.#run();
    } finally {
      this.#isHurried = false;
    }
  }

  /** The batch under way is ended, nothing else is begun. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }

  #later(ms: number): void {
    if (this.#stop.signal.aborted) return;
    // WHY: a random quarter less, so that the nodes of a cluster do not all ask at once.
    this.#timer = setTimeout(() => void this.#wake(), ms * (1 - Math.random() / 4));
  }

  async #wake(): Promise<void> {
    await this.#run();
    this.#later(this.#options.config.wakeIntervalMs);
  }

  #run(): Promise<Round> {
    return this.#running ??= this.#attempt().finally(() => this.#running = undefined);
  }

  async #attempt(): Promise<Round> {
    const { hold, log, metrics } = this.#options;
    const since = performance.now();
    let round: Round;
    try {
      await using lock = await hold(LOCK);
      round = lock ? await this.#clean(lock) : { kind: "elsewhere" };
    } catch (error) {
      round = { kind: "failed", error };
      if (!this.#stop.signal.aborted) log.warning("cleanup-failed", { error });
    }
    const result = round.kind === "done" && !round.isWhole ? "partial" : round.kind;
    metrics.cleanupRoundsTotal.inc({ result });
    if (round.kind === "done") {
      const seconds = (performance.now() - since) / 1000;
      metrics.cleanupDuration.set(seconds);
      if (round.isWhole) metrics.cleanupLastSuccess.set(Date.now() / 1000);
      log.info("cleaned", { ...round.cleaned, seconds: Math.round(seconds) });
    }
    return round;
  }

  async #clean(lock: HeldLock): Promise<Round> {
    const skewMs = await this.#options.purge.clockSkewMs();
    if (!(skewMs <= CLOCK_SKEW_MS_MAX)) {
      throw new Error(
        `Cannot clean while the database's clock is ${Math.round(skewMs / 1000)} s off`,
      );
    }
    let worked = performance.now();
    const pause = async () => {
      await this.#rest(performance.now() - worked, lock.lost);
      // WHY asked each time: who has lost the lock must not go on beside somebody who has it.
      if (!await lock.isHeld()) throw new Error("Cannot go on cleaning without the lock");
      this.#stop.signal.throwIfAborted();
      worked = performance.now();
    };
    const cycle = new CleanupCycle({ ...this.#options, pause });
    await cycle.expungeByAge();
    await cycle.mark();
    const isWhole = await this.#purge(cycle);
    await cycle.forget();
    return { kind: "done", isWhole, cleaned: cycle.cleaned };
  }

  /** False when the object store is in trouble: the next round tries again. */
  async #purge(cycle: CleanupCycle): Promise<boolean> {
    try {
      await cycle.purgeExpunged();
      await cycle.purgeMarked();
      return true;
    } catch (error) {
      const isStorage = error instanceof Refused && error.refusal.kind === "unavailable" &&
        error.refusal.what === "bodies";
      if (!isStorage) throw error;
      this.#options.log.warning("cleanup-waits-for-storage", { error });
      return false;
    }
  }

  async #rest(ms: number, lost: AbortSignal): Promise<void> {
    if (this.#isHurried) return;
    const signal = AbortSignal.any([this.#stop.signal, lost]);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, Math.min(ms * REST_TIMES, REST_MAX_MS));
      signal.addEventListener("abort", done);
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      }
    });
  }
}
