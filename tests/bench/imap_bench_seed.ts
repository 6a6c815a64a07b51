import { createHash } from "node:crypto";
import { objectKey } from "../../src/blobs/blobs.ts";
import { DiskBlobs } from "../../src/blobs/disk_blobs.ts";
import { Spool } from "../../src/blobs/spool.ts";
import { fromBinary } from "../../src/lib/bytes.ts";
import type { Hash, MailboxId } from "../../src/lib/ids.ts";
import { messageFacts } from "../../src/message/facts.ts";
import { parseMessage } from "../../src/message/parser.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { AccountStore } from "../../src/store/accounts.ts";
import { Database, sql } from "../../src/store/database.ts";
import { MailboxStore } from "../../src/store/mailboxes.ts";
import { MessageStore } from "../../src/store/messages.ts";
import { Notices } from "../../src/store/notices.ts";
import { LocalHasher } from "../../src/auth/local_hasher.ts";
import { plainMessage, shapedMessage } from "../support/mail.ts";
import type { testDatabase } from "../support/postgres.ts";

export const USER = "ada@example.org";
export const PASSWORD = "secret";
/** Messages of the large mailbox; so many different ones are repeated. */
export const LARGE = 100_000;
const DIFFERENT = 200;
/** Bodies that are read whole. */
export const BODIES = 2_000;
export const BODY_BYTES = 10_000;

type DatabaseConfig = Awaited<ReturnType<typeof testDatabase>>["config"];

/** Fills an empty database and a folder of bodies with what the IMAP bench reads. */
export async function seed(config: DatabaseConfig, folder: string): Promise<void> {
  const log = logger("bench");
  await using db = await Database.open({ ...config, writeTimeoutMs: 600_000 }, {
    log,
    metrics: new Metrics(),
  });
  const notices = new Notices(db, { workerId: "seed" });
  const hasher = new LocalHasher({ scheme: "sha512", cost: 4 });
  const passwordHash = await hasher.hash(PASSWORD);
  const account = await new AccountStore(db).create({ address: USER, passwordHash });
  const mailboxes = new MailboxStore(db, notices);
  const messages = new MessageStore(db, notices);
  const blobs = new DiskBlobs(folder);
  const append = async (mailbox: MailboxId, text: string, withBody: boolean) => {
    const bytes = fromBinary(text);
    const hash = createHash("sha256").update(bytes).digest("hex") as Hash;
    const key = objectKey(USER, hash);
    if (withBody) {
      const spool = new Spool(folder);
      await spool.write(bytes);
      await blobs.put(key, await spool.finish());
    }
    await messages.append({
      mailbox,
      accountId: account.id,
      hash,
      objectKey: key,
      facts: messageFacts(parseMessage(bytes)),
      internalDate: new Date(Date.UTC(2026, 0, 1)),
      flags: 0,
      keywords: [],
      deliveryKey: null,
    });
  };
  const large = await mailboxes.create(account.id, "Large");
  for (let n = 0; n < DIFFERENT; n++) await append(large.id, withTrace(shapedMessage(n)), false);
  await repeat(db, large.id);
  const bodies = await mailboxes.create(account.id, "Bodies");
  for (let from = 0; from < BODIES; from += 50) {
    const batch = Array.from({ length: 50 }, (_, i) => plainMessage(from + i, BODY_BYTES));
    await Promise.all(batch.map((text) => append(bodies.id, text, true)));
  }
  // WHY: what autovacuum has done a minute after so many arrivals.
  await db.query(sql`VACUUM ANALYZE messages`);
  await db.query(sql`VACUUM ANALYZE message_state`);
  await db.query(sql`VACUUM ANALYZE message_texts`);
}

/** Headers of the size that real mail has: some 3 KB of trace and signatures. */
function withTrace(text: string): string {
  const trace = Array.from({ length: 30 }, (_, n) => `X-Trace-${n}: ${"abc def ".repeat(10)}\r\n`);
  return trace.join("") + text;
}

/**
 * The different messages again and again, with ascending UIDs, each with its own ids and subject; they
 * arrived in another order than they have.
 */
async function repeat(db: Database, mailbox: MailboxId): Promise<void> {
  const times = LARGE / DIFFERENT - 1;
  await db.transaction(async (tx) => {
    await tx.query(sql`
      INSERT INTO messages (mailbox_id, uid, created_modseq, internal_date, sent_date, size_bytes,
        header_bytes, hash, object_key, message_id, in_reply_to, reference_ids, subject,
        base_subject, is_reply, sort_keys, from_text, to_text, cc_text, bcc_text, envelope,
        body_structure, structure, header)
      SELECT mailbox_id, uid + n * ${DIFFERENT}::int, created_modseq,
        internal_date + n * 7919 % 10007 * interval '1 minute', sent_date + n * interval '1 hour',
        size_bytes, header_bytes, sha256(hash || n::text::bytea), object_key, replace(message_id, '@', '.' || n || '@'),
        replace(in_reply_to, '@', '.' || n || '@'), replace(reference_ids, '@', '.' || n || '@'),
        subject, base_subject || ' ' || n % 100, is_reply, sort_keys, from_text, to_text, cc_text,
        bcc_text, envelope, body_structure, structure, header
      FROM generate_series(1, ${times}::int) AS n, messages WHERE mailbox_id = ${mailbox}`);
    await tx.query(sql`
      INSERT INTO message_state SELECT mailbox_id, uid + n * ${DIFFERENT}::int, modseq,
        CASE WHEN (uid + n) % 20 = 0 THEN 0 ELSE 1 END,
        CASE WHEN (uid + n) % 10 = 0 THEN ARRAY['$Forwarded'] END
      FROM generate_series(1, ${times}::int) AS n, message_state WHERE mailbox_id = ${mailbox}`);
    await tx.query(sql`
      INSERT INTO message_texts (account_id, hash, body_text, rest_text, truncated)
      SELECT mailboxes.account_id, hash, 'DEAR READER ' || repeat(upper(md5(uid::text)) || ' ', 10)
          || 'TICKET ' || uid || ' OF ' || uid % 50 || ' REGARDS',
        'SUBJECT: ' || subject || E'\nFROM: ' || from_text, false
      FROM messages JOIN mailboxes ON id = mailbox_id WHERE mailbox_id = ${mailbox}
      ON CONFLICT DO NOTHING`);
    await tx.query(sql`
      INSERT INTO search_progress VALUES (${mailbox}, ${LARGE})`);
    await tx.query(sql`
      UPDATE mailboxes SET messages = ${LARGE}, uid_next = ${LARGE + 1}, unseen = (
        SELECT count(*) FROM message_state WHERE mailbox_id = ${mailbox} AND flags & 1 = 0)
      WHERE id = ${mailbox}`);
  }, { timeoutMs: 600_000 });
}
