import type { MailboxId, Modseq } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import { type Database, type Reader, sql } from "./database.ts";

/** Mailboxes whose MODSEQ is remembered; of the others the primary is asked. */
const KNOWN_MAX = 100_000;

/**
 * Lets replicas answer where that cannot be noticed: only when a replica has everything of the
 * mailbox that anybody in this isolate has seen or written. So nobody's view goes back in time.
 */
export class FreshReads {
  readonly #db: Database;
  readonly #known = new Map<MailboxId, Modseq>();

  constructor(db: Database) {
    this.#db = db;
  }

  /** Somebody has seen this state of the mailbox. */
  note(mailbox: MailboxId, modseq: Modseq): void {
    if (!this.#db.hasReplicas || modseq <= (this.#known.get(mailbox) ?? 0)) return;
    this.#known.delete(mailbox);
    this.#known.set(mailbox, modseq);
    const [oldest] = this.#known.keys();
    if (this.#known.size > KNOWN_MAX && oldest !== undefined) this.#known.delete(oldest);
  }

  /** Reads from a replica that is up to date, otherwise from the primary. */
  async read<T>(mailbox: MailboxId, work: (reader: Reader) => Promise<T>): Promise<T> {
    const replica = this.#db.replica();
    const needed = this.#known.get(mailbox);
    if (!replica || needed === undefined) return await work(this.#db);
    try {
      const [row] = await replica.query<{ modseq: Modseq }>(sql`
        SELECT highest_modseq AS modseq FROM mailboxes
        WHERE id = ${mailbox} AND deleted_at IS NULL`);
      if (row && row.modseq >= needed) return await work(replica);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
    return await work(this.#db);
  }
}
