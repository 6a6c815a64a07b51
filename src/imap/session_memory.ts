import { Refused } from "../lib/refused.ts";

/**
 * What one session holds in memory for its client: literals of its command, saved search results,
 * answers that are put together. Everybody who holds much says so here, and lets go again.
 */
export class SessionMemory {
  readonly #limitBytes: number;
  #usedBytes = 0;
  #commandBytes = 0;
  readonly #held = new Map<string, number>();

  /** `limitBytes` of `session_memory_limit`; 0: no limit. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes > 0 ? limitBytes : Infinity;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** What may still be charged. */
  get freeBytes(): number {
    return this.#limitBytes - this.#usedBytes;
  }

  /** Before the memory is taken. Throws `limit`, and nothing is charged, when it is too much. */
  charge(bytes: number): void {
    if (this.#usedBytes + bytes > this.#limitBytes) {
      throw new Refused({ kind: "limit", what: "session memory" });
    }
    this.#usedBytes += bytes;
  }

  /** What was charged is free again. */
  release(bytes: number): void {
    this.#usedBytes -= bytes;
  }

  /** What is held for this purpose is so much from now on, instead of what it was; 0: nothing. */
  hold(purpose: string, bytes: number): void {
    const before = this.#held.get(purpose) ?? 0;
    this.charge(bytes - before);
    if (bytes > 0) this.#held.set(purpose, bytes);
    else this.#held.delete(purpose);
  }

  /** Like `charge`, until the command under way has ended. */
  chargeCommand(bytes: number): void {
    this.charge(bytes);
    this.#commandBytes += bytes;
  }

  /** The command has ended: nothing of it is held any more. */
  endCommand(): void {
    this.release(this.#commandBytes);
    this.#commandBytes = 0;
  }
}
