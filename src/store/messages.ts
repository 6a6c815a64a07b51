import type { AccountId, MailboxId, Modseq, Uid } from "../lib/ids.ts";
import { NumberSet } from "../lib/number_set.ts";
import { appendAll } from "./append_all.ts";
import { AppendQueue } from "./append_queue.ts";
import { changeFlags, changeFlagsAtOnce } from "./change_flags.ts";
import { type Changed, transfer, type Transferred } from "./copy_messages.ts";
import { type Database, sql } from "./database.ts";
import { expunge, expungeAtOnce } from "./expunge.ts";
import { FLAG } from "./flags.ts";
import { FreshReads } from "./fresh_reads.ts";
import type {
  Appended,
  Change,
  Copied,
  Expunged,
  FlagChange,
  MailboxCounts,
  MessageRow,
  MessageState,
  NewMessage,
  StoredFlags,
  Target,
  Wanted,
} from "./message.ts";
import type { Mailbox } from "./mailbox.ts";
import type { Notices } from "./notices.ts";
import { unpackNumbers } from "./packed_states.ts";
import { readChanges } from "./read_changes.ts";
import { readFirstUnseen, readRows, readStates, readUids, type Uids } from "./read_messages.ts";
import { readChangedSince, readExpungedSince, type Since } from "./read_since.ts";
import {
  readThreadFacts,
  type ThreadFacts,
  threadFactsPieces,
  type WantedThreadFacts,
} from "./read_thread_facts.ts";
import { type Replaced, replaceMessage } from "./replace_message.ts";
import type { SearchCondition } from "./search_condition.ts";
import { searchStatement } from "./search_statement.ts";
import type { SortCriterion } from "./sort_criterion.ts";
import { sortStatement } from "./sort_statement.ts";
import type { UidSet } from "./uid_set.ts";

export type * from "./message.ts";
export { FLAG };

/** How long a redelivery is recognised: longer than any MTA keeps trying (RFC 5321 §4.5.4.1). */
const DELIVERY_KEYS_DAYS = 7;
/** Delivery keys that one statement deletes. */
const PRUNE_CHUNK = 10_000;

/** Owns the tables `messages`, `message_state`, `expunged_messages` and `deliveries`. */
export class MessageStore {
  readonly #appends: AppendQueue;
  readonly #fresh: FreshReads;
  readonly #viewer: AccountId | null;

  /** `of`: the store that this is another view of. */
  constructor(
    readonly db: Database,
    readonly notices: Notices,
    of?: { readonly store: MessageStore; readonly viewer: AccountId | null },
  ) {
    this.#appends = of ? of.store.#appends : new AppendQueue(db, notices);
    this.#fresh = of ? of.store.#fresh : new FreshReads(db);
    this.#viewer = of ? of.viewer : null;
  }

