import type { AccountId, MailboxId, Uid } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import { type Database, sql, type Transaction } from "./database.ts";
import {
  type DeletedCursor,
  type DeletedFilter,
  type DeletedId,
  type DeletedPage,
  readDeleted,
} from "./deleted_messages.ts";
import { type LockedMailbox, lockMailboxes } from "./lock_mailboxes.ts";
import type { Notices } from "./notices.ts";
import { placeMessages, type Source } from "./place_messages.ts";

export type * from "./deleted_messages.ts";

/** Messages of one transaction. */
export const RESTORE_MAX = 500;

/** A message that is there again. */
export interface RestoredMessage {
  readonly from: DeletedId;
  readonly uid: Uid;
}

/** Brings deleted messages back, within the grace period of the cleaner. */
export class RestoreStore {
  constructor(readonly db: Database, readonly notices: Pick<Notices, "changed">) {}

  /** A page of what can be restored, the last deleted ones first. */
  deleted(
    account: AccountId,
    wanted: {
      readonly filter: DeletedFilter;
      readonly limit: number;
      readonly after?: DeletedCursor | null;
    },
  ): Promise<DeletedPage> {
    return readDeleted(this.db, account, wanted);
  }

  /**
   * Moves deleted messages, at most RESTORE_MAX, into a mailbox of the same account, all or none; those that
   * cannot be restored (any more) are passed over. Throws `no-such-mailbox`, `over-quota`,
   * `too-many-keywords`.
   */
  async restore(
    account: AccountId,
    ids: readonly DeletedId[],
    target: MailboxId,
  ): Promise<RestoredMessage[]> {
    return await this.#place({ account, ids, target, mode: "move" }, async (tx) => {
      await expungeInDeleted(tx, account, ids);
      return await deletedSources(tx, account, ids);
    });
  }

  /**
   * Copies messages of an account, at most RESTORE_MAX, deleted or not, into another mailbox of it, all or
   * none; those that are not there any more are passed over. Throws like `restore`.
   */
  async copy(
    account: AccountId,
    ids: readonly DeletedId[],
    target: MailboxId,
  ): Promise<RestoredMessage[]> {
    return await this.#place({ account, ids, target, mode: "copy" }, async (tx) => {
      const deleted = await deletedSources(tx, account, ids);
      const live = await liveSources(tx, account, ids);
      return [...deleted, ...live].sort((a, b) => indexOf(ids, a) - indexOf(ids, b));
    });
  }

  /** `find`: those that are there, under the locks of their mailboxes. */
  async #place(
    { account, ids, target, mode }: {
      readonly account: AccountId;
      readonly ids: readonly DeletedId[];
      readonly target: MailboxId;
      readonly mode: "move" | "copy";
    },
    find: (tx: Transaction) => Promise<Source[]>,
  ): Promise<RestoredMessage[]> {
    const { sources, uids, modseq } = await this.db.transaction(async (tx) => {
      const box = await lockWithSources(tx, { account, target, sources: ids });
      const sources = await find(tx);
      return { sources, ...await placeMessages(tx, box, { sources, mode }) };
    });
    if (sources.length > 0) this.notices.changed(target, modseq);
    return zipped(sources, uids);
  }
}

/**
 * Locks the mailboxes that messages come from, deleted ones, too, and the one they go to. WHY: while the first
 * are locked nobody expunges, moves or marks in them.
 */
async function lockWithSources(
  tx: Transaction,
  { account, target, sources }: {
    readonly account: AccountId;
    readonly target: MailboxId;
    readonly sources: readonly DeletedId[];
  },
): Promise<LockedMailbox> {
  const ids = [...new Set([target, ...sources.map(({ mailbox }) => mailbox)])];
  await tx.query(sql`
    SELECT id FROM mailboxes WHERE id = ANY(${ids}::bigint[]) ORDER BY id FOR NO KEY UPDATE`);
  const box = (await lockMailboxes(tx, [target])).get(target);
  if (!box || box.accountId !== account) throw new Refused({ kind: "no-such-mailbox", name: "" });
  return box;
}

/** What stands in deleted mailboxes is treated as if it had been expunged there. */
async function expungeInDeleted(
  tx: Transaction,
  account: AccountId,
  ids: readonly DeletedId[],
): Promise<void> {
  await tx.query(sql`
    WITH taken AS (
      DELETE FROM message_state AS state USING ${wanted(ids)}, mailboxes
      WHERE state.mailbox_id = want.mailbox_id AND state.uid = want.uid
        AND mailboxes.id = want.mailbox_id AND mailboxes.account_id = ${account}
        AND mailboxes.deleted_at IS NOT NULL AND NOT mailboxes.purging
      RETURNING state.mailbox_id, state.uid, state.flags, state.keywords,
        mailboxes.highest_modseq, mailboxes.deleted_at)
    INSERT INTO expunged_messages (mailbox_id, uid, modseq, flags, keywords, moved, expunged_at)
    SELECT mailbox_id, uid, highest_modseq, flags, keywords, false, deleted_at FROM taken`);
}

/** Nobody marks them until the end of the transaction. */
async function deletedSources(
  tx: Transaction,
  account: AccountId,
  ids: readonly DeletedId[],
): Promise<Source[]> {
  const rows = await tx.query<Source>(sql`
    SELECT gone.mailbox_id AS mailbox, gone.uid, gone.flags, gone.keywords
    FROM ${wanted(ids)}
    JOIN expunged_messages AS gone ON gone.mailbox_id = want.mailbox_id AND gone.uid = want.uid
    JOIN messages ON messages.mailbox_id = gone.mailbox_id AND messages.uid = gone.uid
    JOIN mailboxes ON mailboxes.id = gone.mailbox_id
    WHERE NOT gone.moved AND NOT gone.purging AND mailboxes.account_id = ${account}
      AND NOT mailboxes.purging
    FOR UPDATE OF gone`);
  return rows.sort((a, b) => a.mailbox - b.mailbox || a.uid - b.uid);
}

async function liveSources(
  tx: Transaction,
  account: AccountId,
  ids: readonly DeletedId[],
): Promise<Source[]> {
  return await tx.query<Source>(sql`
    SELECT state.mailbox_id AS mailbox, state.uid, state.flags, state.keywords
    FROM ${wanted(ids)}
    JOIN message_state AS state ON state.mailbox_id = want.mailbox_id AND state.uid = want.uid
    JOIN messages ON messages.mailbox_id = state.mailbox_id AND messages.uid = state.uid
    JOIN mailboxes ON mailboxes.id = state.mailbox_id
    WHERE mailboxes.account_id = ${account} AND NOT mailboxes.purging`);
}

function wanted(ids: readonly DeletedId[]) {
  return sql`unnest(${ids.map(({ mailbox }) => mailbox)}::bigint[],
    ${ids.map(({ uid }) => uid)}::bigint[]) AS want(mailbox_id, uid)`;
}

function indexOf(ids: readonly DeletedId[], { mailbox, uid }: DeletedId): number {
  return ids.findIndex((id) => id.mailbox === mailbox && id.uid === uid);
}

function zipped(sources: readonly Source[], uids: readonly Uid[]): RestoredMessage[] {
  return sources.flatMap(({ mailbox, uid: old }, at) => {
    const uid = uids[at];
    return uid === undefined ? [] : [{ from: { mailbox, uid: old }, uid }];
  });
}
