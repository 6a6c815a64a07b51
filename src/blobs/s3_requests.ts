import type { S3Config } from "../config/config.ts";
import { delay } from "../lib/delay.ts";
import { Refused, unavailable } from "../lib/refused.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import { CircuitBreaker, type Outcome } from "./circuit_breaker.ts";
import { s3Answer, s3Trouble } from "./s3_trouble.ts";
import { type S3Attempt, Silence, watched } from "./s3_watch.ts";

const ATTEMPTS_MAX = 3;
/** WHY less: who waits for an answer has waited long enough then. */
const SILENCES_MAX = 2;
/** Full jitter: before the nth retry anything up to BASE × 2ⁿ⁻¹, and never more than MAX. */
const RETRY_BASE_MS = 100;
const RETRY_MAX_MS = 2_000;

/** What a breaker stands before. */
export type S3Circuit = "get" | "put" | "delete";

export interface S3Request<T> {
  /** For metrics and log. */
  readonly operation: string;
  readonly circuit: S3Circuit;
  /** Object key, prefix, or whatever names the request in the log. */
  readonly key: string;
  /** Called for every attempt. */
  send(attempt: S3Attempt): Promise<T>;
}

export interface S3RequestsOptions {
  readonly config: Pick<S3Config, "timeoutMs" | "breakerFailures" | "breakerOpenMs" | "debug">;
  readonly log: Log;
  readonly metrics: Metrics;
  /** The clock of the circuit breakers, in milliseconds. */
  readonly now?: () => number;
}

/** Sends requests: retries with full jitter, circuit breakers, time limits, metrics and the log. */
export class S3Requests {
  readonly #options: S3RequestsOptions;
  readonly #breakers: Readonly<Record<S3Circuit, CircuitBreaker>>;
  readonly #closed = new AbortController();

  constructor(options: S3RequestsOptions) {
    this.#options = options;
    const { config, now = () => performance.now() } = options;
    const { breakerFailures: failures, breakerOpenMs: openMs } = config;
    const breaker = () => new CircuitBreaker({ failures, openMs, now });
    this.#breakers = { get: breaker(), put: breaker(), delete: breaker() };
  }

  /** Null where the object is missing. Throws `unavailable` for every other trouble. */
  async ask<T>(request: S3Request<T>): Promise<T | null> {
    let silences = 0;
    for (let attempt = 1;; attempt++) {
      try {
        return await this.once(request);
      } catch (error) {
        if (error instanceof Refused) throw error;
        const trouble = s3Trouble(error);
        if (trouble === "missing") return null;
        if (error instanceof Silence) silences++;
        const isLast = trouble === "refused" || attempt === ATTEMPTS_MAX ||
          silences === SILENCES_MAX;
        if (isLast || this.#closed.signal.aborted) {
          throw this.#failed(described(request, error), attempt);
        }
        await this.#pause(attempt);
      }
    }
  }

  /** One attempt; throws what it throws, and `unavailable` while the circuit is open. */
  async once<T>(request: S3Request<T>): Promise<T> {
    const { operation, circuit } = request;
    const settle = this.#breakers[circuit].enter();
    if (!settle) {
      this.#options.metrics.s3OperationsTotal.inc({ operation, status: "rejected" });
      const why = `Cannot ${operation} object ${request.key}: too many requests failed just now`;
      throw unavailable("bodies", new Error(why));
    }
    const begun = performance.now();
    try {
      const { timeoutMs } = this.#options.config;
      const closed = this.#closed.signal;
      const answer = await watched((attempt) => request.send(attempt), { timeoutMs, closed });
      this.#ended(request, { settle, begun, outcome: "success", status: "success" });
      return answer;
    } catch (error) {
      const { outcome, status } = this.#judge(error);
      this.#ended(request, { settle, begun, outcome, status, error });
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#closed.abort(unavailable("bodies", new Error("Cannot ask: the object store is closed")));
  }

  /** WHY: who answers is there; a missing or refused object says nothing against the store. */
  #judge(error: unknown): { readonly outcome: Outcome; readonly status: string } {
    if (error instanceof Refused) return { outcome: "cancelled", status: "cancelled" };
    const trouble = s3Trouble(error);
    if (trouble === "transient") return { outcome: "failure", status: "failure" };
    return { outcome: "success", status: trouble };
  }

  #ended(
    { operation, circuit, key }: S3Request<unknown>,
    { settle, begun, outcome, status, error }: {
      readonly settle: (outcome: Outcome) => void;
      readonly begun: number;
      readonly outcome: Outcome;
      readonly status: string;
      readonly error?: unknown;
    },
  ): void {
    const { config, log, metrics } = this.#options;
    const breaker = this.#breakers[circuit];
    const before = breaker.state;
    settle(outcome);
    if (before === "closed" && breaker.state === "open") {
      log.error("s3-circuit-opened", { circuit, error });
    } else if (before !== "closed" && breaker.state === "closed") {
      log.info("s3-circuit-closed", { circuit });
    }
    metrics.s3BreakerOpen.set({ circuit }, breaker.state === "closed" ? 0 : 1);
    const tookMs = performance.now() - begun;
    metrics.s3OperationsTotal.inc({ operation, status });
    metrics.s3OperationDuration.observe({ operation }, tookMs / 1000);
    if (config.debug) log.debug("s3-request", { operation, key, status, tookMs });
  }

  #failed(error: Error, attempts: number): Refused {
    this.#options.log.error("s3-request-failed", { attempts, error });
    return unavailable("bodies", error);
  }

  async #pause(attempt: number): Promise<void> {
    const most = Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** (attempt - 1));
    await delay(Math.random() * most);
  }
}

/** In words, with the store's own code and status. */
function described({ operation, key }: S3Request<unknown>, cause: unknown): Error {
  const { status, code } = s3Answer(cause);
  const answer = status === undefined ? "" : `: answer ${status} ${code}`;
  return new Error(`Cannot ${operation} object ${key}${answer}`, { cause });
}
