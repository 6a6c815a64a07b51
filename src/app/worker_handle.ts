import { type Remote, Rpc } from "../lib/rpc.ts";
import type { LogEntry } from "../observe/log_entry.ts";
import { BEAT_MS, type SupervisorProcedures, type WorkerProcedures } from "./worker_protocol.ts";

/** WHY: a bug holds an event loop for 50 ms; one that holds it for half a minute never lets go. */
const SILENCE_MAX_MS = 30_000;

/** How a worker ended without being told to. */
export type WorkerEnd =
  /** An error nobody caught; the isolate and its sockets are gone. */
  | { readonly kind: "crashed"; readonly error: Error }
  /** Its event loop no longer turns; the thread and its sockets may live on. */
  | { readonly kind: "hung"; readonly error: Error };

/** One protocol worker of the pool, from its start to its end. */
export class WorkerHandle {
  readonly remote: Remote<WorkerProcedures>;
  /** Resolves when the worker has ended on its own; never when it was terminated. */
  readonly ended: Promise<WorkerEnd>;
  readonly #worker: Worker;
  readonly #rpc: Rpc<SupervisorProcedures, WorkerProcedures>;
  readonly #watch: ReturnType<typeof setInterval>;
  readonly #end: (end: WorkerEnd) => void;
  #missedBeats = 0;

  constructor(worker: Worker, log: (entries: readonly LogEntry[]) => void) {
    const { promise, resolve } = Promise.withResolvers<WorkerEnd>();
    this.ended = promise;
    this.#worker = worker;
    this.#rpc = new Rpc<SupervisorProcedures, WorkerProcedures>(worker, {
      log,
      beat: () => void (this.#missedBeats = 0),
    });
    this.remote = this.#rpc.remote;
    worker.addEventListener("error", (event) => {
      // WHY: otherwise the worker's error ends the whole process.
      event.preventDefault();
      const error = new Error(event.message || "the worker ended");
      this.terminate(error);
      resolve({ kind: "crashed", error });
    });
    this.#end = resolve;
    this.#watch = setInterval(() => this.tick(), BEAT_MS);
  }

  /**
   * The timer's body, every BEAT_MS. WHY: silence is counted in our own ticks, so that a suspended
   * machine does not look like a hung worker.
   */
  tick(): void {
    if (++this.#missedBeats * BEAT_MS < SILENCE_MAX_MS) return;
    const error = new Error(`no sign of life for ${SILENCE_MAX_MS / 1000} s`);
    this.terminate(error);
    this.#end({ kind: "hung", error });
  }

  /** Ends the isolate now; calls that are still open are rejected. */
  terminate(reason: Error = new Error("the worker was stopped")): void {
    clearInterval(this.#watch);
    this.#rpc.close(reason);
    this.#worker.terminate();
  }
}
