import type { AccountId, MailboxId, Modseq, Uid } from "../lib/ids.ts";
import { NumberSet } from "../lib/number_set.ts";
import { Refused } from "../lib/refused.ts";
import { AppendQueue } from "./append_queue.ts";
import { changeFlags } from "./change_flags.ts";
import { type Changed, transfer, type Transferred } from "./copy_messages.ts";
import { type Database, sql } from "./database.ts";
import { expunge } from "./expunge.ts";
import { FreshReads } from "./fresh_reads.ts";
import type {
  Appended,
  Change,
  Copied,
  Expunged,
  FlagChange,
  MessageRow,
  MessageState,
  NewMessage,
  StoredFlags,
  Wanted,
} from "./message.ts";
import type { Notices } from "./notices.ts";
import { unpackNumbers } from "./packed_states.ts";
import { readChanges } from "./read_changes.ts";
import { readFirstUnseen, readRows, readStates, readUids, type Uids } from "./read_messages.ts";
import type { SearchCondition } from "./search_condition.ts";
import { searchStatement } from "./search_statement.ts";
import type { UidSet } from "./uid_set.ts";

export type * from "./message.ts";
export { FLAG } from "./flags.ts";

/** How long a redelivery is recognised: longer than any MTA keeps trying (RFC 5321 §4.5.4.1). */
const DELIVERY_KEYS_DAYS = 7;
/** Delivery keys that one statement deletes. */
const PRUNE_CHUNK = 10_000;

/** Owns the tables `messages`, `message_state`, `expunged_messages` and `deliveries`. */
export class MessageStore {
  readonly #appends: AppendQueue;
  readonly #fresh: FreshReads;

  constructor(readonly db: Database, readonly notices: Notices) {
    this.#appends = new AppendQueue(db, notices);
    this.#fresh = new FreshReads(db);
  }

  /**
   * Adds a message; resolves after COMMIT. Concurrent appends to one mailbox share a statement.
   * Throws `no-such-mailbox`, `too-many-keywords`; invalid keywords are dropped.
   */
  async append(message: NewMessage): Promise<Appended> {
    const appended = await this.#appends.append(message);
    this.#fresh.note(message.mailbox, appended.modseq);
    return appended;
  }

  /** Every UID, ascending, and the MODSEQ at which this was so; throws `gone` for no mailbox. */
  async uids(mailbox: MailboxId): Promise<Uids> {
    const result = await readUids(this.db, mailbox);
    this.#fresh.note(mailbox, result.modseq);
    return result;
  }

  /**
   * What happened after `since`, by MODSEQ. At least `limit` changes when there are as many: all
   * changes of one MODSEQ come together, so the last one's MODSEQ is the next `since`. Throws
   * `gone` when there are none because the mailbox was deleted.
   */
  async changes(mailbox: MailboxId, since: Modseq, limit: number): Promise<Change[]> {
    const changes = await readChanges(this.db, mailbox, { since, limit });
    this.#fresh.note(mailbox, changes.at(-1)?.modseq ?? since);
    return changes;
  }

  /** Flags, keywords and MODSEQ of these messages, in UID order; read in chunks. */
  states(mailbox: MailboxId, uids: UidSet): Promise<MessageState[]> {
    return this.#fresh.read(mailbox, (reader) => readStates(reader, mailbox, uids));
  }

