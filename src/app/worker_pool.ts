import type { Remote } from "../lib/rpc.ts";
import type { Log } from "../observe/log.ts";
import type { LogEntry } from "../observe/log_entry.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { MetricsSnapshot } from "../observe/sum_metrics.ts";
import { WorkerHandle } from "./worker_handle.ts";
import type { Drained, WorkerProcedures } from "./worker_protocol.ts";

/** First pause before a worker is started again; doubles up to the second. */
const RESTART_MIN_MS = 500;
const RESTART_MAX_MS = 60_000;
/** A worker that has served this long starts with the shortest pause again. */
const PROVEN_MS = 60_000;
/** Longest time that a scrape waits for one worker's numbers. */
const METRICS_MS = 2_000;
/** What a worker may take beyond the sessions' time to close its database and files. */
const CLOSE_MS = 5_000;

export interface WorkerPoolOptions {
  readonly size: number;
  /** A new worker isolate for this place, 1 … size. */
  readonly spawn: (number: number) => Worker;
  /** Gives a new worker what it needs; resolves when it serves. */
  readonly start: (remote: Remote<WorkerProcedures>, number: number) => Promise<void>;
  /** A worker is gone with its sessions. */
  readonly onGone: (number: number) => void;
  /** A worker hangs: its sockets cannot be taken from it, so the process has to end. */
  readonly onHung: (number: number) => void;
  readonly onLog: (entries: readonly LogEntry[]) => void;
  readonly log: Log;
  readonly metrics: Metrics;
  /** The workers serve clients, and are counted as those who do; default true. */
  readonly serves?: boolean;
  /** First pause before a restart, in milliseconds; default RESTART_MIN_MS. */
  readonly restartMinMs?: number;
}

interface Slot {
  readonly number: number;
  handle: WorkerHandle;
  serving: boolean;
  servingSince: number;
  pauseMs: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** The protocol workers: started together, each started again when it crashes, drained together. */
export class WorkerPool implements AsyncDisposable {
  readonly #options: WorkerPoolOptions;
  readonly #restartMinMs: number;
  readonly #slots: Slot[];
  #stopping = false;

  /** Spawns the isolates, which load their modules while the caller prepares what they need. */
  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#restartMinMs = options.restartMinMs ?? RESTART_MIN_MS;
    this.#slots = Array.from({ length: options.size }, (_, index) => ({
      number: index + 1,
      handle: this.#spawn(index + 1),
      serving: false,
      servingSince: 0,
      pauseMs: this.#restartMinMs,
      timer: undefined,
    }));
  }

  /**
   * Starts every worker. One that fails is tried again later, unless all fail: then the first
   * failure is thrown.
   */
  async start(): Promise<void> {
    const results = await Promise.allSettled(this.#slots.map((slot) => this.#start(slot)));
    const failures = results.filter((result) => result.status === "rejected");
    if (failures.length === this.#slots.length) throw failures[0]?.reason;
    for (const [index, result] of results.entries()) {
      const slot = this.#slots[index];
      if (slot && result.status === "rejected") this.#restartLater(slot, result.reason);
    }
  }

  /** The workers that serve now. */
  get serving(): readonly Remote<WorkerProcedures>[] {
    return this.#serving().map(({ handle }) => handle.remote);
  }

  get size(): number {
    return this.#slots.length;
  }

  /** The end has begun. */
  get isStopping(): boolean {
    return this.#stopping;
  }

  /** The worker with this number, whether it serves yet or not; of one that is gone every call fails. */
  remote(number: number): Remote<WorkerProcedures> | undefined {
    return this.#slots.find((slot) => slot.number === number)?.handle.remote;
  }

  /** The numbers of every worker that answers in time. */
  async snapshots(): Promise<MetricsSnapshot[]> {
    const asked = this.serving.map((remote) => within(METRICS_MS, remote.metrics()));
    const answers = await Promise.allSettled(asked);
    return answers.flatMap((answer) => answer.status === "fulfilled" ? [answer.value] : []);
  }

  /** Stops accepting, lets sessions end within `timeoutMs`, ends the workers. */
  async drain(timeoutMs: number): Promise<Drained> {
    this.#stopping = true;
    for (const slot of this.#slots) clearTimeout(slot.timer);
    const drained = await Promise.all(
      this.#serving().map(async ({ number, handle }) => {
        try {
          return await within(timeoutMs + CLOSE_MS, handle.remote.drain(timeoutMs));
        } catch (error) {
          this.#options.log.warning("worker-not-drained", { worker: number, error });
          return { ended: 0, cut: 0 };
        }
      }),
    );
    await this[Symbol.asyncDispose]();
    return {
      ended: drained.reduce((sum, { ended }) => sum + ended, 0),
      cut: drained.reduce((sum, { cut }) => sum + cut, 0),
    };
  }

  /** Ends every worker at once. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    for (const slot of this.#slots) {
      clearTimeout(slot.timer);
      slot.serving = false;
      slot.handle.terminate();
    }
    this.#report(0);
    return Promise.resolve();
  }

  #report(serving: number): void {
    if (this.#options.serves ?? true) this.#options.metrics.workersCurrent.set(serving);
  }

  #serving(): Slot[] {
    return this.#slots.filter(({ serving }) => serving);
  }

  #spawn(number: number): WorkerHandle {
    const handle = new WorkerHandle(this.#options.spawn(number), this.#options.onLog);
    void this.#watch(handle, number);
    return handle;
  }

  async #start(slot: Slot): Promise<void> {
    await this.#options.start(slot.handle.remote, slot.number);
    slot.serving = true;
    slot.servingSince = performance.now();
    this.#report(this.#serving().length);
  }

  async #watch(handle: WorkerHandle, number: number): Promise<void> {
    const { kind, error } = await handle.ended;
    const slot = this.#slots[number - 1];
    if (this.#stopping || slot?.handle !== handle) return;
    // WHY: one that has not served yet is the business of whoever waits for its start.
    const served = slot.serving;
    slot.serving = false;
    this.#report(this.#serving().length);
    this.#options.onGone(number);
    if (kind === "hung") {
      this.#options.log.error("worker-hung", { worker: number, error });
      return this.#options.onHung(number);
    }
    if (served) this.#restartLater(slot, error);
  }

  #restartLater(slot: Slot, error: unknown): void {
    if (this.#stopping) return;
    const { number } = slot;
    slot.handle.terminate();
    const proven = slot.servingSince > 0 && performance.now() - slot.servingSince > PROVEN_MS;
    if (proven) slot.pauseMs = this.#restartMinMs;
    slot.servingSince = 0;
    this.#options.log.error("worker-crashed", { worker: number, restartInMs: slot.pauseMs, error });
    slot.timer = setTimeout(() => void this.#restart(slot), slot.pauseMs);
    slot.pauseMs = Math.min(slot.pauseMs * 2, RESTART_MAX_MS);
  }

  /** Never rejects. */
  async #restart(slot: Slot): Promise<void> {
    const { log, metrics } = this.#options;
    metrics.workerRestartsTotal.inc();
    try {
      slot.handle = this.#spawn(slot.number);
      await this.#start(slot);
      log.info("worker-restarted", { worker: slot.number });
    } catch (error) {
      this.#restartLater(slot, error);
    }
  }
}

/** The promise, or a failure after so many milliseconds. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${ms} ms`)), ms);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
