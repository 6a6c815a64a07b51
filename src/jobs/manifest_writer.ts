import type { Blobs, ObjectKey } from "../blobs/blobs.ts";
import { manifestKey } from "../blobs/manifest_key.ts";
import { BackgroundJob } from "../lib/background_job.ts";
import type { MailboxId } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { AccountManifestStore } from "../store/account_manifests.ts";
import type { ManifestLook, ManifestStore, UnwrittenMailbox } from "../store/manifests.ts";
import { clearObjects } from "./manifests/clear_objects.ts";
import { mailboxManifest } from "./manifests/mailbox_manifest.ts";
import { writeAccount } from "./manifests/write_account.ts";
import { zipLines } from "./manifests/zip_lines.ts";

const FIRST_LOOK_MS = 30_000;
/** How often it is looked for what is due, at the most; and as a share of the interval. */
const LOOK_MS = 60_000;
const LOOK_SHARE = 0.2;
/** Of one look: whoever is behind after that waits for the next, and others may take some. */
const MAILBOXES_MAX = 1_000;
const MAILBOXES_AT_ONCE = 20;
const ACCOUNTS_AT_ONCE = 100;
const BATCHES_MAX = 50;
const DROPPED_AT_ONCE = 100;
/** Deltas may be this share of their base before there is a new one; small ones always. */
const DELTA_SHARE = 0.5;
const DELTA_BYTES_MIN = 16 * 1024;

export interface ManifestWriterOptions {
  readonly manifests: ManifestStore;
  readonly accounts: AccountManifestStore;
  /** Where bodies are for good. */
  readonly blobs: Blobs;
  readonly spoolDir: string;
  /** Shortest time between two manifests of a mailbox. */
  readonly intervalMs: number;
  /** Bodies are encrypted, and manifests with them: only then passwords' hashes are in them. */
  readonly isEncrypted: boolean;
  /** Before the first look; default: half a minute, as the start belongs to users. */
  readonly firstLookMs?: number;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Writes what the database knows into the object store, so that a bucket alone is enough to make the
 * database anew: for each mailbox a base and then what changed, and one manifest for each account. Any
 * number of nodes share the work.
 */
export class ManifestWriter implements AsyncDisposable {
  readonly #job: BackgroundJob;

