import { TEMPORARY_FOLDER } from "../blobs/disk_blobs.ts";
import { sweepLeftovers } from "../blobs/sweep.ts";
import type { Log } from "../observe/log.ts";
import type { DataFolders } from "./worker_protocol.ts";

/** WHY: nothing that is swept grows fast, and a start sweeps as well. */
const ROUND_MS = 3_600_000;
/** WHY: the first round must not compete with the start. */
const FIRST_ROUND_MS = 30_000;

export interface HousekeepingOptions {
  readonly folders: DataFolders;
  /** Forgets what is no longer needed to recognise a message that is delivered again. */
  readonly messages: { pruneDeliveries(): Promise<number> };
  readonly log: Log;
}

/** Once an hour: what crashes left behind, and what is too old to be of use. */
export class Housekeeping implements Disposable {
  readonly #options: HousekeepingOptions;
  #timer: ReturnType<typeof setTimeout>;
  #stopped = false;

  constructor(options: HousekeepingOptions) {
    this.#options = options;
    this.#timer = setTimeout(() => void this.#round(), FIRST_ROUND_MS);
  }

  /** One round; what fails is logged and tried again in the next. */
  async sweep(): Promise<void> {
    const { folders: { bodies, spool }, messages, log } = this.#options;
    const tasks = {
      deliveries: () => messages.pruneDeliveries(),
      spool: () => sweepLeftovers(spool),
      bodies: () => sweepLeftovers(`${bodies}/${TEMPORARY_FOLDER}`),
    };
    for (const [task, run] of Object.entries(tasks)) {
      try {
        const removed = await run();
        if (removed > 0) log.info("swept", { task, removed });
      } catch (error) {
        log.warning("sweep-failed", { task, error });
      }
    }
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #round(): Promise<void> {
    await this.sweep();
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#round(), ROUND_MS);
  }
}
