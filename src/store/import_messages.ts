import type { Hash, MailboxId, Modseq, Uid, UidValidity } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import { type AppendAnswer, appendStatement } from "./append_statement.ts";
import { lockAccount } from "./create_mailboxes.ts";
import { type Database, sql, type Transaction } from "./database.ts";
import { cleanKeywords, FLAGS_ALL, foldKeywords, KEYWORDS_PER_MESSAGE_MAX } from "./flags.ts";
import { type LockedMailbox, lockMailboxes } from "./lock_mailboxes.ts";
import type { NewMessage } from "./message.ts";
import type { Notices } from "./notices.ts";
import { refuseOutOfUids } from "./out_of_uids.ts";

/** Rows of one answer. */
const KNOWN_CHUNK = 10_000;

/** A message that comes from another server, and the UID that it had there. */
export interface ImportedMessage extends NewMessage {
  /** null: the next one. */
  readonly uid: Uid | null;
  /** When it came into its mailbox, in milliseconds since 1970; default: now. */
  readonly savedMs?: number;
}

/** A message that a mailbox has, or had until lately. */
export interface KnownMessage {
  readonly uid: Uid;
  readonly hash: Hash;
  readonly sizeBytes: number;
  /** Whole seconds. */
  readonly internalSeconds: number;
}

/** Brings messages of other servers into mailboxes, with the UIDs that they had there. */
export class ImportStore {
  constructor(readonly db: Database, readonly notices: Notices) {}

  /**
   * Takes over the UIDVALIDITY of another server where no message ever had a UID; false where one
   * had, or where an earlier mailbox of this name had this UIDVALIDITY or a later one.
   */
  async adoptUidValidity(
    { id, accountId }: Pick<LockedMailbox, "id" | "accountId">,
    uidValidity: UidValidity,
  ): Promise<boolean> {
    const adopted = await this.db.transaction(async (tx) => {
      await lockAccount(tx, accountId);
      const [row] = await tx.query<{ modseq: Modseq }>(sql`
        UPDATE mailboxes AS box SET uid_validity = ${uidValidity}, highest_modseq = highest_modseq + 1
        WHERE id = ${id} AND deleted_at IS NULL AND uid_next = 1 AND NOT EXISTS (
          SELECT FROM mailboxes AS earlier
          WHERE earlier.account_id = box.account_id AND earlier.name_key = box.name_key
            AND earlier.id <> box.id AND earlier.uid_next > 1
            AND earlier.uid_validity >= ${uidValidity})
        RETURNING highest_modseq AS modseq`);
      if (!row) return null;
      // WHY greatest: a later mailbox of this name must be above whatever anybody has seen.
      await tx.query(sql`
        UPDATE uid_validities SET uid_validity = greatest(uid_validities.uid_validity, ${uidValidity})
        FROM mailboxes WHERE mailboxes.id = ${id}
          AND uid_validities.account_id = CASE WHEN domain IS NULL THEN mailboxes.account_id ELSE 0 END
          AND uid_validities.name_key = mailboxes.name_key`);
      return row.modseq;
    });
    if (adopted === null) return false;
    this.notices.changed(id, adopted);
    this.notices.accountChanged(accountId);
    return true;
  }

  /** No message gets a UID below this one any more. */
  async reserveUids(mailbox: MailboxId, uidNext: Uid): Promise<void> {
    await this.db.write(sql`
      UPDATE mailboxes SET uid_next = ${uidNext}
      WHERE id = ${mailbox} AND uid_next < ${uidNext} AND deleted_at IS NULL`);
  }

