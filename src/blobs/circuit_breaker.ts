export interface CircuitBreakerOptions {
  /** So many failures in a row open the circuit. */
  readonly failures: number;
  /** How long it stays open, in milliseconds; and how long one probe may keep the others out. */
  readonly openMs: number;
  /** The time in milliseconds, on a clock that never goes back. */
  readonly now: () => number;
}

/** How one request ended. `cancelled`: by ourselves, which says nothing about the other side. */
export type Outcome = "success" | "failure" | "cancelled";

export type CircuitState = "closed" | "half-open" | "open";

/** Tells how the request that was let through has ended; only the first call counts. */
export type Settle = (outcome: Outcome) => void;

/**
 * Keeps requests away from somebody who does not answer. Closed: all pass. Open, after so many
 * failures in a row: none does. Half-open, after `openMs`: one passes; its success closes the
 * circuit, its failure opens it again, its cancellation lets the next one try.
 */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  #failures = 0;
  #openUntil: number | null = null;
  /** Requests of an earlier time have no say in what came after. */
  #epoch = 0;
  #probeUntil = -Infinity;

  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
  }

  get state(): CircuitState {
    if (this.#openUntil === null) return "closed";
    return this.#options.now() < this.#openUntil ? "open" : "half-open";
  }

  /** Lets a request through, or not (null). Whoever passes must say how it went. */
  enter(): Settle | null {
    const now = this.#options.now();
    if (this.#openUntil !== null) {
      if (now < this.#openUntil || now < this.#probeUntil) return null;
      // WHY: a probe that never settles must not keep the circuit half-open for ever.
      this.#probeUntil = now + this.#options.openMs;
      this.#epoch++;
    }
    const epoch = this.#epoch;
    let settled = false;
    return (outcome) => {
      if (settled) return;
      settled = true;
      if (epoch === this.#epoch) this.#settle(outcome);
    };
  }

  #settle(outcome: Outcome): void {
    const isProbe = this.#openUntil !== null;
    if (outcome === "cancelled") {
      if (isProbe) this.#probeUntil = -Infinity;
    } else if (outcome === "success") {
      if (isProbe) this.#epoch++;
      this.#failures = 0;
      this.#openUntil = null;
      this.#probeUntil = -Infinity;
    } else if (isProbe || ++this.#failures >= this.#options.failures) {
      this.#epoch++;
      this.#openUntil = this.#options.now() + this.#options.openMs;
      this.#probeUntil = -Infinity;
      this.#failures = 0;
    }
  }
}
