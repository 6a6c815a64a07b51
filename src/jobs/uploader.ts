import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Notices } from "../store/notices.ts";
import type { LeasedUpload, UploadStore } from "../store/uploads.ts";
import type { Outcome, UploadBatch } from "./upload_batch.ts";
import { type Backoff, backoff } from "./upload_backoff.ts";

/** How long an upload is its worker's without a sign of life. */
const LEASE_MS = 60_000;
const HEARTBEAT_MS = LEASE_MS / 3;
/** WHY: notices do the work; this finds what is due again, and what other nodes left in the database. */
const POLL_MS = 5_000;
/** Between two looks for what other instances have staged in a folder that is ours, too. */
const FOREIGN_MS = 30_000;
const FOREIGN_PAGE = 500;
/** First and longest pause of the whole uploader while the object store does not work. */
const TROUBLE_MIN_MS = 1_000;
const TROUBLE_MAX_MS = 15_000;
/** Longest pause of one upload. */
const RETRY_MAX_MS = 10 * 60_000;
/** Batches at a time. WHY two: what takes long in one must not hold up all the others. */
const LANES_MIN = 2;
/** WHY: each holds a connection to the database all the time, and needs another one now and then. */
const LANES_MAX = 3;
/**
 * WHY: deliveries and readers go first, as long as nothing waits for long. After its work a lane rests for so many
 * times as long, but not for longer than that; what has waited for LATE_MS is sent without any rest.
 */
const REST_TIMES = 2;
const REST_MAX_MS = 500;
const LATE_MS = 5_000;
/** WHY: the messages of one statement come together; one transaction for all of them. */
const GATHER_MS = 5;

export interface UploaderOptions {
  readonly uploads: UploadStore;
  readonly batch: UploadBatch;
  readonly notices: Pick<Notices, "onAny">;
  /** Whether a body is in the staging folder. */
  readonly isStaged: (upload: { readonly objectKey: string }) => Promise<boolean>;
  readonly instanceId: string;
  readonly batchSize: number;
  readonly concurrency: number;
  readonly retryIntervalMs: number;
  readonly log: Log;
  readonly metrics: Metrics;
  /** 0 … 1; for tests. */
  readonly random?: () => number;
}

/** Brings staged bodies into the object store: leases them batch by batch, for as long as there are any. */
export class Uploader implements AsyncDisposable {
  readonly #options: UploaderOptions;
  readonly #retry: Backoff;
  readonly #pause: Backoff;
  readonly #stop = new AbortController();
  readonly #stopListening: () => void;
  #lanes: Promise<unknown> = Promise.resolve();
  #wake = Promise.withResolvers<void>();
  #troubles = 0;
  /** Something of the last batch had waited for too long. */
  #isLate = false;
  /** Workers whose rounds were interrupted: what they had taken on is still theirs in the database. */
  readonly #interrupted = new Set<string>();
  #foreignAt = -Infinity;
  #foreignAfter = "";

  constructor(options: UploaderOptions) {
    this.#options = options;
    const random = options.random ?? Math.random;
    this.#retry = backoff(options.retryIntervalMs, random);
    this.#pause = backoff(Math.min(TROUBLE_MIN_MS, options.retryIntervalMs), random);
    this.#stopListening = options.notices.onAny(() => this.wake());
  }

  /** Takes up what a former process of this instance has left, and works until it is disposed of. */
  async start(): Promise<void> {
    const { uploads, instanceId, concurrency, batchSize } = this.#options;
    await uploads.releaseAll(instanceId);
    const lanes = Math.min(LANES_MAX, Math.max(LANES_MIN, Math.round(concurrency / batchSize)));
    this.#lanes = Promise.all(Array.from({ length: lanes }, (_, lane) => this.#run(lane)));
  }

  /** There may be something to do. */
  wake(): void {
    this.#wake.resolve();
  }

  /** One batch of what is due; how many were leased. Whatever fails is tried again later. */
  async round(lane = 0): Promise<number> {
    const { instanceId } = this.#options;
    await this.#giveUpInterrupted();
    const worker = `${instanceId}/${crypto.randomUUID()}`;
    try {
      return await this.#round(lane, worker);
    } catch (error) {
      this.#interrupted.add(worker);
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#stopListening();
    await this.#lanes;
  }

  async #round(lane: number, worker: string): Promise<number> {
    const { uploads, instanceId, batchSize } = this.#options;
    const leasing = { worker, leaseMs: LEASE_MS, limit: batchSize };
    let leased = await uploads.lease(instanceId, leasing);
    if (leased.length === 0 && lane === 0) leased = await this.#leaseForeign(leasing);
    if (leased.length > 0) {
      this.#isLate = leased.some(({ waitedMs }) => waitedMs > LATE_MS);
      await this.#upload(leased, worker);
    }
    return leased.length;
  }