  /**
   * These messages (ask for some 1,000 at a time), in UID order, with the wanted columns; in pieces
   * of a few MB at most, however large the rows are. The next is read when it is asked for.
   */
  async *rowPieces(mailbox: MailboxId, uids: UidSet, want: Wanted): AsyncGenerator<MessageRow[]> {
    for (let rest = uids; !rest.isEmpty;) {
      const piece = await this.#fresh.read(
        mailbox,
        (reader) => readRows(reader, mailbox, { uids: rest, want }),
      );
      if (piece.rows.length > 0) yield piece.rows;
      rest = piece.rest;
    }
  }

  /** All of `rowPieces` at once, for few messages. */
  async rows(mailbox: MailboxId, uids: UidSet, want: Wanted): Promise<MessageRow[]> {
    return (await Array.fromAsync(this.rowPieces(mailbox, uids, want))).flat();
  }

  /** STORE. Rows that it does not change keep their MODSEQ, but are in the result. */
  async storeFlags(mailbox: MailboxId, uids: UidSet, change: FlagChange): Promise<StoredFlags> {
    const result = await this.db.transaction(
      (tx) => changeFlags(tx, mailbox, { uids, change }),
      { byIndex: true },
    );
    const changed = result.stored.some(({ modseq, previousModseq }) => modseq !== previousModseq);
    if (changed) this.#announce([{ mailbox, modseq: result.modseq }]);
    return result;
  }

  /** Removes the messages with \Deleted, all or those among `uids`. */
  async expunge(mailbox: MailboxId, uids: UidSet | null): Promise<Expunged> {
    // WHY: CLOSE expunges every time, and nearly every time there is nothing to do.
    const [row] = await this.db.query<{ modseq: Modseq; first: Uid | null }>(sql`
      SELECT highest_modseq AS modseq, (SELECT uid FROM message_state
        WHERE mailbox_id = ${mailbox} AND flags & 8 = 8 ORDER BY uid LIMIT 1) AS first
      FROM mailboxes WHERE id = ${mailbox} AND deleted_at IS NULL`);
    if (!row) throw new Refused({ kind: "gone", what: "mailbox" });
    if (row.first === null || uids?.isEmpty) {
      return { modseq: row.modseq, expunged: NumberSet.from([]) };
    }
    const result = await this.db.transaction(
      (tx) => expunge(tx, mailbox, uids),
      { byIndex: true },
    );
    if (!result.expunged.isEmpty) this.#announce([{ mailbox, modseq: result.modseq }]);
    return result;
  }

  /** Copies messages in UID order, all or none; throws `no-such-mailbox`, `too-many-keywords`. */
  copy(
    from: MailboxId,
    uids: UidSet,
    to: MailboxId,
    toAccount: AccountId,
  ): Promise<Copied> {
    return this.#transfer(from, uids, { to, toAccount, move: false });
  }

  /** Moves messages in UID order, all or none; throws like `copy`. */
  move(
    from: MailboxId,
    uids: UidSet,
    to: MailboxId,
    toAccount: AccountId,
  ): Promise<Copied> {
    return this.#transfer(from, uids, { to, toAccount, move: true });
  }

  /** The UIDs of the messages that match, ascending. */
  async search(
    mailbox: MailboxId,
    condition: SearchCondition,
  ): Promise<{ readonly uids: readonly Uid[] }> {
    const statement = searchStatement(mailbox, condition);
    const [row] = await this.#fresh.read(
      mailbox,
      (reader) => reader.search<{ uids: string | null }>(statement),
    );
    return { uids: unpackNumbers(row?.uids ?? null) as Uid[] };
  }

  /** The lowest UID without \Seen; null when all have it. */
  firstUnseen(mailbox: MailboxId): Promise<Uid | null> {
    return readFirstUnseen(this.db, mailbox);
  }

  /** Forgets delivery keys older than `DELIVERY_KEYS_DAYS`; returns how many. */
  async pruneDeliveries(): Promise<number> {
    let pruned = 0;
    for (;;) {
      const [row] = await this.db.write<{ count: number }>(sql`
        WITH gone AS (
          DELETE FROM deliveries WHERE (mailbox_id, key) IN (
            SELECT mailbox_id, key FROM deliveries
            WHERE delivered_at < now() - make_interval(days => ${DELIVERY_KEYS_DAYS})
            LIMIT ${PRUNE_CHUNK} FOR UPDATE SKIP LOCKED) RETURNING 1)
        SELECT count(*) FROM gone`);
      pruned += row?.count ?? 0;
      if ((row?.count ?? 0) < PRUNE_CHUNK) return pruned;
    }
  }

  async #transfer(
    from: MailboxId,
    uids: UidSet,
    target: { readonly to: MailboxId; readonly toAccount: AccountId; readonly move: boolean },
  ): Promise<Copied> {
    const done: Transferred = await this.db.transaction(
      (tx) => transfer(tx, { from, uids, ...target }),
      { byIndex: true },
    );
    this.#announce(done.changed);
    return { uidValidity: done.uidValidity, source: done.source, target: done.target };
  }

  #announce(changed: readonly Changed[]): void {
    for (const { mailbox, modseq } of changed) {
      this.#fresh.note(mailbox, modseq);
      this.notices.changed(mailbox, modseq);
    }
  }
}
