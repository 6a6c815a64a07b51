import type { AccountId } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";

export interface SearchRateOptions {
  /** Searches of one account; 0 = no limit. */
  readonly perMinute: number;
  /** Over which they are counted: a short burst may use all that is allowed in it. */
  readonly windowMs: number;
}

/** Accounts that are remembered: those of one window. */
const ACCOUNTS_MAX = 100_000;
const MINUTE_MS = 60_000;

/** How often an account may search; in one worker, which one connection never leaves. */
export class SearchRate {
  readonly #max: number;
  readonly #windowMs: number;
  readonly #counts = new Map<AccountId, number>();
  #windowEndsMs = 0;

  constructor({ perMinute, windowMs }: SearchRateOptions) {
    this.#max = perMinute === 0 ? Infinity : Math.max(1, (perMinute * windowMs) / MINUTE_MS);
    this.#windowMs = windowMs;
  }

  /** Counts a search; throws `rate-limit`. */
  take(account: AccountId, nowMs: number = performance.now()): void {
    if (this.#max === Infinity) return;
    if (nowMs >= this.#windowEndsMs || this.#counts.size >= ACCOUNTS_MAX) {
      this.#counts.clear();
      this.#windowEndsMs = nowMs + this.#windowMs;
    }
    const count = (this.#counts.get(account) ?? 0) + 1;
    if (count > this.#max) {
      const retryAfterS = Math.max(1, Math.ceil((this.#windowEndsMs - nowMs) / 1_000));
      throw new Refused({ kind: "rate-limit", retryAfterS });
    }
    this.#counts.set(account, count);
  }
}
