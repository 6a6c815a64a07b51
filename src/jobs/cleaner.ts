import { BackgroundJob } from "../lib/background_job.ts";
import { Refused } from "../lib/refused.ts";
import { SteadyClock } from "../lib/steady_clock.ts";
import { type Cleaned, CleanupCycle, type CycleParts } from "./cleanup_cycle.ts";
import { OrphanSweep, type OrphanSweepOptions } from "./orphan_sweep.ts";

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

export interface CleanerOptions extends Omit<CycleParts, "pause">, OrphanSweepOptions {
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
  readonly #job: BackgroundJob;
  #running: Promise<Round> | undefined;
  readonly #clock = new SteadyClock();
  #isHurried = false;

  constructor(options: CleanerOptions) {
    this.#options = options;
    const { wakeIntervalMs } = options.config;
    this.#job = new BackgroundJob({
      firstMs: someLess(Math.min(FIRST_ROUND_MS, wakeIntervalMs)),
      round: () => this.#run().then(() => someLess(wakeIntervalMs)),
      failed: () => wakeIntervalMs,
    });
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
    await this.#job[Symbol.asyncDispose]();
    await this.#running;
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
      if (!this.#job.signal.aborted) log.warning("cleanup-failed", { error });
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
      const restMs = Math.min((performance.now() - worked) * REST_TIMES, REST_MAX_MS);
      if (!this.#isHurried) await this.#job.rest(restMs, lock.lost);
      // WHY asked each time: who has lost the lock must not go on beside somebody who has it.
      if (!await lock.isHeld()) throw new Error("Cannot go on cleaning without the lock");
      this.#job.signal.throwIfAborted();
      worked = performance.now();
    };
    const { now = () => new Date(this.#clock.now()) } = this.#options;
    const cycle = new CleanupCycle({ ...this.#options, now, pause });
    await cycle.expungeByAge();
    await cycle.mark();
    const isWhole = await this.#purge(cycle);
    await cycle.forget();
    const isSwept = await this.#sweep(now(), pause);
    return { kind: "done", isWhole: isWhole && isSwept, cleaned: cycle.cleaned };
  }

  #purge(cycle: CleanupCycle): Promise<boolean> {
    return this.#unlessTrouble(async () => {
      await cycle.purgeExpunged();
      await cycle.purgeMarked();
    });
  }

  async #sweep(now: Date, pause: () => Promise<void>): Promise<boolean> {
    const { config: { orphanIntervalMs } } = this.#options;
    if (orphanIntervalMs === 0) return true;
    const sweep = new OrphanSweep(this.#options, pause);
    return await this.#unlessTrouble(() => sweep.run(orphanIntervalMs, now));
  }

  /** False when the object store is in trouble: the next round tries again. */
  async #unlessTrouble(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      const isStorage = error instanceof Refused && error.refusal.kind === "unavailable" &&
        error.refusal.what === "bodies";
      if (!isStorage) throw error;
      this.#options.log.warning("cleanup-waits-for-storage", { error });
      return false;
    }
  }
}

/** WHY: so that the nodes of a cluster do not all ask at once. */
function someLess(ms: number): number {
  return ms * (1 - Math.random() / 4);
}
