import { Refused } from "../lib/refused.ts";
import { type CommandReader, Disconnected } from "./reader.ts";

/**
 * WHY: clients and scripts send commands ahead and want all the answers; one that still waits behind
 * a search after so long has given up on it. See docs/adr.
 */
const PATIENCE_MS = 10_000;

/** Looks after the client while a long command runs: is it still there, does it wait for something else? */
export class CommandWatch {
  readonly #controller = new AbortController();
  readonly #startedAtMs = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  constructor(reader: CommandReader) {
    void this.#watch(reader);
  }

  /** Aborted with the reason to throw. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The command has ended. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  async #watch(reader: CommandReader): Promise<void> {
    const isThere = await reader.peek();
    if (this.#isOver) return;
    if (!isThere) return this.#controller.abort(new Disconnected());
    const passedMs = performance.now() - this.#startedAtMs;
    this.#timer = setTimeout(
      () => this.#controller.abort(new Refused({ kind: "superseded" })),
      Math.max(0, PATIENCE_MS - passedMs),
    );
  }
}
