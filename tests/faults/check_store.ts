import { type Database, sql } from "../../src/store/database.ts";
import type { Sql } from "../../src/store/sql.ts";

/** A rule of the schema that no constraint states: the query answers whoever breaks it. */
interface Rule {
  readonly name: string;
  readonly broken: Sql;
}

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
