import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** A few hundred octets each: at most some 4 MB. */
const ENTRIES_MAX = 10_000;
/** Clients come back within minutes; an hour bounds how long a digest stays in memory. */
const ENTRY_MS = 3_600_000;

interface Entry {
  readonly digest: Uint8Array;
  readonly untilMs: number;
}

/**
 * Passwords that were verified lately, so that a client that reconnects costs no bcrypt. Keyed by
 * the stored hash, which is read from the database at every login: a changed password is a miss.
 * Holds HMACs under a key that exists only in this process, never a password.
 */
export class VerifiedPasswords {
  /** In order of use, the oldest first. */
  readonly #entries = new Map<string, Entry>();
  readonly #key = randomBytes(32);

  constructor(
    readonly options: { readonly entriesMax?: number; readonly now?: () => number } = {},
  ) {}

  /** True when this password was verified against this stored hash within the hour. */
  has(password: string, hash: string): boolean {
    const entry = this.#entries.get(hash);
    if (!entry) return false;
    const fresh = entry.untilMs > this.#now();
    if (!fresh) this.#entries.delete(hash);
    if (!fresh || !timingSafeEqual(entry.digest, this.digest(password, hash))) return false;
    this.#entries.delete(hash);
    this.#entries.set(hash, entry);
    return true;
  }

  /** Remembers a password that was verified. */
  add(password: string, hash: string): void {
    this.#entries.delete(hash);
    const digest = this.digest(password, hash);
    this.#entries.set(hash, { digest, untilMs: this.#now() + ENTRY_MS });
    const [oldest] = this.#entries.keys();
    const { entriesMax = ENTRIES_MAX } = this.options;
    if (this.#entries.size > entriesMax && oldest !== undefined) this.#entries.delete(oldest);
  }

  /** What stands for a password and a stored hash together, in this process only. */
  digest(password: string, hash: string): Uint8Array {
    return createHmac("sha256", this.#key).update(hash).update("\0").update(password).digest();
  }

  #now(): number {
    return this.options.now?.() ?? performance.now();
  }
}
