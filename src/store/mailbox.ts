import type { AccountId, MailboxId, Modseq, Uid, UidValidity } from "../lib/ids.ts";
import { sql } from "./sql.ts";

/** One mailbox as its row says; the counters are exact at the moment of reading. */
export interface Mailbox {
  readonly id: MailboxId;
  /** Whose it is: bodies and quota are this account's. */
  readonly accountId: AccountId;
  /** Whose shared tree the name is in; null: it is a personal mailbox. */
  readonly domain: string | null;
  /** Unicode, levels separated by "/"; "INBOX" in upper case. */
  readonly name: string;
  readonly uidValidity: UidValidity;
  readonly uidNext: Uid;
  readonly highestModseq: Modseq;
  readonly messages: number;
  readonly unseen: number;
  readonly sizeBytes: number;
  /** RFC 6154 attribute, e.g. "\\Sent"; null without one. */
  readonly specialUse: string | null;
  /** Every keyword ever used in it, in its first-seen case. */
  readonly keywords: readonly string[];
  /** UIDs from this one on have been told to no session as \Recent yet. */
  readonly recentUid: Uid;
}

/** The columns of a `Mailbox`, in the table `mailboxes` without an alias. */
export const MAILBOX_COLUMNS = sql`
  id, account_id AS "accountId", domain, name, uid_validity AS "uidValidity", uid_next AS "uidNext",
  highest_modseq AS "highestModseq", messages, unseen, size_bytes AS "sizeBytes",
  special_use AS "specialUse", keywords, recent_uid AS "recentUid"`;
