import { SteadyClock } from "../lib/steady_clock.ts";
import { type Log, logger } from "../observe/log.ts";
import type { ObjectKey } from "./blobs.ts";
import type { BodyCache } from "./body_cache.ts";
import { TEMPORARY_FOLDER } from "./disk_blobs.ts";
import type { StagedFile, Staging } from "./staging.ts";
import { sweepLeftovers } from "./sweep.ts";

/** Files that one query asks for. */
const BATCH_FILES = 500;
/** Longest pause between two rounds. */
const ROUND_MS = 5 * 60_000;
/** WHY: the grace period is kept within a quarter. */
const ROUNDS_PER_GRACE = 4;

export interface StagingSweeperOptions {
  readonly staging: Staging;
  /** Which of these bodies this machine may forget. */
  readonly mayGo: (files: readonly StagedFile[]) => Promise<ReadonlySet<ObjectKey>>;
  /** How long a body stays after it was put for the last time. */
  readonly graceMs: number;
  /** Where swept bodies go, if they fit. */
  readonly cache: BodyCache | null;
  readonly clock?: SteadyClock;
  readonly log?: Log;
}

/**
 * Removes staged bodies that the object store has, some time after their last message came: before that,
 * a transaction may be under way that names one and is not seen yet. One per process.
 */
export class StagingSweeper implements AsyncDisposable {
  readonly #options: StagingSweeperOptions;
  readonly #clock: SteadyClock;
  readonly #log: Log;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: StagingSweeperOptions) {
    this.#options = options;
    this.#clock = options.clock ?? new SteadyClock();
    this.#log = options.log ?? logger("staging");
  }

  /** Puts back what a killed process was about to remove, and sweeps from then on. */
  async start(): Promise<void> {
    await this.#options.staging.recover();
    this.#next(0);
  }

  /** One round; answers how many bodies went. */
  async round(): Promise<number> {
    const { staging, graceMs } = this.#options;
    const limit = this.#clock.now() - graceMs;
    await sweepLeftovers(`${staging.directory}/${TEMPORARY_FOLDER}`);
    let removed = 0;
    let bytes = 0;
    let old: StagedFile[] = [];
    for await (const file of staging.files()) {
      if (this.#isStopped) return removed;
      bytes += file.sizeBytes;
      if (file.putAt < limit) old.push(file);
      if (old.length < BATCH_FILES) continue;
      const went = await this.#remove(old, limit);
      removed += went.length;
      bytes -= sum(went);
      old = [];
    }
    const went = await this.#remove(old, limit);
    staging.counts.set("bytes", bytes - sum(went));
    return removed + went.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #remove(files: readonly StagedFile[], limit: number): Promise<StagedFile[]> {
    const { staging, mayGo, cache } = this.#options;
    const went: StagedFile[] = [];
    if (files.length === 0) return went;
    const going = await mayGo(files);
    for (const file of files) {
      if (this.#isStopped) break;
      const adopt = (path: string) => cache?.adopt(file.key, path) ?? Promise.resolve(false);
      if (going.has(file.key) && await staging.removeOld(file, limit, adopt)) went.push(file);
    }
    return went;
  }

  #next(ms: number): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => this.#running = this.#run(), ms);
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    try {
      const removed = await this.round();
      if (removed > 0) this.#log.info("staging-swept", { removed });
    } catch (error) {
      this.#log.warning("staging-not-swept", { error });
    }
    this.#next(Math.min(ROUND_MS, this.#options.graceMs / ROUNDS_PER_GRACE));
  }
}

function sum(files: readonly StagedFile[]): number {
  return files.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}