  constructor(options: ManifestWriterOptions) {
    const { firstLookMs, intervalMs, log } = options;
    const walk: Walk = { after: 0 };
    // WHY not each minute: where all are looked at, a large server has many.
    const lookMs = Math.min(intervalMs, Math.max(LOOK_MS, intervalMs * LOOK_SHARE));
    this.#job = new BackgroundJob({
      firstMs: firstLookMs ?? Math.min(FIRST_LOOK_MS, intervalMs),
      round: async () => {
        await writeManifests(options, this.#job.signal, walk);
        return walk.after === 0 ? lookMs : Math.min(LOOK_MS, lookMs);
      },
      failed: (error) => {
        log.warning("manifests-interrupted", { error });
        return Math.min(LOOK_MS, lookMs);
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#job[Symbol.asyncDispose]();
  }
}

/** Where the next look begins. */
interface Walk {
  after: MailboxId | 0;
}

/**
 * One look: writes what is due, but not more than so much: then `walk` says where the next one has to go on.
 * Throws `unavailable` when database or object store are in trouble.
 */
export async function writeManifests(
  options: ManifestWriterOptions,
  signal: AbortSignal,
  walk: Walk = { after: 0 },
): Promise<void> {
  try {
    await writeDue(options, signal, walk);
    options.metrics.manifestsLastSuccess.set(Date.now() / 1000);
  } finally {
    await tellStatus(options);
  }
}

async function writeDue(
  options: ManifestWriterOptions,
  signal: AbortSignal,
  walk: Walk,
): Promise<void> {
  const { manifests, accounts, intervalMs } = options;
  const epoch = await manifests.epoch();
  // WHY mailboxes first: an account's manifest says which there are, and has them all then.
  for (let left = MAILBOXES_MAX; left > 0 && !signal.aborted;) {
    const { due, last } = await manifests.look(walk.after, intervalMs);
    const some = due.slice(0, left);
    left -= some.length;
    await writeMailboxes(options, some, { signal, epoch });
    if (signal.aborted || some.length < due.length) break;
    await removeDropped(options, { after: walk.after, last });
    walk.after = last ?? 0;
    if (last === null) break;
  }
  for (let batch = 0; batch < BATCHES_MAX && !signal.aborted; batch++) {
    const taken = await accounts.take(intervalMs, ACCOUNTS_AT_ONCE);
    await writeEach(options, taken, {
      signal,
      write: (account) => writeAccount(options, account, epoch),
      giveBack: (left) => accounts.giveBack(left.map(({ id }) => id)),
    });
    if (taken.length < ACCOUNTS_AT_ONCE) break;
  }
  if (!signal.aborted) await removeDroppedAccounts(options);
}

async function writeMailboxes(
  options: ManifestWriterOptions,
  due: readonly MailboxId[],
  { signal, epoch }: { readonly signal: AbortSignal; readonly epoch: string },
): Promise<void> {
  const { manifests, intervalMs } = options;
  for (let at = 0; at < due.length && !signal.aborted; at += MAILBOXES_AT_ONCE) {
    const taken = await manifests.take(due.slice(at, at + MAILBOXES_AT_ONCE), intervalMs);
    await writeEach(options, taken, {
      signal,
      write: (mailbox) => writeMailbox(options, mailbox, epoch),
      giveBack: (left) => manifests.giveBack(left.map(({ id }) => id)),
    });
  }
}

/** One after the other; those that are not reached are given back. A bug with one is not the others' end. */
async function writeEach<T extends { readonly id: number }>(
  { log }: ManifestWriterOptions,
  taken: readonly T[],
  { signal, write, giveBack }: {
    readonly signal: AbortSignal;
    readonly write: (each: T) => Promise<void>;
    readonly giveBack: (left: readonly T[]) => Promise<void>;
  },
): Promise<void> {
  let done = 0;
  try {
    for (const each of taken) {
      if (signal.aborted) break;
      try {
        await write(each);
      } catch (error) {
        if (error instanceof Refused) throw error;
        log.error("manifest-failed", { id: each.id, error });
      }
      done++;
    }
  } finally {
    // WHY the catch: leases end by themselves.
    if (done < taken.length) await giveBack(taken.slice(done)).catch(() => {});
  }
}

async function tellStatus({ manifests, metrics }: ManifestWriterOptions): Promise<void> {
  let [behind, oldestSeconds] = [0, 0];
  for (let after: MailboxId | 0 | null = 0; after !== null;) {
    const found: ManifestLook = await manifests.look(after, 0);
    behind += found.behind;
    oldestSeconds = Math.max(oldestSeconds, found.oldestSeconds);
    after = found.last;
  }
  metrics.manifestsBehind.set(behind);
  metrics.manifestOldestSeconds.set(oldestSeconds);
}

async function writeMailbox(
  options: ManifestWriterOptions,
  mailbox: UnwrittenMailbox,
  epoch: string,
): Promise<void> {
  const { manifests, blobs, spoolDir, metrics } = options;
  const { id, address } = mailbox;
  await clearObjects(options, mailbox.obsolete, (keys) => manifests.forget(id, keys));
  const kind = await kindFor(options, mailbox);
  const object = await zipLines(mailboxManifest(manifests, mailbox, { kind, epoch }), spoolDir);
  try {
    const subject = { kind, epoch, mailboxId: id, modseq: mailbox.highestModseq };
    const key = manifestKey(address, subject, object.hash);
    await manifests.announce(id, key);
    await blobs.put(key, object, { durability: "stored" });
    const bytes = object.sizeBytes;
    const isOurs = await manifests.commit(mailbox, { kind, key, bytes });
    metrics.manifestsWrittenTotal.inc({ kind });
    metrics.manifestBytesTotal.inc(bytes);
    // WHY: somebody else was faster; the next who writes this mailbox deletes what is left here.
    if (!isOurs) return;
  } finally {
    await object.discard();
  }
  if (kind === "base") {
    await clearObjects(options, await manifests.obsolete(id), (keys) => manifests.forget(id, keys));
  }
}

/** A base at first, when deltas have outgrown it, and when nobody knows any more what was expunged. */
async function kindFor(
  { manifests }: ManifestWriterOptions,
  mailbox: UnwrittenMailbox,
): Promise<"base" | "delta"> {
  const { id, writtenModseq, expungedFloor, baseBytes, deltaBytes } = mailbox;
  if (writtenModseq === 0 || writtenModseq < expungedFloor) return "base";
  if (deltaBytes > Math.max(DELTA_BYTES_MIN, baseBytes * DELTA_SHARE)) return "base";
  const { changed, live } = await manifests.changes(id, writtenModseq);
  return changed > Math.max(100, live * DELTA_SHARE) ? "base" : "delta";
}

async function removeDropped(
  { manifests, blobs }: ManifestWriterOptions,
  range: Parameters<ManifestStore["dropped"]>[0],
): Promise<void> {
  for (let more = true; more;) {
    const dropped = await manifests.dropped(range, DROPPED_AT_ONCE);
    more = dropped.length === DROPPED_AT_ONCE;
    for (const { id, objects } of dropped) {
      await blobs.deleteMany(objects as readonly ObjectKey[]);
      await manifests.drop(id);
    }
  }
}

async function removeDroppedAccounts({ accounts, blobs }: ManifestWriterOptions): Promise<void> {
  for (const { id, objects } of await accounts.dropped(DROPPED_AT_ONCE)) {
    await blobs.deleteMany(objects as readonly ObjectKey[]);
    await accounts.drop(id);
  }
}
