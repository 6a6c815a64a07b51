import { type Database, sql } from "../../src/store/database.ts";
import type { Sql } from "../../src/store/sql.ts";

/** A rule of the schema that no constraint states: the query answers whoever breaks it. */
interface Rule {
  readonly name: string;
  readonly broken: Sql;
}

/** Everything that has rows of accounts, and the column that says whose; 0 is nobody's. */
const OF_ACCOUNTS: readonly (readonly [table: Sql, column: Sql])[] = [
  [sql`credentials`, sql`account_id`],
  [sql`mailboxes`, sql`account_id`],
  [sql`quotas`, sql`account_id`],
  [sql`subscriptions`, sql`account_id`],
  [sql`uid_validities`, sql`account_id`],
  [sql`metadata`, sql`owner_id`],
  [sql`mailbox_acls`, sql`account_id`],
  [sql`viewers`, sql`account_id`],
  [sql`seen_states`, sql`account_id`],
  [sql`message_texts`, sql`account_id`],
  [sql`stale_texts`, sql`account_id`],
  [sql`pending_uploads`, sql`account_id`],
  [sql`damaged_bodies`, sql`account_id`],
];

/** The same of mailboxes. */
const OF_MAILBOXES: readonly Sql[] = [
  sql`messages`,
  sql`message_state`,
  sql`expunged_messages`,
  sql`deliveries`,
  sql`seen_states`,
  sql`viewers`,
  sql`mailbox_acls`,
  sql`metadata`,
  sql`search_progress`,
  sql`scrub_progress`,
];

/** Counted from the messages themselves. */
const counted = sql`(SELECT mailboxes.id AS mailbox_id, count(state.uid) AS messages,
    count(state.uid) FILTER (WHERE state.flags & 1 = 0) AS unseen,
    coalesce(sum(messages.size_bytes), 0)::bigint AS size_bytes,
    coalesce(max(state.uid), 0) AS last_uid, coalesce(max(state.modseq), 0) AS last_modseq
  FROM mailboxes LEFT JOIN message_state AS state ON state.mailbox_id = mailboxes.id
    LEFT JOIN messages ON messages.mailbox_id = state.mailbox_id AND messages.uid = state.uid
  WHERE deleted_at IS NULL GROUP BY mailboxes.id)`;

