import { delay } from "./delay.ts";

/** What a job does, again and again. */
export interface BackgroundWork {
  /** Before the first round, in milliseconds. */
  readonly firstMs: number;
  /** One round; answers how many milliseconds there are before the next. */
  readonly round: () => Promise<number>;
  /** A round has thrown; answers the same. Not asked when the job was stopped meanwhile. */
  readonly failed: (error: unknown) => number;
}

/** Work that goes on in the background, one round at a time, until it is disposed of; it never throws. */
export class BackgroundJob implements AsyncDisposable {
  readonly #work: BackgroundWork;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(work: BackgroundWork) {
    this.#work = work;
    this.#running = this.#run();
  }

  /** Aborted when the job is to end. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Resolves after some milliseconds, or at once when the job is to end, or `lost` is aborted. */
  async rest(ms: number, lost?: AbortSignal): Promise<void> {
    await delay(ms, this.signal, ...(lost ? [lost] : []));
  }

  /** Waits for the round under way, which hears of it by `signal`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    await this.rest(this.#work.firstMs);
    while (!this.signal.aborted) await this.rest(await this.#round());
  }

  async #round(): Promise<number> {
    try {
      return await this.#work.round();
    } catch (error) {
      return this.signal.aborted ? 0 : this.#work.failed(error);
    }
  }
}
