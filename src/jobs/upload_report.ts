import type { CacheCounts } from "../blobs/body_cache.ts";
import { CACHE_COUNTS } from "../blobs/body_cache.ts";
import type { StagingCounts } from "../blobs/staging.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { UploadStatus, UploadStore } from "../store/uploads.ts";

/** WHY: Prometheus asks four times a minute. */
const ROUND_MS = 10_000;
/** WHY: to count a long backlog must not become the database's main work. */
const REST_TIMES = 20;
/** An upload that has waited for so long is told of. */
const STALLED_S = 3_600;
const STALLED_PAUSE_MS = 3_600_000;

export interface UploadReportOptions {
  readonly uploads: Pick<UploadStore, "status">;
  readonly instanceId: string;
  readonly maxAttempts: number;
  readonly staging: StagingCounts;
  readonly cache: CacheCounts | null;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Keeps the metrics of uploads, staging and cache up to date; says it when an upload takes hours. */
export class UploadReport implements AsyncDisposable {
  readonly #options: UploadReportOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #running: Promise<void> | undefined;
  #stalledAt = -Infinity;
  #notBefore = -Infinity;

  constructor(options: UploadReportOptions) {
    this.#options = options;
    this.#running = this.round().finally(() => this.#running = undefined);
    this.#timer = setInterval(() => {
      if (performance.now() < this.#notBefore) return;
      this.#running ??= this.round().finally(() => this.#running = undefined);
    }, ROUND_MS);
  }

  /** Asks once. Never rejects: while the database does not answer, the last numbers stay. */
  async round(): Promise<void> {
    const { uploads, instanceId, maxAttempts, staging, cache, metrics, log } = this.#options;
    metrics.stagingBytes.set(staging.get("bytes"));
    for (const name of CACHE_COUNTS) {
      if (!cache) break;
      if (name === "bytes") metrics.cacheBytes.set(cache.get(name));
      else metrics.cacheEvents.set({ event: name }, cache.get(name));
    }
    const since = performance.now();
    try {
      const status = await uploads.status(maxAttempts);
      const own = status.find((one) => one.instanceId === instanceId);
      metrics.bytesAtRisk.set(own?.atRiskBytes ?? 0);
      this.#set("staging", own);
      this.#set("database", status.find((one) => one.instanceId === null));
    } catch (error) {
      log.warning("uploads-not-counted", { error });
    }
    const now = performance.now();
    this.#notBefore = now + REST_TIMES * (now - since);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  #set(where: "staging" | "database", status: UploadStatus | undefined): void {
    const { metrics, log } = this.#options;
    metrics.uploadsPending.set({ where }, status?.pending ?? 0);
    metrics.uploadsFailed.set({ where }, status?.failed ?? 0);
    metrics.uploadOldestSeconds.set({ where }, status?.oldestSeconds ?? 0);
    if (!status || status.oldestSeconds < STALLED_S) return;
    if (performance.now() - this.#stalledAt < STALLED_PAUSE_MS) return;
    this.#stalledAt = performance.now();
    const { pending, failed, sizeBytes, oldestSeconds } = status;
    log.error("uploads-stalled", { where, pending, failed, sizeBytes, oldestSeconds });
  }
}