  /** WHY: after a failover or a restart of the database nobody is to wait until leases run out. */
  async #giveUpInterrupted(): Promise<void> {
    for (const worker of [...this.#interrupted]) {
      await this.#options.uploads.release(worker);
      this.#interrupted.delete(worker);
    }
  }

  /** Never rejects. */
  async #run(lane: number): Promise<void> {
    const { signal } = this.#stop;
    let interruptions = 0;
    while (!signal.aborted) {
      const begun = performance.now();
      const count = await this.round(lane).catch((error) => {
        this.#options.log.warning("uploads-interrupted", { error });
        return null;
      });
      interruptions = count === null ? interruptions + 1 : 0;
      const troubles = Math.max(interruptions, this.#troubles);
      if (troubles > 0) await this.#sleep(this.#pause(troubles - 1, TROUBLE_MAX_MS));
      else if (count === 0) {
        await this.#sleep(POLL_MS, { orWoken: true });
        await this.#sleep(GATHER_MS);
      } else if (!this.#isLate) {
        await this.#sleep(Math.min(REST_MAX_MS, REST_TIMES * (performance.now() - begun)));
      }
    }
  }

  async #upload(leased: readonly LeasedUpload[], worker: string): Promise<void> {
    const { uploads, batch, log } = this.#options;
    const heartbeat = setInterval(() => {
      uploads.extend(worker, LEASE_MS).catch((error) =>
        log.warning("lease-not-extended", { error })
      );
    }, HEARTBEAT_MS);
    try {
      await this.#settle(leased, await batch.run(leased, this.#stop.signal));
    } finally {
      clearInterval(heartbeat);
    }
  }

  async #settle(
    leased: readonly LeasedUpload[],
    outcomes: ReadonlyMap<string, Outcome>,
  ): Promise<void> {
    const { uploads, log, metrics, retryIntervalMs } = this.#options;
    const failed: Parameters<UploadStore["giveBack"]>[0][number][] = [];
    let done = 0;
    for (const upload of leased) {
      const outcome = outcomes.get(upload.objectKey) ?? { kind: "deferred" };
      metrics.uploadsTotal.inc({ result: outcome.kind });
      if (outcome.kind === "uploaded") done++;
      if (outcome.kind === "deferred") {
        failed.push({ upload, delayMs: retryIntervalMs, error: null, counts: false });
      }
      if (outcome.kind !== "failed") continue;
      const delayMs = this.#retry(upload.attempts, RETRY_MAX_MS);
      const { why, blame } = outcome;
      // WHY not while the store is in trouble: nothing is wrong with what waits for it, for however long.
      const counts = blame !== "store";
      failed.push({ upload, delayMs, error: why, counts });
      const { attempts, sizeBytes } = upload;
      log.warning("upload-failed", { attempts: attempts + Number(counts), sizeBytes, why });
    }
    await uploads.giveBack(failed);
    await this.#judge(done, [...outcomes.values()]);
  }

  /** WHY: while nothing can be stored, to try all of it again and again helps nobody. */
  async #judge(done: number, outcomes: readonly Outcome[]): Promise<void> {
    const { uploads, log } = this.#options;
    if (done === 0 && outcomes.some((one) => one.kind === "failed" && one.blame !== "upload")) {
      if (this.#troubles++ === 0) log.error("object-store-trouble");
      return;
    }
    if (done === 0 || this.#troubles === 0) return;
    this.#troubles = 0;
    log.info("object-store-works-again");
    await uploads.hurry();
    this.wake();
  }

  /** What others have staged where we can read it, too: a shared folder, or one that changed hands. */
  async #leaseForeign(
    leasing: Parameters<UploadStore["lease"]>[1],
  ): Promise<LeasedUpload[]> {
    const { uploads, instanceId, isStaged } = this.#options;
    if (performance.now() - this.#foreignAt < FOREIGN_MS) return [];
    const keys = await uploads.foreign(instanceId, this.#foreignAfter, FOREIGN_PAGE);
    this.#foreignAfter = keys.length === FOREIGN_PAGE ? keys.at(-1) ?? "" : "";
    const here: string[] = [];
    for (const objectKey of keys) {
      if (here.length < leasing.limit && await isStaged({ objectKey })) here.push(objectKey);
    }
    // WHY: where there is one, there are more.
    if (here.length === 0) this.#foreignAt = performance.now();
    else this.#foreignAfter = "";
    return here.length === 0 ? [] : await uploads.leaseThese(here, leasing);
  }

  async #sleep(
    ms: number,
    { orWoken = false }: { readonly orWoken?: boolean } = {},
  ): Promise<void> {
    const { signal } = this.#stop;
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = () => resolve();
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
    await (orWoken ? Promise.race([promise, this.#wake.promise]) : promise);
    signal.removeEventListener("abort", end);
    clearTimeout(timer);
    if (orWoken) this.#wake = Promise.withResolvers();
  }
}
