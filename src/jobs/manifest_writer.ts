import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Blobs, ObjectKey } from "../blobs/blobs.ts";
import {
  MANIFEST_PREFIX,
  manifestKey,
  ownerPrefix,
  readManifestKey,
} from "../blobs/manifest_key.ts";
import { Refused } from "../lib/refused.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type {
  AccountContent,
  AccountManifestStore,
  CheckedAccount,
} from "../store/account_manifests.ts";
import type { ManifestStore, UnwrittenMailbox } from "../store/manifests.ts";
import { mailboxManifest } from "./manifests/mailbox_manifest.ts";
import { MANIFEST_VERSION } from "./manifests/manifest_lines.ts";
import { zipLines } from "./manifests/zip_lines.ts";

const FIRST_LOOK_MS = 30_000;
/** How often it is looked for what is due. */
const LOOK_MS = 60_000;
/** Of one look: whoever is behind after that waits for the next, and others may take some. */
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
  readonly #options: ManifestWriterOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: ManifestWriterOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { firstLookMs, intervalMs } = this.#options;
    await this.#rest(firstLookMs ?? Math.min(FIRST_LOOK_MS, intervalMs));
    while (!this.#stop.signal.aborted) {
      try {
        await writeManifests(this.#options, this.#stop.signal);
      } catch (error) {
        this.#options.log.warning("manifests-interrupted", { error });
      }
      await this.#rest(Math.min(LOOK_MS, this.#options.intervalMs));
    }
  }

  async #rest(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stop.signal }).catch(() => {});
  }
}

/** One look: writes what is due. Throws `unavailable` when database or object store are in trouble. */
export async function writeManifests(
  options: ManifestWriterOptions,
  signal: AbortSignal,
): Promise<void> {
  try {
    await writeDue(options, signal);
    options.metrics.manifestsLastSuccess.set(Date.now() / 1000);
  } finally {
    await tellStatus(options);
  }
}

async function writeDue(options: ManifestWriterOptions, signal: AbortSignal): Promise<void> {
  const { manifests, accounts, intervalMs } = options;
  const epoch = await manifests.epoch();
  // WHY mailboxes first: an account's manifest says which there are, and has them all then.
  for (let batch = 0; batch < BATCHES_MAX && !signal.aborted; batch++) {
    const taken = await manifests.take(intervalMs, MAILBOXES_AT_ONCE);
    await writeEach(options, taken, {
      signal,
      write: (mailbox) => writeMailbox(options, mailbox, epoch),
      giveBack: (left) => manifests.giveBack(left.map(({ id }) => id)),
    });
    if (taken.length < MAILBOXES_AT_ONCE) break;
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
  if (!signal.aborted) await removeDropped(options);
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
  const { mailboxes, oldestSeconds } = await manifests.status();
  metrics.manifestsBehind.set(mailboxes);
  metrics.manifestOldestSeconds.set(oldestSeconds);
}

async function writeMailbox(
  options: ManifestWriterOptions,
  mailbox: UnwrittenMailbox,
  epoch: string,
): Promise<void> {
  const { manifests, blobs, spoolDir, metrics } = options;
  const { id, address } = mailbox;
  await clear(options, mailbox.obsolete, (keys) => manifests.forget(id, keys));
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
    await clear(options, await manifests.obsolete(id), (keys) => manifests.forget(id, keys));
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

async function writeAccount(
  options: ManifestWriterOptions,
  account: CheckedAccount,
  epoch: string,
): Promise<void> {
  const { accounts, blobs, metrics } = options;
  const forget = (keys: readonly string[]) => accounts.forget(account.id, keys);
  await clear(options, account.obsolete, forget);
  const supersedes = account.supersedes.filter((each) => each !== epoch);
  const content = contentOf(account, options.isEncrypted);
  const json = JSON.stringify([epoch, supersedes, content]);
  const digest = createHash("sha256").update(json).digest("hex");
  if (digest === account.digest) return;
  // WHY: what is there says more until then, and this would replace it.
  if (supersedes.length > 0 && !await accounts.isWhole(account.id)) return;
  const writtenMs = Math.max(account.nowMs, account.writtenMs + 1);
  const { lastMailboxId } = account;
  const head = { sora: "account", version: MANIFEST_VERSION, epoch, supersedes, lastMailboxId };
  const object = await zipLines(
    [JSON.stringify({ ...head, writtenMs, content })],
    options.spoolDir,
  );
  try {
    const key = manifestKey(content.address, { kind: "account", epoch, writtenMs }, object.hash);
    await accounts.announce(account.id, key);
    await blobs.put(key, object, { durability: "stored" });
    const isOurs = await accounts.commit(account, { key, digest, atMs: writtenMs });
    metrics.manifestsWrittenTotal.inc({ kind: "account" });
    metrics.manifestBytesTotal.inc(object.sizeBytes);
    if (!isOurs) return;
  } finally {
    await object.discard();
  }
  await clear(options, await accounts.obsolete(account.id), forget);
  if (supersedes.length > 0) await removeSuperseded(options, content, supersedes);
}

/** WHY no hashes in the clear: whoever may read the bucket could try passwords at leisure. */
function contentOf({ content }: CheckedAccount, isEncrypted: boolean): AccountContent {
  const parsed = JSON.parse(content) as AccountContent;
  if (isEncrypted) return parsed;
  const addresses = parsed.addresses.map(([address, isPrimary]) =>
    [address, isPrimary, null] as const
  );
  return { ...parsed, addresses };
}

/** What earlier databases wrote of an account, all of which this one has written. */
async function removeSuperseded(
  { blobs, log }: ManifestWriterOptions,
  { address }: AccountContent,
  epochs: readonly string[],
): Promise<void> {
  for await (const page of blobs.list(MANIFEST_PREFIX + ownerPrefix(address))) {
    const names = page.map(({ key }) => readManifestKey(key)).filter((name) => name !== null);
    const old = names.filter(({ subject }) => epochs.includes(subject.epoch)).map(({ key }) => key);
    if (old.length === 0) continue;
    await blobs.deleteMany(old);
    log.info("manifests-superseded", { objects: old.length });
  }
}

/** Mailboxes and accounts that are gone. */
async function removeDropped({ manifests, accounts, blobs }: ManifestWriterOptions): Promise<void> {
  for (const { id, objects } of await manifests.dropped(DROPPED_AT_ONCE)) {
    await blobs.deleteMany(objects as readonly ObjectKey[]);
    await manifests.drop(id);
  }
  for (const { id, objects } of await accounts.dropped(DROPPED_AT_ONCE)) {
    await blobs.deleteMany(objects as readonly ObjectKey[]);
    await accounts.drop(id);
  }
}

async function clear(
  { blobs }: ManifestWriterOptions,
  keys: readonly string[],
  forget: (keys: readonly string[]) => Promise<void>,
): Promise<void> {
  if (keys.length === 0) return;
  await blobs.deleteMany(keys as readonly ObjectKey[]);
  await forget(keys);
}
