import type { AccessibleMailbox } from "../../auth/mailbox_access.ts";
import { Refused } from "../../lib/refused.ts";

/** WHY: a notice of a change can be lost; nobody acts longer than this on rights that were taken. */
const TRUST_MS = 1_000;

/** Looks a mailbox up again for its user; null when nothing is left of the rights. */
export type Renew = () => Promise<AccessibleMailbox | null>;

/** The rights of a session on the mailbox that it has open: RFC 4314 §5.1.1. */
export class RightsWatch {
  readonly #renew: Renew;
  #mailbox: AccessibleMailbox;
  #lookedAtMs = performance.now();
  #isStale = false;

  constructor(mailbox: AccessibleMailbox, renew: Renew) {
    this.#mailbox = mailbox;
    this.#renew = renew;
  }

  /** Nobody can take rights from the owner of a personal mailbox. */
  get isFixed(): boolean {
    return !this.#mailbox.isForeign && this.#mailbox.domain === null;
  }

  /** As it was when it was selected, with the rights as of the last look. */
  get mailbox(): AccessibleMailbox {
    return this.#mailbox;
  }

  /** Something has happened to the mailbox. */
  notice(): void {
    this.#isStale = true;
  }

  /**
   * True when the rights are other ones than before. Throws `gone` when the mailbox may not be read
   * any more. Asks the store after a notice, and otherwise once in a second.
   */
  async hasChanged(): Promise<boolean> {
    const late = performance.now() - this.#lookedAtMs >= TRUST_MS;
    if (this.isFixed || !this.#isStale && !late) return false;
    this.#isStale = false;
    try {
      const now = await this.#renew();
      if (!now?.rights.has("r")) throw new Refused({ kind: "gone", what: "the right to read" });
      this.#lookedAtMs = performance.now();
      return this.#take(now);
    } catch (error) {
      this.#isStale = true; // WHY: nothing may be told before it is known that it may.
      throw error;
    }
  }

  #take(now: AccessibleMailbox): boolean {
    if (now.rights.symmetricDifference(this.#mailbox.rights).size === 0) return false;
    this.#mailbox = { ...this.#mailbox, rights: now.rights };
    return true;
  }
}
