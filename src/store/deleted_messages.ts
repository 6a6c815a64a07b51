import type { AccountId, MailboxId, Uid } from "../lib/ids.ts";
import { type Database, sql } from "./database.ts";
import { mailboxKey } from "./mailbox_name.ts";
import type { Sql } from "./sql.ts";

/** Where a message was before it was deleted: its mailbox, and its UID there. */
export interface DeletedId {
  readonly mailbox: MailboxId;
  readonly uid: Uid;
}

/** A deleted message that can be restored. */
export interface DeletedMessage extends DeletedId {
  /** As the mailbox is, or was, called. */
  readonly mailboxName: string;
  /** The mailbox itself was deleted. */
  readonly isMailboxDeleted: boolean;
  /** Whose shared tree the mailbox is in; null: a personal one. */
  readonly domain: string | null;
  readonly deletedAt: Date;
  readonly internalDate: Date;
  readonly sizeBytes: number;
  /** Folded text. */
  readonly subject: string;
  readonly from: string;
  /** The header block, where it is kept. */
  readonly header: Uint8Array | null;
}

/** Which deleted messages; what is not given does not matter. */
export interface DeletedFilter {
  readonly ids?: readonly DeletedId[];
  /** Name of the mailbox, in any case. */
  readonly mailbox?: string;
  readonly since?: Date;
  readonly until?: Date;
}

/** A page of them, the last deleted ones first; `next` is null behind the last page. */
export interface DeletedPage {
  readonly messages: readonly DeletedMessage[];
  readonly next: DeletedCursor | null;
}

/** Behind the last message of a page. */
export interface DeletedCursor extends DeletedId {
  /** As PostgreSQL writes it. */
  readonly deletedAt: string;
}

/** Messages of an account that were expunged, or whose mailbox was deleted, and are not purged yet. */
export async function readDeleted(
  db: Pick<Database, "search">,
  account: AccountId,
  { filter, limit, after = null }: {
    readonly filter: DeletedFilter;
    readonly limit: number;
    readonly after?: DeletedCursor | null;
  },
): Promise<DeletedPage> {
  const rows = await db.search<DeletedMessage & { cursor: string }>(sql`
    WITH box AS (SELECT id, name, domain, deleted_at FROM mailboxes
      WHERE account_id = ${account} AND NOT purging ${named(filter)}),
    deleted AS (
      SELECT box.id, uid, expunged_at AS at FROM box JOIN expunged_messages ON mailbox_id = box.id
      WHERE NOT moved AND NOT expunged_messages.purging
      UNION ALL
      SELECT box.id, uid, deleted_at FROM box JOIN message_state ON mailbox_id = box.id
      WHERE deleted_at IS NOT NULL
    ), page AS (
      SELECT id, uid, at FROM deleted
      WHERE ${range(filter)} AND ${chosen(filter)}
        AND (${after === null} OR (at, id, uid) <
          (${after?.deletedAt ?? "infinity"}::timestamptz, ${after?.mailbox ?? 0}, ${
    after?.uid ?? 0
  }))
      ORDER BY at DESC, id DESC, uid DESC LIMIT ${limit}
    )
    SELECT page.id AS mailbox, page.uid, box.name AS "mailboxName", box.domain,
      box.deleted_at IS NOT NULL AS "isMailboxDeleted", at AS "deletedAt", at::text AS cursor,
      internal_date AS "internalDate", size_bytes AS "sizeBytes", subject, from_text AS "from", header
    FROM page JOIN box USING (id)
    JOIN messages ON messages.mailbox_id = page.id AND messages.uid = page.uid
    ORDER BY at DESC, page.id DESC, page.uid DESC`.unprepared());
  const last = rows.at(-1);
  return {
    messages: rows.map(({ cursor: _, ...message }) => message),
    next: last && rows.length === limit
      ? { mailbox: last.mailbox, uid: last.uid, deletedAt: last.cursor }
      : null,
  };
}

function named({ mailbox }: DeletedFilter): Sql {
  if (mailbox === undefined) return sql``;
  const key = mailboxKey(mailbox);
  return sql`AND (name_key = ${key} OR domain IS NOT NULL AND name_key = '/' || domain || '/' || ${key})`;
}

function range({ since, until }: DeletedFilter): Sql {
  const from = since ? sql`at >= ${since}::timestamptz` : sql`true`;
  return until ? sql`${from} AND at < ${until}::timestamptz` : from;
}

function chosen({ ids }: DeletedFilter): Sql {
  if (!ids) return sql`true`;
  return sql`(id, uid) IN (SELECT * FROM unnest(${ids.map(({ mailbox }) => mailbox)}::bigint[],
    ${ids.map(({ uid }) => uid)}::bigint[]))`;
}