  /**
   * The messages of a mailbox in UID order, with those that were expunged but not purged yet: an
   * import must not bring them back.
   */
  async known(mailbox: MailboxId): Promise<KnownMessage[]> {
    const known: KnownMessage[] = [];
    for (let after = 0;;) {
      const rows = await this.db.query<KnownMessage>(sql`
        SELECT uid, encode(hash, 'hex') AS hash, size_bytes AS "sizeBytes",
          floor(extract(epoch FROM internal_date))::bigint AS "internalSeconds"
        FROM messages WHERE mailbox_id = ${mailbox} AND uid > ${after}
        ORDER BY uid LIMIT ${KNOWN_CHUNK}`);
      for (const row of rows) known.push(row);
      const last = rows.at(-1);
      if (!last || rows.length < KNOWN_CHUNK) return known;
      after = last.uid;
    }
  }

  /**
   * Adds messages, at least one, to one mailbox, in one statement, all or none but those whose UIDs
   * are taken. UIDs ascend; messages without one come last. Answers the UIDs in their order, null for
   * what was not stored. Keywords that there is no room for are dropped. Throws `no-such-mailbox`,
   * `over-quota`, and a data error as it came.
   */
  async append(
    messages: readonly ImportedMessage[],
    { ignoreQuota }: { readonly ignoreQuota: boolean },
  ): Promise<(Uid | null)[]> {
    const done = await this.db.transaction((tx) => append(tx, messages, ignoreQuota));
    if (done.modseq !== null) this.notices.changed(done.mailbox, done.modseq);
    return done.uids;
  }
}

interface Done {
  readonly mailbox: MailboxId;
  readonly uids: (Uid | null)[];
  /** null: nothing was stored. */
  readonly modseq: Modseq | null;
}

async function append(
  tx: Transaction,
  messages: readonly ImportedMessage[],
  ignoreQuota: boolean,
): Promise<Done> {
  const mailboxes = new Set(messages.map(({ mailbox }) => mailbox));
  if (mailboxes.size !== 1) throw new Error("Cannot import into several mailboxes at once");
  const [box] = (await lockMailboxes(tx, [...mailboxes])).values();
  if (!box) throw new Refused({ kind: "no-such-mailbox", name: "" });
  const uids = placed(messages, box.uidNext);
  const fresh = messages.filter((_, at) => uids[at] !== null);
  if (fresh.length === 0) return { mailbox: box.id, uids, modseq: null };
  const { keywords, added } = keywordsOf(fresh, box.keywords);
  const statement = appendStatement(
    fresh.map((message) => ({ ...message, flags: message.flags & FLAGS_ALL, deliveryKey: null })),
    {
      keywords,
      added,
      skipLocked: false,
      uidOffsets: uids.filter((uid) => uid !== null).map((uid) => uid - box.uidNext),
      ignoreQuota,
      savedMs: fresh.map(({ savedMs }) => savedMs ?? null),
    },
  );
  const [answer] = await tx.query<AppendAnswer>(statement).catch((error) => {
    throw refuseOutOfUids(error);
  });
  if (answer?.stored.length !== fresh.length) throw new Error("Cannot have stored a part");
  return { mailbox: box.id, uids, modseq: answer.modseq };
}

/** Where each goes; null: its UID is not above all that there were. */
function placed(messages: readonly ImportedMessage[], uidNext: Uid): (Uid | null)[] {
  let next: number = uidNext;
  return messages.map(({ uid }) => {
    if (uid !== null && uid < next) return null;
    const own = uid ?? next;
    next = own + 1;
    return own as Uid;
  });
}

/** As the mailbox spells them. WHY dropped: mail with too many labels is better than none. */
function keywordsOf(
  messages: readonly ImportedMessage[],
  known: readonly string[],
): { readonly keywords: readonly (readonly string[])[]; readonly added: readonly string[] } {
  const added: string[] = [];
  const keywords = messages.map((message) => {
    const clean = cleanKeywords(message.keywords.slice(0, KEYWORDS_PER_MESSAGE_MAX));
    try {
      const folded = foldKeywords(clean, [...known, ...added]);
      added.push(...folded.added);
      return [...folded.keywords].sort();
    } catch (error) {
      if (error instanceof Refused) return [];
      throw error;
    }
  });
  return { keywords, added };
}
