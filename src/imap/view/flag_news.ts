import type { Modseq } from "../../lib/ids.ts";
import type { Change } from "../../store/messages.ts";
import type { UidSet } from "../../store/uid_set.ts";

/** Where changes come from, and which messages the client knows of. */
export interface NewsSource {
  /** All changes after a MODSEQ, oldest first. */
  readonly since: (
    modseq: Modseq,
  ) => Iterable<readonly Change[]> | AsyncIterable<readonly Change[]>;
  /** The last UID whose flags the client may know: newer messages are announced whole. */
  readonly known: number;
}

/** Which flag changes a client knows: those up to some MODSEQ, and its own. */
export class FlagNews {
  #told: Modseq;
  /** Our own changes that will come back to us, and of which messages they are. */
  readonly #own = new Map<Modseq, UidSet>();

  /** `told`: the mailbox as it was opened. */
  constructor(told: Modseq) {
    this.#told = told;
  }

  /** True when the client does not know this state of a message: somebody else made it. */
  isNews(modseq: Modseq): boolean {
    return modseq > this.#told && !this.#own.has(modseq);
  }

  /** The client has been told this change of its own. */
  addOwn(modseq: Modseq, uids: () => UidSet): void {
    if (modseq === this.#told + 1) this.#told = modseq;
    else if (modseq > this.#told) this.#own.set(modseq, uids());
  }

  /** What the client has to be told to know everything up to `modseq`. */
  async *upTo(modseq: Modseq, { since, known }: NewsSource): AsyncGenerator<Change[]> {
    if (modseq > this.#told) {
      for await (const batch of since(this.#told)) {
        yield batch.filter((change) =>
          change.uid <= known && !change.expunged && !this.#isOutdone(change)
        );
      }
      this.#told = modseq;
    }
    for (const own of this.#own.keys()) if (own <= this.#told) this.#own.delete(own);
  }

  /**
   * By a change of our own, or it is one. WHY: of a message that is gone, and may not be said to be,
   * the last change is not known, and an older one would undo ours.
   */
  #isOutdone({ uid, modseq }: Change): boolean {
    if (this.#own.has(modseq)) return true;
    for (const [own, uids] of this.#own) if (own > modseq && uids.has(uid)) return true;
    return false;
  }
}
