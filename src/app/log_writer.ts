import type { LoggingConfig } from "../config/config.ts";
import { encodeUtf8 } from "../lib/bytes.ts";
import type { LogEntry } from "../observe/log_entry.ts";
import { formatEntry } from "../observe/log_format.ts";
import { exitCodes, StartFailure } from "./exit_codes.ts";

/**
 * WHY: when the disk or the pipe does not take lines as fast as they come, memory must not grow
 * without end; 10,000 lines are some 5 MB.
 */
const QUEUE_ENTRIES_MAX = 10_000;
/** Lines joined into one write. */
const BATCH_ENTRIES = 500;

/** Where log lines go: the only writer of the process, in the supervisor. Writes never throw. */
export class LogWriter implements AsyncDisposable {
  readonly #config: LoggingConfig;
  #queue: LogEntry[] = [];
  #dropped = 0;
  #writing: Promise<void> | undefined;
  #file: Deno.FsFile | undefined;

  /** @throws {StartFailure} when the log file cannot be opened */
  constructor(config: LoggingConfig) {
    this.#config = config;
    this.reopen();
  }

  /** Queues one entry. */
  write(entry: LogEntry): void {
    if (this.#queue.length >= QUEUE_ENTRIES_MAX) {
      this.#dropped++;
      return;
    }
    this.#queue.push(entry);
    this.#writing ??= this.#drain();
  }

  /** Opens the log file anew, after a rotation has moved it away. */
  reopen(): void {
    const { output } = this.#config;
    if (output === "stderr" || output === "stdout") return;
    const old = this.#file;
    this.#file = openLog(output);
    // WHY: a write to the old file may be under way.
    void (this.#writing ?? Promise.resolve()).then(() => closeQuietly(old));
  }

  /** Resolves when everything that was queued is written. */
  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#writing) await this.#writing;
    closeQuietly(this.#file);
    this.#file = undefined;
  }

  async #drain(): Promise<void> {
    // WHY: the turn's other entries join the first write.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, BATCH_ENTRIES);
      if (this.#dropped > 0) batch.push(this.#noteDropped());
      await this.#put(batch.map((entry) => formatEntry(entry, this.#config.format)).join(""));
    }
    this.#writing = undefined;
  }

  #noteDropped(): LogEntry {
    const lines = this.#dropped;
    this.#dropped = 0;
    const event = "log-lines-dropped";
    return { time: Date.now(), level: "warning", category: "log", event, fields: { lines } };
  }

  async #put(text: string): Promise<void> {
    const target = this.#file ?? (this.#config.output === "stdout" ? Deno.stdout : Deno.stderr);
    const bytes = encodeUtf8(text);
    try {
      for (let at = 0; at < bytes.length;) at += await target.write(bytes.subarray(at));
    } catch {
      // WHY: a full disk or a closed terminal must not end the mail server, and nobody is left to tell.
    }
  }
}

function openLog(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { append: true, create: true, mode: 0o640 });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StartFailure(exitCodes.config, `logging.output: cannot open ${path}: ${why}`, {
      cause: error,
    });
  }
}

function closeQuietly(file: Deno.FsFile | undefined): void {
  try {
    file?.close();
  } catch {
    // Closed already.
  }
}