  /**
   * The same store as an account sees it in mailboxes that are not its own: \Seen is its own there,
   * read and written, all else is everybody's. null: as the owners see it.
   */
  viewedBy(viewer: AccountId | null): MessageStore {
    if (viewer === this.#viewer) return this;
    return new MessageStore(this.db, this.notices, { store: this, viewer });
  }

  /**
   * Adds a message; resolves after COMMIT. Concurrent appends to one mailbox share a statement.
   * Throws `no-such-mailbox`, `too-many-keywords`; invalid keywords are dropped.
   */
  async append(message: NewMessage): Promise<Appended> {
    const appended = await this.#appends.append(this.#withoutSeen(message));
    this.#fresh.note(message.mailbox, appended.modseq);
    await this.#markSeen([message], [appended]);
    return appended;
  }

  /** Adds messages, at least one, to one mailbox, all or none: consecutive UIDs, in their order. */
  async appendAll(messages: readonly NewMessage[]): Promise<Appended[]> {
    const [first] = messages;
    // WHY: one message shares a statement with others of the moment.
    if (first && messages.length === 1) return [await this.append(first)];
    const stored = messages.map((message) => this.#withoutSeen(message));
    const appended = await this.db.transaction((tx) => appendAll(tx, stored));
    if (first && appended[0]) {
      this.#announce([{ mailbox: first.mailbox, modseq: appended[0].modseq }]);
    }
    await this.#markSeen(messages, appended);
    return appended;
  }

  /** Adds a message and removes another one in its place, both or neither; see `replaceMessage`. */
  async replace(from: MailboxId, uid: Uid, message: NewMessage): Promise<Replaced> {
    const replaced = await this.db.transaction(
      (tx) => replaceMessage(tx, { from, uid, message: this.#withoutSeen(message) }),
    );
    const { appended, expunged } = replaced;
    this.#announce([
      { mailbox: from, modseq: expunged.modseq },
      { mailbox: message.mailbox, modseq: appended.modseq },
    ]);
    await this.#markSeen([message], [appended]);
    return replaced;
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
    const changes = await readChanges(this.db, mailbox, {
      since,
      limit,
      viewer: this.#viewer,
    });
    this.#fresh.note(mailbox, changes.at(-1)?.modseq ?? since);
    return changes;
  }

  /** Flags, keywords and MODSEQ of these messages, in UID order; read in chunks. */
  states(mailbox: MailboxId, uids: UidSet): Promise<MessageState[]> {
    const wanted = { uids, since: 0, viewer: this.#viewer };
    return this.#fresh.read(mailbox, (reader) => readStates(reader, mailbox, wanted));
  }

  /** Those of these messages that changed after a MODSEQ, in UID order: RFC 7162 CHANGEDSINCE. */
  changedSince(mailbox: MailboxId, wanted: Since): Promise<MessageState[]> {
    return this.#fresh.read(
      mailbox,
      (reader) => readChangedSince(reader, mailbox, { ...wanted, viewer: this.#viewer }),
    );
  }

  /**
   * Those of these UIDs whose messages were expunged after a MODSEQ; null when nobody knows any more,
   * so that all that do not exist must be taken for it. Throws `gone` for no mailbox.
   */
  expungedSince(mailbox: MailboxId, wanted: Since): Promise<UidSet | null> {
    return this.#fresh.read(mailbox, (reader) => readExpungedSince(reader, mailbox, wanted));
  }

  /**
   * These messages (ask for some 1,000 at a time), in UID order, with the wanted columns; in pieces
   * of a few MB at most, however large the rows are. The next is read when it is asked for.
   */
  async *rowPieces(mailbox: MailboxId, uids: UidSet, want: Wanted): AsyncGenerator<MessageRow[]> {
    for (let rest = uids; !rest.isEmpty;) {
      const piece = await this.#fresh.read(
        mailbox,
        (reader) => readRows(reader, mailbox, { uids: rest, want, viewer: this.#viewer }),
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
    const wanted = { uids, change, viewer: this.#viewer };
    let changed = false;
    const onRepeat = () => void (changed = true);
    const result = await changeFlagsAtOnce(this.db, mailbox, { ...wanted, onRepeat }) ??
      await this.db.transaction((tx) => changeFlags(tx, mailbox, wanted));
    changed ||= result.stored.some(({ modseq, previousModseq }) => modseq !== previousModseq);
    if (changed) this.#announce([{ mailbox, modseq: result.modseq }]);
    return result;
  }

  /** Removes the messages with \Deleted, all or those among `uids`. */
  async expunge(mailbox: MailboxId, uids: UidSet | null): Promise<Expunged> {
    let isNews = false;
    const onRepeat = () => void (isNews = true);
    const result = await expungeAtOnce(this.db, mailbox, { uids, onRepeat }) ??
      await this.db.transaction((tx) => expunge(tx, mailbox, uids));
    isNews ||= !result.expunged.isEmpty;
    if (isNews) this.#announce([{ mailbox, modseq: result.modseq }]);
    return result;
  }

  /** Copies messages in UID order, all or none; throws `no-such-mailbox`, `too-many-keywords`. */
  copy(from: MailboxId, uids: UidSet, target: Target): Promise<Copied> {
    return this.#transfer(from, uids, { target, move: false });
  }

  /** Moves messages in UID order, all or none; throws like `copy`. */
  move(from: MailboxId, uids: UidSet, target: Target): Promise<Copied> {
    return this.#transfer(from, uids, { target, move: true });
  }

  /** The UIDs of the messages that match, ascending. */
  async search(
    mailbox: MailboxId,
    condition: SearchCondition,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<{ readonly uids: readonly Uid[] }> {
    const statement = searchStatement(mailbox, condition, { viewer: this.#viewer });
    const [row] = await this.#fresh.read(
      mailbox,
      (reader) => reader.search<{ uids: string | null }>(statement, options),
    );
    return { uids: unpackNumbers(row?.uids ?? null) as Uid[] };
  }

  /** Those of these messages that still exist, by criteria, then by UID: RFC 5256 §3. */
  async sort(
    mailbox: MailboxId,
    wanted: { readonly uids: UidSet; readonly criteria: readonly SortCriterion[] },
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Uid[]> {
    const statement = sortStatement(mailbox, wanted);
    const [row] = await this.#fresh.read(
      mailbox,
      (reader) => reader.search<[uids: string | null]>(statement, options),
    );
    return unpackNumbers(row?.[0] ?? null) as Uid[];
  }

  /**
   * What threads are made of, for those of these messages that still exist, in UID order; in pieces
   * of bounded size. The next is read while the last one is worked on.
   */
  threadFacts(
    mailbox: MailboxId,
    wanted: { readonly uids: UidSet; readonly want: WantedThreadFacts },
  ): AsyncGenerator<ThreadFacts> {
    return threadFactsPieces((part) =>
      this.#fresh.read(
        mailbox,
        (reader) => readThreadFacts(reader, mailbox, { ...wanted, uids: part }),
      ), wanted.uids);
  }

  /** Counts messages in many mailboxes, by their indexes; `octets`: of those with \Deleted, too. */
  async counts(
    mailboxes: readonly Pick<Mailbox, "id" | "recentUid">[],
    { octets = false }: { readonly octets?: boolean } = {},
  ): Promise<Map<MailboxId, MailboxCounts>> {
    const rows = await this.db.query<MailboxCounts & { id: MailboxId }>(sql`
      SELECT id, (SELECT count(*) FROM message_state
          WHERE mailbox_id = id AND flags & 8 = 8) AS deleted,
        CASE WHEN ${octets} THEN coalesce((SELECT sum(size_bytes)::bigint FROM message_state AS state
          JOIN messages USING (mailbox_id, uid)
          WHERE state.mailbox_id = id AND state.flags & 8 = 8), 0) ELSE 0 END AS "deletedBytes",
        (SELECT count(*) FROM message_state WHERE mailbox_id = id AND uid >= recent_uid) AS recent
      FROM unnest(${mailboxes.map(({ id }) => id)}::bigint[],
        ${mailboxes.map(({ recentUid }) => recentUid)}::bigint[]) AS wanted(id, recent_uid)`);
    return new Map(rows.map(({ id, ...counts }) => [id, counts]));
  }

  /** The lowest UID without \Seen; null when all have it. */
  firstUnseen(mailbox: MailboxId): Promise<Uid | null> {
    return readFirstUnseen(this.db, mailbox, this.#viewer);
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
    { target: { mailbox, account, ...how }, move }: {
      readonly target: Target;
      readonly move: boolean;
    },
  ): Promise<Copied> {
    const wanted = { from, uids, to: mailbox, toAccount: account, ...how, move };
    const done: Transferred = await this.db.transaction(
      (tx) => transfer(tx, wanted),
    );
    this.#announce(done.changed);
    return { uidValidity: done.uidValidity, source: done.source, target: done.target };
  }

  /** \Seen that is a viewer's is none of the message's. */
  #withoutSeen(message: NewMessage): NewMessage {
    if (this.#viewer === null) return message;
    return { ...message, flags: message.flags & ~FLAG.seen };
  }

  /** What `#withoutSeen` took off, now that the messages have UIDs. */
  async #markSeen(messages: readonly NewMessage[], appended: readonly Appended[]): Promise<void> {
    const [first] = messages;
    if (this.#viewer === null || !first) return;
    const seen = appended.filter((_, at) => (messages[at]?.flags ?? 0) & FLAG.seen);
    if (seen.length === 0) return;
    const uids = NumberSet.from(seen.map(({ uid }) => uid));
    await this.storeFlags(first.mailbox, uids, { mode: "add", flags: FLAG.seen, keywords: [] });
  }

  #announce(changed: readonly Changed[]): void {
    for (const { mailbox, modseq } of changed) {
      this.#fresh.note(mailbox, modseq);
      this.notices.changed(mailbox, modseq);
    }
  }
}
