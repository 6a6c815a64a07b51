import type { AccessibleMailbox } from "../../auth/mailbox_access.ts";
import { Refused } from "../../lib/refused.ts";

/** WHY: a notice of a change can be lost; nobody acts longer than this on rights that were taken. */
const TRUST_MS = 1_000;

/** Looks a mailbox up again for its user; null when nothing is left of the rights. */
export type Renew = () => Promise<AccessibleMailbox | null>;

/** The rights of a session on the mailbox that it has open: RFC 4314 §5.1.1. */
export class RightsWatch {
  readonly #renew: Renew | null;
  #mailbox: AccessibleMailbox;
  #lookedAtMs = performance.now();
  #isStale = false;

  /** `renew`: null for who cannot lose any. */
  constructor(mailbox: AccessibleMailbox, renew: Renew | null) {
    this.#mailbox = mailbox;
    this.#renew = renew;
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
    if (!this.#renew || !this.#isStale && !late) return false;
    this.#isStale = false;
    const now = await this.#renew().catch((error) => {
      this.#isStale = true;
      throw error;
    });
    this.#lookedAtMs = performance.now();
    if (!now?.rights.has("r")) throw new Refused({ kind: "gone", what: "the right to read" });
    if (now.rights.symmetricDifference(this.#mailbox.rights).size === 0) return false;
    this.#mailbox = { ...this.#mailbox, rights: now.rights };
    return true;
  }
}
