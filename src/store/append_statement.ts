import { Buffer } from "node:buffer";
import type { MailboxId, Modseq, Uid, UidValidity } from "../lib/ids.ts";
import type { NewMessage } from "./message.ts";
import { MESSAGE_COLUMNS, MESSAGE_VALUES, messageArrays } from "./message_columns.ts";
import { pendingUploads } from "./record_pending.ts";
import { type Sql, sql } from "./sql.ts";

/** What the statement answers for each mailbox; no row: the mailbox does not exist, or was skipped. */
export interface AppendAnswer {
  readonly mailbox: MailboxId;
  readonly uidValidity: UidValidity;
  /** UID of the first message for this mailbox, had all of them been stored. */
  readonly firstUid: Uid;
  readonly modseq: Modseq;
  /** 1-based positions in the batch of what was stored; the others were delivered before. */
  readonly stored: readonly number[];
}

/**
 * Stores a batch of messages, all or none, in one statement. The locks of the mailbox rows come
 * first, in ascending order, and their accounts' quotas with them, so everything behind them
 * (delivery keys, UIDs, MODSEQ, counters, usage) is serial. No delivery key may occur twice for one
 * mailbox. Fails with `over-quota` when the whole batch does not fit.
 */
export function appendStatement(
  batch: readonly NewMessage[],
  options: {
    /** For each message its keywords, in the mailbox's own letter case. */
    readonly keywords: readonly (readonly string[])[];
    /** Those that are new to the mailbox, of which there is only one then. */
    readonly added: readonly string[];
    /** Mailboxes that somebody else has locked are left out instead of waited for. */
    readonly skipLocked: boolean;
    /** How far above UIDNEXT the UID of each message is, ascending; default: one follows the other. */
    readonly uidOffsets?: readonly number[];
    /** Usage is counted, but limits nothing. */
    readonly ignoreQuota?: boolean;
    /** For each message when it came into its mailbox, in milliseconds since 1970; null: now. Default: now. */
    readonly savedMs?: readonly (number | null)[];
  },
): Sql {
  const column = <T>(of: (message: NewMessage) => T): T[] => batch.map(of);
  const { mailboxes, ranks } = places(batch);
  const limits = options.ignoreQuota ? NO_LIMITS : LIMITS;
  const saved = options.savedMs ? savedAt(options.savedMs) : SAVED_NOW;
  const accounts = [...new Set(column(({ accountId }) => accountId))];
  return sql`
    WITH box AS (
      SELECT id, uid_next, highest_modseq + 1 AS modseq, uid_validity, mailboxes.account_id
      FROM mailboxes JOIN quotas USING (account_id)
      WHERE id = ANY(${mailboxes}::bigint[]) AND deleted_at IS NULL
      ORDER BY id FOR NO KEY UPDATE ${options.skipLocked ? SKIP_LOCKED : WAIT}
    ), input AS (
      SELECT * FROM unnest(
        ${column(({ mailbox }) => mailbox)}::bigint[],
        ${options.uidOffsets ?? ranks}::bigint[],
        ${column(({ deliveryKey }) => deliveryKey && Buffer.from(deliveryKey, "hex"))}::bytea[],
        ${column(({ flags }) => flags)}::int[],
        ${options.keywords.map((list) => list.length > 0 ? list.join(" ") : null)}::text[],
        ${saved.array}${messageArrays(batch)}
      ) WITH ORDINALITY AS input(mailbox_id, rank, key, flags, keywords,
        ${saved.column}${MESSAGE_COLUMNS}, position)
    ), placed AS (
      SELECT input.*, box.uid_next + input.rank AS uid, box.modseq
      FROM input JOIN box ON box.id = input.mailbox_id
    ), delivered AS (
      INSERT INTO deliveries (mailbox_id, key, uid)
      SELECT mailbox_id, key, uid FROM placed WHERE key IS NOT NULL
      ON CONFLICT DO NOTHING RETURNING mailbox_id, uid
    ), fresh AS (
      SELECT * FROM placed
      WHERE key IS NULL OR (mailbox_id, uid) IN (SELECT mailbox_id, uid FROM delivered)
    ), counted AS (
      UPDATE mailboxes SET uid_next = added.last_uid + 1, highest_modseq = added.modseq,
        messages = messages + added.live, unseen = unseen + added.not_seen,
        size_bytes = size_bytes + added.octets,
        keywords = keywords || ${[...options.added]}::text[]
      FROM (SELECT mailbox_id, max(uid) AS last_uid, max(modseq) AS modseq, count(*) AS live,
          count(*) FILTER (WHERE flags & 1 = 0) AS not_seen, sum(size_bytes)::bigint AS octets
        FROM fresh GROUP BY mailbox_id) AS added
      WHERE id = added.mailbox_id AND id = ANY(${mailboxes}::bigint[])
    ), charged AS (
      UPDATE quotas
      SET storage_used = within_quota(storage_used + added.octets, ${limits.storage}),
        messages_used = within_quota(messages_used + added.live, ${limits.messages})
      FROM (SELECT box.account_id, count(*) AS live, sum(size_bytes)::bigint AS octets
        FROM fresh JOIN box ON box.id = fresh.mailbox_id GROUP BY box.account_id) AS added
      WHERE quotas.account_id = added.account_id AND quotas.account_id = ANY(${accounts}::bigint[])
    ), facts AS (
      INSERT INTO messages (mailbox_id, uid, created_modseq, ${saved.column}${MESSAGE_COLUMNS})
      SELECT mailbox_id, uid, modseq, ${saved.value}${MESSAGE_VALUES} FROM fresh
    ), states AS (
      INSERT INTO message_state (mailbox_id, uid, modseq, flags, keywords)
      SELECT mailbox_id, uid, modseq, flags, string_to_array(keywords, ' ') FROM fresh
    )${pendingUploads(batch)}
    SELECT id AS mailbox, uid_validity AS "uidValidity", uid_next AS "firstUid", modseq,
      ARRAY(SELECT position::int FROM fresh WHERE mailbox_id = box.id) AS stored
    FROM box`;
}

const SKIP_LOCKED = sql`SKIP LOCKED`;
const WAIT = sql``;
const LIMITS = { storage: sql`storage_limit`, messages: sql`messages_limit` };
const NO_LIMITS = { storage: sql`NULL`, messages: sql`NULL` };
/** The default of the column. */
const SAVED_NOW = { array: sql``, column: sql``, value: sql`` };

function savedAt(savedMs: readonly (number | null)[]) {
  return {
    array: sql`${savedMs}::bigint[], `,
    column: sql`saved_at, `,
    value: sql`coalesce(to_timestamp(saved_at / 1000.0), now()), `,
  };
}

/** Each mailbox once, and for each message how many of the batch come before it in its mailbox. */
function places(batch: readonly NewMessage[]): { mailboxes: MailboxId[]; ranks: number[] } {
  const counts = new Map<MailboxId, number>();
  const ranks = batch.map(({ mailbox }) => {
    const rank = counts.get(mailbox) ?? 0;
    counts.set(mailbox, rank + 1);
    return rank;
  });
  return { mailboxes: [...counts.keys()], ranks };
}
