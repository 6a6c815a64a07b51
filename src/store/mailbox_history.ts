import type { AccountId, MailboxId, Uid } from "../lib/ids.ts";
import { type Database, sql } from "./database.ts";
import { mailboxKey } from "./mailbox_name.ts";

/** Times that a message was moved on, of those that are followed. */
const MOVES_MAX = 1_000;

/** A message that a mailbox held at some time. */
export interface HeldMessage {
  /** Where it was then. */
  readonly then: { readonly mailbox: MailboxId; readonly uid: Uid };
  /** Where its row is now: the same, or where it has been moved. */
  readonly now: { readonly mailbox: MailboxId; readonly uid: Uid };
  /** What the mailbox is called where it is now. */
  readonly mailboxName: string;
  /** It has been deleted since, and can be restored. */
  readonly isDeleted: boolean;
  readonly savedAt: Date;
  readonly internalDate: Date;
  readonly sizeBytes: number;
  /** Folded text. */
  readonly subject: string;
  readonly from: string;
  /** The header block, where it is kept. */
  readonly header: Uint8Array | null;
}

/** Some of what a mailbox held at some time. */
export interface HeldPage {
  readonly messages: readonly HeldMessage[];
  /** The next page is behind this UID; null: this was the last one. */
  readonly next: Uid | null;
}

/** What is known of a mailbox at some time. */
export interface MailboxThen {
  readonly mailboxes: readonly MailboxId[];
  /** Messages that were expunged since and purged; some of them may have come later than the time. */
  readonly lost: number;
  /** When a mailbox of the name was created first, of those that are known. */
  readonly since: Date | null;
}

/** What mailboxes held at some time, as far as the cleaner has left it. */
export class MailboxHistory {
  constructor(readonly db: Database) {}

  /** The mailboxes that have, or had when they were deleted, this name, and were there at the time. */
  async find(account: AccountId, name: string, at: Date): Promise<MailboxThen> {
    const key = mailboxKey(name);
    const [row] = await this.db.search<
      { mailboxes: MailboxId[] | null; lost: number; since: Date | null }
    >(sql`
      WITH box AS (SELECT id, created_at, deleted_at FROM mailboxes
        WHERE account_id = ${account} AND name_key = ${key} AND NOT purging),
      past AS (SELECT id FROM box
        WHERE created_at <= ${at}::timestamptz AND (deleted_at IS NULL OR deleted_at > ${at}::timestamptz))
      SELECT (SELECT json_agg(id ORDER BY id) FROM past) AS mailboxes,
        (SELECT min(created_at) FROM box) AS since,
        (SELECT count(*) FROM expunged_messages JOIN past ON mailbox_id = past.id
          WHERE expunged_at > ${at}::timestamptz AND (moved AND moved_to IS NULL OR purging)) AS lost`);
    return { mailboxes: row?.mailboxes ?? [], lost: row?.lost ?? 0, since: row?.since ?? null };
  }

  /**
   * What one of them held then, by UID, behind `after`. At most `limit` UIDs are looked at, so that each is
   * looked at once in all pages: one may be empty, and not be the last.
   */
  async held(
    mailbox: MailboxId,
    { at, after, limit }: { readonly at: Date; readonly after: Uid | 0; readonly limit: number },
  ): Promise<HeldPage> {
    const time = sql`${at}::timestamptz`;
    const behind = sql`mailbox_id = ${mailbox} AND uid > ${after}`;
    // WHY although they are joined by UID: no plan then reads more of the mailbox than this page.
    const here = sql`${behind} AND uid <= (SELECT max(uid) FROM page)`;
    const first = sql`ORDER BY uid LIMIT ${limit}`;
    const rows = await this.db.search<Row | Nothing>(sql`
      WITH RECURSIVE page AS (
        (SELECT uid FROM messages WHERE ${behind} ${first})
        UNION (SELECT uid FROM expunged_messages WHERE ${behind} ${first}) ${first}
      ), trail AS (
        SELECT uid AS then_uid, saved_at, moved_to AS id, moved_uid AS uid, 1 AS moves
        FROM page JOIN expunged_messages USING (uid)
        WHERE ${here} AND moved AND moved_to IS NOT NULL
          AND saved_at <= ${time} AND expunged_at > ${time}
        UNION ALL
        SELECT then_uid, trail.saved_at, gone.moved_to, gone.moved_uid, moves + 1
        FROM trail JOIN expunged_messages AS gone
          ON gone.mailbox_id = trail.id AND gone.uid = trail.uid
        WHERE gone.moved AND gone.moved_to IS NOT NULL AND moves < ${MOVES_MAX}
      ), held AS (
        SELECT messages.uid AS then_uid, messages.saved_at, mailbox_id AS id, messages.uid
        FROM page JOIN messages USING (uid)
        LEFT JOIN expunged_messages AS gone USING (mailbox_id, uid)
        WHERE ${here} AND messages.saved_at <= ${time}
          AND (gone.uid IS NULL OR gone.expunged_at > ${time})
        UNION ALL
        SELECT then_uid, saved_at, id, uid FROM trail
      )
      SELECT page.uid AS "thenUid", held.saved_at AS "savedAt", held.id AS mailbox, held.uid,
        mailboxes.name AS "mailboxName", gone.uid IS NOT NULL OR mailboxes.deleted_at IS NOT NULL
          AS "isDeleted",
        internal_date AS "internalDate", messages.size_bytes AS "sizeBytes", subject, from_text AS "from", header
      FROM page LEFT JOIN (held
        JOIN messages ON messages.mailbox_id = held.id AND messages.uid = held.uid
        JOIN mailboxes ON mailboxes.id = held.id AND NOT mailboxes.purging
        LEFT JOIN expunged_messages AS gone
          ON gone.mailbox_id = held.id AND gone.uid = held.uid
      ) ON then_uid = page.uid AND gone.purging IS NOT TRUE
      ORDER BY page.uid`);
    const messages = rows.flatMap((row) => row.mailbox === null ? [] : [heldMessage(mailbox, row)]);
    return { messages, next: rows.length < limit ? null : rows.at(-1)?.thenUid ?? null };
  }
}

function heldMessage(then: MailboxId, row: Row): HeldMessage {
  const { thenUid, mailbox, uid, ...message } = row;
  return { ...message, then: { mailbox: then, uid: thenUid }, now: { mailbox, uid } };
}

/** A UID that no message had then, or whose message is gone for good. */
interface Nothing {
  readonly thenUid: Uid;
  readonly mailbox: null;
}

interface Row extends Omit<HeldMessage, "then" | "now"> {
  readonly thenUid: Uid;
  readonly mailbox: MailboxId;
  readonly uid: Uid;
}
