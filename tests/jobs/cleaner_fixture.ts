import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { MemoryBlobs } from "../../src/blobs/memory_blobs.ts";
import { type ObjectKey, objectKey } from "../../src/blobs/blobs.ts";
import type { Cleaned } from "../../src/jobs/cleanup_cycle.ts";
import { Cleaner, type CleanerOptions } from "../../src/jobs/cleaner.ts";
import type { CleanupConfig } from "../../src/config/config.ts";
import type { Hash } from "../../src/lib/ids.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { sql } from "../../src/store/database.ts";
import type { Mailbox } from "../../src/store/mailboxes.ts";
import type { Appended, NewMessage } from "../../src/store/messages.ts";
import { OrphanSweepStore } from "../../src/store/orphan_sweeps.ts";
import { PurgeStore } from "../../src/store/purge.ts";
import { AccountPurge } from "../../src/store/purge_accounts.ts";
import { MailboxPurge } from "../../src/store/purge_mailboxes.ts";
import { RestoreStore } from "../../src/store/restore.ts";
import { RetentionStore } from "../../src/store/retention.ts";
import { spooled } from "../blobs/contract.ts";
import { type Fixture, openFixture, someFacts, someMessage } from "../store/fixture.ts";

const DAY_MS = 86_400_000;

export const CLEANUP: CleanupConfig = {
  gracePeriodMs: 14 * DAY_MS,
  wakeIntervalMs: DAY_MS,
  maxAgeRestrictionMs: null,
  retention: [],
  expungeHistoryMs: 90 * DAY_MS,
  orphanIntervalMs: 7 * DAY_MS,
};

/** Stores, bodies and a cleaner that sees them two hours later. */
export interface CleanerFixture extends Fixture {
  readonly blobs: MemoryBlobs;
  /** The clock that the times of objects are by. */
  readonly storage: { aheadMs: number };
  readonly restore: RestoreStore;
  /** Runs one round to its end. */
  clean(
    options?: Partial<CleanerOptions>,
    config?: Partial<CleanupConfig>,
  ): ReturnType<Cleaner["round"]>;
  cleaner(options?: Partial<CleanerOptions>, config?: Partial<CleanupConfig>): Cleaner;
  /** Puts a body and adds a message with it. */
  deliver(mailbox: Mailbox, body: string, fields?: Partial<NewMessage>): Promise<Appended>;
  /** Everything that was expunged or deleted was so a number of days earlier. */
  age(days: number): Promise<void>;
  count(table: string): Promise<number>;
}

export async function openCleanerFixture(): Promise<CleanerFixture> {
  const it = await openFixture();
  const { db, notices } = it;
  const storage = { aheadMs: 0 };
  const blobs = new MemoryBlobs(() => new Date(Date.now() + storage.aheadMs));
  const cleaner = (options: Partial<CleanerOptions> = {}, config: Partial<CleanupConfig> = {}) =>
    new Cleaner({
      hold: (key) => db.hold(key),
      database: db,
      sweeps: new OrphanSweepStore(db),
      permanent: blobs,
      purge: new PurgeStore(db),
      mailboxes: new MailboxPurge(db),
      accounts: new AccountPurge(db),
      retention: new RetentionStore(db, notices),
      blobs,
      isRecorded: false,
      config: { ...CLEANUP, ...config },
      log: logger("test"),
      metrics: new Metrics(),
      now: () => new Date(Date.now() + 2 * 3_600_000),
      ...options,
    });
  return {
    ...it,
    blobs,
    storage,
    restore: new RestoreStore(db, notices),
    cleaner,
    async clean(options, config) {
      await using one = cleaner(options, config);
      return await one.round();
    },
    async deliver(mailbox, body, fields = {}) {
      const spool = await spooled(body);
      const key = objectKey("owner@example.com", spool.hash);
      await blobs.put(key, spool);
      const facts = someFacts({ sizeBytes: body.length, subject: body });
      return await it.messages.append(
        someMessage(mailbox, { hash: spool.hash, objectKey: key, facts, ...fields }),
      );
    },
    async age(days) {
      const by = `${days} days`;
      await db.write(sql`
        UPDATE expunged_messages SET expunged_at = expunged_at - ${by}::interval`);
      await db.write(sql`UPDATE mailboxes SET deleted_at = deleted_at - ${by}::interval`);
      await db.write(sql`UPDATE accounts SET deleted_at = deleted_at - ${by}::interval`);
    },
    async count(table) {
      const rows = await db.query<{ count: number }>(sql`
        SELECT (xpath('/row/c/text()', query_to_xml(
          format('SELECT count(*) AS c FROM %I', ${table}::text), false, true, '')))[1]::text::bigint
          AS count`);
      return rows[0]?.count ?? 0;
    },
    [Symbol.asyncDispose]: () => it[Symbol.asyncDispose](),
  };
}

/** Where `deliver` puts a body. */
export function keyOf(body: string): ObjectKey {
  const hash = createHash("sha256").update(body, "latin1").digest("hex") as Hash;
  return objectKey("owner@example.com", hash);
}

/** Deletes messages as a client does. */
export async function expungeAll(it: Fixture, mailbox: Mailbox): Promise<number> {
  await it.db.write(sql`
    UPDATE message_state SET flags = flags | 8 WHERE mailbox_id = ${mailbox.id}`);
  return (await it.messages.expunge(mailbox.id, null)).expunged.size;
}

/** Tables with rows about an account or its mailboxes, and how many. */
export async function leftovers(
  { count }: CleanerFixture,
): Promise<Record<string, number>> {
  const tables = ["messages", "message_state", "expunged_messages", "message_texts", "stale_texts"]
    .concat(["deliveries", "seen_states", "viewers", "mailbox_acls", "metadata", "search_progress"])
    .concat(["damaged_bodies", "scrub_progress", "rebuilt_accounts", "pending_uploads"])
    .concat(["mailboxes", "subscriptions", "uid_validities", "quotas", "credentials", "accounts"]);
  const counts: Record<string, number> = {};
  for (const table of tables) {
    const rows = await count(table);
    if (rows > 0) counts[table] = rows;
  }
  return counts;
}

/** What a round did that came to its end. */
export async function cleanedOf(round: ReturnType<CleanerFixture["clean"]>): Promise<Cleaned> {
  const done = await round;
  if (done.kind !== "done") assert.fail(`${done.kind} ${"error" in done ? done.error : ""}`);
  return done.cleaned;
}
