import type { Blobs, ObjectKey } from "../blobs/blobs.ts";
import type { CleanupConfig } from "../config/config.ts";
import type { AccountId, MailboxId, Uid } from "../lib/ids.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { PurgeCursor, Purged, PurgeStore } from "../store/purge.ts";
import type { AccountPurge } from "../store/purge_accounts.ts";
import type { MailboxPurge } from "../store/purge_mailboxes.ts";
import type { RetentionStore } from "../store/retention.ts";

/** Bodies that are asked for at once. */
const INFOS_AT_ONCE = 16;
/**
 * WHY: a body that was put is named by a message a moment later, and a storage without an uploader has no
 * other sign of it; no command, and no import, takes so long from the one to the other.
 */
const SETTLED_MS = 3_600_000;

/** What a cycle works with. */
export interface CycleParts {
  readonly purge: PurgeStore;
  readonly mailboxes: MailboxPurge;
  readonly accounts: AccountPurge;
  readonly retention: RetentionStore;
  readonly blobs: Pick<Blobs, "info" | "deleteMany">;
  readonly config: CleanupConfig;
  readonly log: Log;
  readonly metrics: Metrics;
  /**
   * What is put there is recorded in `pending_uploads` with its message, and uploaded again when it was removed
   * meanwhile. Otherwise the age of a body says whether its message may be on the way.
   */
  readonly isRecorded: boolean;
  /** Between two batches; throws when the cycle has to end. */
  readonly pause: () => Promise<void>;
  /** Default: of the machine. */
  readonly now?: () => Date;
}

/** How many of what went. */
export interface Cleaned {
  expunged: number;
  messages: number;
  objects: number;
  deferred: number;
  mailboxes: number;
  accounts: number;
  tombstones: number;
  texts: number;
}

/** One round of the cleaner, in batches; whatever ends it, the next one goes on where it was. */
export class CleanupCycle {
  readonly cleaned: Cleaned = {
    expunged: 0,
    messages: 0,
    objects: 0,
    deferred: 0,
    mailboxes: 0,
    accounts: 0,
    tombstones: 0,
    texts: 0,
  };
  readonly #parts: CycleParts;

  constructor(parts: CycleParts) {
    this.#parts = parts;
  }

