import type { MailboxId } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import { sql, type Transaction } from "./database.ts";
import { type Mailbox, MAILBOX_COLUMNS } from "./mailbox.ts";

/** A mailbox whose row nobody else changes until the end of the transaction. */
export interface LockedMailbox extends Mailbox {
  /** Somebody besides the owner has \Seen of their own here: see `seen_states.ts`. */
  readonly hasViewers: boolean;
}

/**
 * Locks the rows of live mailboxes, in ascending order of their ids: whoever needs two of them
 * takes them here, so opposite moves cannot wait for each other. The next statement of the
 * transaction sees everything that was committed under the lock before.
 */
export async function lockMailboxes(
  tx: Transaction,
  ids: readonly MailboxId[],
): Promise<ReadonlyMap<MailboxId, LockedMailbox>> {
  const rows = await tx.query<LockedMailbox>(sql`
    SELECT ${MAILBOX_COLUMNS}, has_viewers AS "hasViewers" FROM mailboxes
    WHERE id = ANY(${[...ids]}::bigint[]) AND deleted_at IS NULL
    ORDER BY id FOR NO KEY UPDATE`);
  return new Map(rows.map((row) => [row.id, row]));
}

/** Locks one mailbox; throws `gone` when it was deleted. */
export async function lockMailbox(tx: Transaction, id: MailboxId): Promise<LockedMailbox> {
  const mailbox = (await lockMailboxes(tx, [id])).get(id);
  if (!mailbox) throw new Refused({ kind: "gone", what: "mailbox" });
  return mailbox;
}
