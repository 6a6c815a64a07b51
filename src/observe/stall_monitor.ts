import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";

/** Design 3: a task that holds any event loop for longer is a bug. */
export const STALL_MS = 50;
/** WHY: often enough that nothing above STALL_MS hides between two ticks, rare enough to be free. */
const TICK_MS = 20;
/** WHY: a machine that stalls all the time must not fill the disk with lines that say so. */
const WARNING_PAUSE_MS = 1_000;

export interface StallMonitorOptions {
  /** Name of the isolate: "supervisor", "worker-1". */
  readonly isolate: string;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Watches the isolate's event loop: a timer that comes late by more than STALL_MS was held up by
 * code that did not yield. Counted in `sora_event_loop_stall_seconds`, logged as `event-loop-stall`.
 */
export class StallMonitor implements Disposable {
  readonly #options: StallMonitorOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #expectedAt: number;
  #quietUntil = 0;
  #longestMs = 0;

  constructor(options: StallMonitorOptions) {
    this.#options = options;
    this.#expectedAt = performance.now() + TICK_MS;
    this.#timer = setInterval(() => this.tick(performance.now()), TICK_MS);
  }

  /** The timer's body: `now` in milliseconds of a monotonic clock. */
  tick(now: number): void {
    const lateMs = now - this.#expectedAt;
    this.#expectedAt = now + TICK_MS;
    if (lateMs <= STALL_MS) return;
    const { isolate, log, metrics } = this.#options;
    metrics.eventLoopStall.observe({ isolate }, lateMs / 1000);
    if (lateMs > this.#longestMs) {
      this.#longestMs = lateMs;
      metrics.eventLoopStallMax.set({ isolate }, lateMs / 1000);
    }
    if (now < this.#quietUntil) return;
    this.#quietUntil = now + WARNING_PAUSE_MS;
    log.warning("event-loop-stall", { isolate, ms: Math.round(lateMs) });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