  /** Expunges what is too old, as a client would. */
  async expungeByAge(): Promise<void> {
    const { retention, config, metrics } = this.#parts;
    const rules = { everywhereMs: config.maxAgeRestrictionMs, mailboxes: config.retention };
    if (rules.everywhereMs === null && rules.mailboxes.length === 0) return;
    for (let after: MailboxId | 0 | null = 0; after !== null;) {
      const { overdue, next } = await this.#paused(() => retention.overdue(after ?? 0, rules));
      for (const mailbox of overdue) {
        await this.#untilNone(async () => {
          const count = await retention.expungeOld(mailbox);
          this.cleaned.expunged += count;
          metrics.cleanupRemovedTotal.inc({ kind: "expunged" }, count);
          return count;
        });
      }
      after = next;
    }
  }

  /** Marks what cannot be restored any more. */
  async mark(): Promise<void> {
    const { accounts, mailboxes, config: { gracePeriodMs } } = this.#parts;
    await this.#untilNone(async () => await accounts.mark(gracePeriodMs) === null ? 0 : 1);
    await this.#untilNone(() => mailboxes.mark(gracePeriodMs));
  }

  /** Purges expunged messages. Throws `unavailable("bodies")` when nothing can be removed now. */
  async purgeExpunged(): Promise<void> {
    const { purge, config: { gracePeriodMs: graceMs } } = this.#parts;
    for (let after: PurgeCursor | null = null;;) {
      const batch = await this.#paused(() =>
        purge.purgeExpunged(after, { graceMs, remove: (keys) => this.#remove(keys) })
      );
      this.#count(batch);
      if (!batch.next) return;
      after = batch.next;
    }
  }

  /** Purges marked mailboxes, then marked accounts. Throws like `purgeExpunged`. */
  async purgeMarked(): Promise<void> {
    const { mailboxes, accounts } = this.#parts;
    for (let after: MailboxId | undefined = 0 as MailboxId; after !== undefined;) {
      const marked: MailboxId[] = await mailboxes.marked(after);
      for (const mailbox of marked) await this.#purgeMailbox(mailbox);
      after = marked.at(-1);
    }
    for (let after: AccountId | undefined = 0 as AccountId; after !== undefined;) {
      const marked: AccountId[] = await accounts.marked(after);
      for (const account of marked) await this.#purgeAccount(account);
      after = marked.at(-1);
    }
  }

  /** Forgets what was expunged long ago, and texts that no message has. */
  async forget(): Promise<void> {
    const { purge, config: { expungeHistoryMs }, metrics } = this.#parts;
    await this.#untilNone(async () => {
      const count = await purge.forgetTombstones(expungeHistoryMs);
      this.cleaned.tombstones += count;
      metrics.cleanupRemovedTotal.inc({ kind: "tombstone" }, count);
      return count;
    });
    await this.#untilNone(async () => {
      const count = await purge.forgetTexts();
      this.cleaned.texts += count;
      return count;
    });
  }

  async #purgeMailbox(mailbox: MailboxId): Promise<void> {
    const { purge, mailboxes, metrics } = this.#parts;
    for (let after: Uid | 0 | null = 0; after !== null;) {
      const batch = await this.#paused(() =>
        purge.purgeMailbox(mailbox, { after: after ?? 0, remove: (keys) => this.#remove(keys) })
      );
      this.#count(batch);
      after = batch.next;
    }
    let outcome: "gone" | "more" | "kept" = "more";
    while (outcome === "more") outcome = await this.#paused(() => mailboxes.remove(mailbox));
    if (outcome !== "gone") return;
    this.cleaned.mailboxes++;
    metrics.cleanupRemovedTotal.inc({ kind: "mailbox" });
  }

  async #purgeAccount(account: AccountId): Promise<void> {
    const { accounts, metrics, log } = this.#parts;
    let outcome: "gone" | "more" | "kept" | "shared" = "more";
    while (outcome === "more") outcome = await this.#paused(() => accounts.remove(account));
    // WHY: the mail of a whole domain must not go with whoever happened to create its mailbox.
    if (outcome === "shared") log.warning("account-kept-for-shared-mailboxes", { account });
    if (outcome !== "gone") return;
    this.cleaned.accounts++;
    metrics.cleanupRemovedTotal.inc({ kind: "account" });
  }

  async #remove(keys: readonly string[]): Promise<ReadonlySet<string>> {
    const { blobs, metrics, isRecorded } = this.#parts;
    const all = keys as ObjectKey[];
    if (isRecorded) await blobs.deleteMany(all);
    const { gone, removed } = isRecorded
      ? { gone: all, removed: all.length }
      : await this.#removeSettled(all);
    this.cleaned.objects += removed;
    metrics.cleanupRemovedTotal.inc({ kind: "object" }, removed);
    return new Set(gone);
  }

  /** Bodies that were put a moment ago stay: their messages may be on the way. */
  async #removeSettled(
    keys: readonly ObjectKey[],
  ): Promise<{ readonly gone: readonly ObjectKey[]; readonly removed: number }> {
    const { blobs, now = () => new Date() } = this.#parts;
    const putBefore = new Date(now().getTime() - SETTLED_MS);
    const missing: ObjectKey[] = [];
    const old: ObjectKey[] = [];
    for (let at = 0; at < keys.length; at += INFOS_AT_ONCE) {
      const some = keys.slice(at, at + INFOS_AT_ONCE);
      const infos = await Promise.allSettled(some.map((key) => blobs.info(key)));
      for (const [i, key] of some.entries()) {
        const info = infos[i];
        if (info?.status === "rejected") throw info.reason;
        if (!info?.value) missing.push(key);
        else if (info.value.modifiedAt < putBefore) old.push(key);
      }
    }
    if (old.length > 0) await blobs.deleteMany(old, { putBefore });
    return { gone: [...missing, ...old], removed: old.length };
  }

  #count({ messages, deferred }: Purged): void {
    this.cleaned.messages += messages;
    this.cleaned.deferred += deferred;
    this.#parts.metrics.cleanupRemovedTotal.inc({ kind: "message" }, messages);
  }

  async #paused<T>(work: () => Promise<T>): Promise<T> {
    await this.#parts.pause();
    return await work();
  }

  async #untilNone(work: () => Promise<number>): Promise<void> {
    while (await this.#paused(work) > 0);
  }
}
