import { Buffer } from "node:buffer";
import type { MailboxId, Modseq, Uid, UidValidity } from "../lib/ids.ts";
import type { NewMessage } from "./message.ts";
import { packObjectKey } from "./object_key.ts";
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
 * first, in ascending order, so everything behind them (delivery keys, UIDs, MODSEQ, counters) is
 * serial for each mailbox. No delivery key may occur twice for one mailbox.
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
  },
): Sql {
  const column = <T>(of: (message: NewMessage) => T): T[] => batch.map(of);
  const { mailboxes, ranks } = places(batch);
  return sql`
    WITH box AS (
      SELECT id, uid_next, highest_modseq + 1 AS modseq, uid_validity FROM mailboxes
      WHERE id = ANY(${mailboxes}::bigint[]) AND deleted_at IS NULL
      ORDER BY id FOR NO KEY UPDATE ${options.skipLocked ? SKIP_LOCKED : WAIT}
    ), input AS (
      SELECT * FROM unnest(
        ${column(({ mailbox }) => mailbox)}::bigint[],
        ${ranks}::int[],
        ${column(({ deliveryKey }) => deliveryKey && Buffer.from(deliveryKey, "hex"))}::bytea[],
        ${column(({ flags }) => flags)}::int[],
        ${options.keywords.map((list) => list.length > 0 ? list.join(" ") : null)}::text[],
        ${column(({ internalDate }) => timestamp(internalDate) ?? new Date().toISOString())}
          ::timestamptz[],
        ${column(({ facts }) => facts.sentDate && timestamp(facts.sentDate))}::timestamptz[],
        ${column(({ facts }) => facts.sizeBytes)}::bigint[],
        ${column(({ facts }) => facts.headerBytes)}::int[],
        ${column(({ hash }) => Buffer.from(hash, "hex"))}::bytea[],
        ${column(({ objectKey, hash }) => packObjectKey(objectKey, hash))}::text[],
        ${column(({ facts }) => facts.messageId)}::text[],
        ${column(({ facts }) => facts.inReplyTo)}::text[],
        ${column(({ facts }) => facts.references.join(" ") || null)}::text[],
        ${column(({ facts }) => facts.subject)}::text[],
        ${column(({ facts }) => facts.baseSubject)}::text[],
        ${column(({ facts }) => facts.from)}::text[],
        ${column(({ facts }) => facts.to)}::text[],
        ${column(({ facts }) => facts.cc)}::text[],
        ${column(({ facts }) => facts.bcc)}::text[],
        ${column(({ facts }) => facts.envelope)}::text[],
        ${column(({ facts }) => facts.bodyStructure)}::text[],
        ${column(({ facts }) => facts.structure)}::text[],
        ${column(({ facts }) => facts.header)}::bytea[]
      ) WITH ORDINALITY AS input(mailbox_id, rank, key, flags, keywords, internal_date, sent_date, size_bytes,
        header_bytes, hash, object_key, message_id, in_reply_to, reference_ids, subject,
        base_subject, from_text, to_text, cc_text, bcc_text, envelope, body_structure, structure,
        header, position)
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
    ), facts AS (
      INSERT INTO messages (mailbox_id, uid, created_modseq, internal_date, sent_date, size_bytes,
        header_bytes, hash, object_key, message_id, in_reply_to, reference_ids, subject,
        base_subject, from_text, to_text, cc_text, bcc_text, envelope, body_structure, structure,
        header)
      SELECT mailbox_id, uid, modseq, internal_date, sent_date, size_bytes, header_bytes, hash,
        object_key, message_id, in_reply_to, reference_ids, subject, base_subject, from_text,
        to_text, cc_text, bcc_text, envelope, body_structure, structure, header
      FROM fresh
    ), states AS (
      INSERT INTO message_state (mailbox_id, uid, modseq, flags, keywords)
      SELECT mailbox_id, uid, modseq, flags, string_to_array(keywords, ' ') FROM fresh
    )
    SELECT id AS mailbox, uid_validity AS "uidValidity", uid_next AS "firstUid", modseq,
      ARRAY(SELECT position::int FROM fresh WHERE mailbox_id = box.id) AS stored
    FROM box`;
}

const SKIP_LOCKED = sql`SKIP LOCKED`;
const WAIT = sql``;

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

/** As PostgreSQL reads it; null for what is no date, or none that it can hold. */
function timestamp(date: Date): string | null {
  const year = date.getUTCFullYear();
  return year >= 1 && year <= 9999 ? date.toISOString() : null;
}
