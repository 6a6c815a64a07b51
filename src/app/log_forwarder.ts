import type { LogEntry } from "../observe/log_entry.ts";

/** WHY: lines of one burst travel together; nobody notices a tenth of a second. */
const BATCH_MS = 100;
/** WHY: the same bound in entries, so that a burst is not held in two places. */
const BATCH_ENTRIES_MAX = 256;

/** Collects a worker's log entries and hands them to the supervisor in batches. */
export class LogForwarder {
  readonly #send: (entries: readonly LogEntry[]) => void;
  #batch: LogEntry[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(send: (entries: readonly LogEntry[]) => void) {
    this.#send = send;
  }

  /** Queues one entry; an error goes out at once, as it may be the last one. */
  write(entry: LogEntry): void {
    this.#batch.push(entry);
    if (entry.level === "error" || this.#batch.length >= BATCH_ENTRIES_MAX) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), BATCH_MS);
  }

  /** Sends what is there. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#send(batch);
  }
}
