import type { MailboxId, Uid } from "../lib/ids.ts";
import { type Database, sql } from "./database.ts";
import type { Mailbox } from "./mailbox.ts";

/** Claims of this long share a statement. */
const GATHER_MS = 50;
/** Beyond it claims are not kept: their messages are recent once more. */
const PENDING_MAX = 100_000;

/**
 * Which messages are recent to nobody any more (RFC 3501 §2.3.2). This isolate knows at once, the database a
 * moment later: SELECT must not wait for a write, and to be recent twice is no harm.
 */
export class RecentClaims {
  readonly #db: Database;
  /** By mailbox: all UIDs below. */
  #pending = new Map<MailboxId, Uid>();
  #writing: ReadonlyMap<MailboxId, Uid> = new Map();
  #written: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(db: Database) {
    this.#db = db;
    db.beforeClose(() => this.settled());
  }

  /** UIDs below `below` are no longer recent to anybody. */
  add(mailbox: MailboxId, below: Uid): void {
    if (below <= this.#below(mailbox) || this.#pending.size >= PENDING_MAX) return;
    this.#pending.set(mailbox, below);
    this.#timer ??= setTimeout(() => void this.#write(), GATHER_MS);
  }

  /** The mailbox as it is with what has been claimed since it was written down. */
  applied<M extends Mailbox>(mailbox: M): M {
    const below = this.#below(mailbox.id);
    return below > mailbox.recentUid ? { ...mailbox, recentUid: below } : mailbox;
  }

  /** Writes what is pending; resolves when that is done. */
  async settled(): Promise<void> {
    await this.#written;
    if (this.#pending.size > 0) await this.#write();
  }

  #below(mailbox: MailboxId): Uid {
    return this.#pending.get(mailbox) ?? this.#writing.get(mailbox) ?? 0 as Uid;
  }

  async #write(): Promise<void> {
    clearTimeout(this.#timer);
    // WHY: it stays set until the end, so that one statement is under way at a time.
    this.#writing = this.#pending;
    this.#pending = new Map();
    await (this.#written = this.#store(this.#writing));
    this.#writing = new Map();
    this.#timer = this.#pending.size > 0
      ? setTimeout(() => void this.#write(), GATHER_MS)
      : undefined;
  }

  /** Never throws: what is lost is recent once more. WHY no log: the database reports its own trouble. */
  async #store(claims: ReadonlyMap<MailboxId, Uid>): Promise<void> {
    try {
      // WHY in this order: like everybody who locks several mailboxes.
      await this.#db.write(sql`
        WITH claim AS (
          SELECT mailboxes.id, claim.below FROM mailboxes
          JOIN unnest(${[...claims.keys()]}::bigint[], ${[...claims.values()]}::bigint[])
            AS claim(id, below) ON mailboxes.id = claim.id
          WHERE recent_uid < claim.below ORDER BY mailboxes.id FOR NO KEY UPDATE OF mailboxes
        )
        UPDATE mailboxes SET recent_uid = greatest(recent_uid, claim.below)
        FROM claim, set_config('synchronous_commit', 'off', true) AS unhurried
        WHERE mailboxes.id = claim.id`);
    } catch { /* see above */ }
  }
}
