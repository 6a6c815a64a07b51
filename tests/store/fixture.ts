import { createHash } from "node:crypto";
import type { DatabaseConfig } from "../../src/config/config.ts";
import type { AccountId, Hash, MailboxId, Uid } from "../../src/lib/ids.ts";
import { NumberSet } from "../../src/lib/number_set.ts";
import type { MessageFacts } from "../../src/message/facts.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { AccountStore } from "../../src/store/accounts.ts";
import { Database, sql } from "../../src/store/database.ts";
import { type Mailbox, MailboxStore } from "../../src/store/mailboxes.ts";
import { MessageStore, type NewMessage } from "../../src/store/messages.ts";
import { Notices } from "../../src/store/notices.ts";
import type { UidSet } from "../../src/store/uid_set.ts";
import { testDatabase } from "../support/postgres.ts";

/** The stores over a fresh database, with one account. */
export interface Fixture extends AsyncDisposable {
  readonly db: Database;
  readonly notices: Notices;
  readonly accounts: AccountStore;
  readonly mailboxes: MailboxStore;
  readonly messages: MessageStore;
  readonly account: AccountId;
  readonly inbox: Mailbox;
  readonly config: DatabaseConfig;
}

/** Opens a fixture; `maxConnections` as configured for the primary. */
export async function openFixture({ maxConnections = 16 } = {}): Promise<Fixture> {
  const test = await testDatabase();
  const config = { ...test.config, write: { ...test.config.write, maxConnections } };
  const db = await Database.open(config, { log: logger("test"), metrics: new Metrics() });
  const notices = new Notices(db, { workerId: "test" });
  const accounts = new AccountStore(db);
  const mailboxes = new MailboxStore(db, notices);
  const messages = new MessageStore(db, notices);
  const account = await accounts.create({ address: "owner@example.com", passwordHash: "{X}" });
  const inbox = await mailboxes.find(account.id, "INBOX");
  return {
    db,
    notices,
    accounts,
    mailboxes,
    messages,
    account: account.id,
    inbox,
    config: test.config,
    async [Symbol.asyncDispose]() {
      await db[Symbol.asyncDispose]();
      await test[Symbol.asyncDispose]();
    },
  };
}

/** Facts of a small message; any of them can be given. */
export function someFacts(facts: Partial<MessageFacts> = {}): MessageFacts {
  const subject = facts.subject ?? "A subject";
  return {
    sizeBytes: 1000,
    headerBytes: 60,
    header: new TextEncoder().encode(`Subject: ${subject}\r\n\r\n`),
    envelope: `(NIL "${subject}" NIL NIL NIL NIL NIL NIL NIL NIL)`,
    bodyStructure: `("text" "plain" NIL NIL NIL "7bit" 940 20 NIL NIL NIL NIL)`,
    structure: "{}",
    messageId: "<1@example.com>",
    inReplyTo: null,
    references: [],
    sentDate: new Date("2026-01-02T03:04:05Z"),
    subject,
    from: "Ann <ann@example.com>",
    to: "Bob <bob@example.com>",
    cc: "",
    bcc: "",
    baseSubject: subject,
    isReply: false,
    sortKeys: ["ANN", "BOB", "", "ANN", "BOB"],
    ...facts,
  };
}

/** The SHA-256 of a text. */
export function hashOf(text: string): Hash {
  return createHash("sha256").update(text).digest("hex") as Hash;
}

/** A message for a mailbox; any of its fields can be given. */
export function someMessage(mailbox: Mailbox, fields: Partial<NewMessage> = {}): NewMessage {
  const hash = hashOf("body");
  return {
    mailbox: mailbox.id,
    accountId: mailbox.accountId,
    hash,
    objectKey: `example.com/owner/${hash}`,
    facts: someFacts(),
    internalDate: new Date("2026-01-02T03:04:05Z"),
    flags: 0,
    keywords: [],
    deliveryKey: null,
    ...fields,
  };
}

/** A set of UIDs. */
export function uidSet(...uids: readonly number[]): UidSet {
  return NumberSet.from(uids as readonly Uid[]);
}

/** `1:*`. */
export const EVERY_UID: UidSet = NumberSet.of([[1 as Uid, 4294967295 as Uid]]);

/** Runs the check of counters against rows; returns what is wrong, as text. */
export async function inconsistencies(db: Database, mailbox: MailboxId): Promise<string[]> {
  const rows = await db.query<{ problem: string }>(sql`
    SELECT format('messages %s, rows %s; unseen %s, rows %s; size %s, rows %s; next %s, max %s; ' ||
      'modseq %s, max %s', box.messages, live.count, box.unseen, live.unseen, box.size_bytes,
      live.size_bytes, box.uid_next, live.last, box.highest_modseq, live.modseq) AS problem
    FROM mailboxes AS box, LATERAL (
      SELECT count(*) AS count, count(*) FILTER (WHERE flags & 1 = 0) AS unseen,
        coalesce(sum(m.size_bytes), 0) AS size_bytes, coalesce(max(s.uid), 0) AS last,
        coalesce(max(s.modseq), 0) AS modseq, count(*) FILTER (WHERE m.uid IS NULL) AS orphans
      FROM message_state s LEFT JOIN messages m USING (mailbox_id, uid)
      WHERE s.mailbox_id = box.id) AS live
    WHERE box.id = ${mailbox} AND (box.messages <> live.count OR box.unseen <> live.unseen
      OR box.size_bytes <> live.size_bytes OR box.uid_next <= live.last
      OR box.highest_modseq < live.modseq OR live.orphans > 0)`);
  return rows.map(({ problem }) => problem);
}