const rules: readonly Rule[] = [
  {
    name: "counters of a mailbox are those of its messages",
    broken: sql`SELECT row_to_json(found) AS found FROM (
      SELECT id, mailboxes.messages, counted.messages AS is_messages, mailboxes.unseen,
        counted.unseen AS is_unseen, mailboxes.size_bytes, counted.size_bytes AS is_size
      FROM mailboxes JOIN ${counted} AS counted ON mailbox_id = id
      WHERE (mailboxes.messages, mailboxes.unseen, mailboxes.size_bytes)
        IS DISTINCT FROM (counted.messages, counted.unseen, counted.size_bytes)) AS found`,
  },
  {
    name: "UIDs and MODSEQs were given out by the mailbox",
    broken: sql`SELECT row_to_json(found) AS found FROM (
      SELECT id, uid_next, last_uid, highest_modseq, last_modseq
      FROM mailboxes JOIN ${counted} AS counted ON mailbox_id = id
      WHERE last_uid >= uid_next OR last_modseq > highest_modseq) AS found`,
  },
  {
    name: "every message has its facts",
    broken: sql`SELECT row_to_json(found) AS found FROM (
      SELECT mailbox_id, uid FROM message_state
      WHERE NOT EXISTS (SELECT 1 FROM messages WHERE messages.mailbox_id = message_state.mailbox_id
        AND messages.uid = message_state.uid)) AS found`,
  },
  {
    name: "no message is there and expunged",
    broken: sql`SELECT row_to_json(found) AS found FROM (
      SELECT mailbox_id, uid FROM message_state JOIN expunged_messages USING (mailbox_id, uid))
      AS found`,
  },
  {
    name: "the usage of an account is that of its mailboxes",
    broken: sql`SELECT row_to_json(found) AS found FROM (
      SELECT quotas.account_id, storage_used, messages_used, sum(size_bytes)::bigint AS is_storage,
        sum(messages)::bigint AS is_messages
      FROM quotas JOIN mailboxes ON mailboxes.account_id = quotas.account_id
      WHERE mailboxes.deleted_at IS NULL
      GROUP BY quotas.account_id, storage_used, messages_used
      HAVING (storage_used, messages_used)
        IS DISTINCT FROM (sum(size_bytes)::bigint, sum(messages)::bigint)) AS found`,
  },
  {
    name: "the facts of a message belong to one that is live, or to one that is expunged",
    broken: sql`SELECT row_to_json(found) AS found FROM (
      SELECT mailbox_id, uid FROM messages
      WHERE NOT EXISTS (SELECT 1 FROM message_state AS state
          WHERE state.mailbox_id = messages.mailbox_id AND state.uid = messages.uid)
        AND NOT EXISTS (SELECT 1 FROM expunged_messages AS gone WHERE NOT moved
          AND gone.mailbox_id = messages.mailbox_id AND gone.uid = messages.uid)) AS found`,
  },
  {
    name: "what can be restored has its facts",
    broken: sql`SELECT row_to_json(found) AS found FROM (
      SELECT mailbox_id, uid FROM expunged_messages AS gone
      WHERE NOT moved AND NOT EXISTS (SELECT 1 FROM messages
        WHERE messages.mailbox_id = gone.mailbox_id AND messages.uid = gone.uid)) AS found`,
  },
  {
    name: "what waits for its upload is the body of a message",
    broken: sql`SELECT row_to_json(found) AS found FROM (
      SELECT pending_uploads.object_key, instance_id, leased_by FROM pending_uploads
      WHERE NOT EXISTS (SELECT 1 FROM messages WHERE pending_uploads.object_key =
        object_key || CASE WHEN object_key LIKE '%/' THEN encode(hash, 'hex') ELSE '' END))
      AS found`,
  },
  {
    name: "a text is one of a message, or about to be forgotten",
    broken: sql`SELECT row_to_json(found) AS found FROM (
      SELECT account_id, encode(hash, 'hex') AS hash FROM message_texts AS text
      WHERE NOT EXISTS (SELECT 1 FROM messages JOIN mailboxes ON mailboxes.id = mailbox_id
          WHERE messages.hash = text.hash AND mailboxes.account_id = text.account_id)
        AND NOT EXISTS (SELECT 1 FROM stale_texts AS stale
          WHERE stale.hash = text.hash AND stale.account_id = text.account_id)) AS found`,
  },
  ...OF_ACCOUNTS.map(([table, column]) => ({
    name: "nothing is left of an account that is gone",
    broken: sql`SELECT row_to_json(of_nobody) AS found FROM ${table} AS of_nobody
      WHERE ${column} <> 0 AND NOT EXISTS (SELECT 1 FROM accounts WHERE accounts.id = ${column})`,
  })),
  ...OF_MAILBOXES.map((table) => ({
    name: "nothing is left of a mailbox that is gone",
    broken: sql`SELECT row_to_json(of_nothing) AS found FROM ${table} AS of_nothing
      WHERE mailbox_id <> 0
        AND NOT EXISTS (SELECT 1 FROM mailboxes WHERE mailboxes.id = mailbox_id)`,
  })),
];

/** What is wrong in a database that nobody writes to at the moment; nothing, if all is well. */
export async function checkStore(db: Database): Promise<string[]> {
  const wrong: string[] = [];
  for (const { name, broken } of rules) {
    for (const { found } of await db.query<{ found: unknown }>(broken)) {
      wrong.push(`${name}: ${JSON.stringify(found)}`);
    }
  }
  return wrong;
}
