import { createHash } from "node:crypto";
import { type Blobs, hashOf, type ObjectKey } from "../blobs/blobs.ts";
import type { BodyCache } from "../blobs/body_cache.ts";
import type { Spooled } from "../blobs/spool.ts";
import { MemorySpooled } from "../blobs/spooled.ts";
import type { Staging } from "../blobs/staging.ts";
import { Refused } from "../lib/refused.ts";
import { Turns } from "../lib/turns.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Database } from "../store/database.ts";
import { tryObjectLocks } from "../store/object_lock.ts";
import { confirmUploads, type LeasedUpload, type UploadStore } from "../store/uploads.ts";

/** What became of an upload. */
export type Outcome =
  | { readonly kind: "uploaded" }
  /** `isRemote`: the object store is to blame, as far as we know. */
  | { readonly kind: "failed"; readonly why: string; readonly isRemote: boolean }
  /** Somebody else works on that object now, or the server stops. */
  | { readonly kind: "deferred" };

export interface UploadBatchOptions {
  readonly db: Database;
  readonly uploads: Pick<UploadStore, "body">;
  readonly staging: Staging;
  readonly cache: BodyCache | null;
  readonly remote: Blobs;
  /** Bodies that are sent at once. */
  readonly concurrency: number;
  /** The size of each object is asked for after it was sent. */
  readonly verify: boolean;
  /** What an object is to say of itself. */
  readonly describe?: (key: string) => Promise<Readonly<Record<string, string>>>;
  readonly metrics: Metrics;
}

/** Uploads bodies and forgets that they were pending, in one transaction that holds their locks. */
export class UploadBatch {
  readonly #options: UploadBatchOptions;
  readonly #turns: Turns;

  constructor(options: UploadBatchOptions) {
    this.#options = options;
    this.#turns = new Turns(options.concurrency);
  }

  /**
   * What became of each, by object key. Throws only when the database is in trouble: then nothing is
   * confirmed, and what was sent is found in the object store the next time.
   */
  async run(
    leased: readonly LeasedUpload[],
    stop: AbortSignal,
  ): Promise<ReadonlyMap<string, Outcome>> {
    const outcomes = new Map<string, Outcome>();
    await this.#options.db.transaction(async (tx) => {
      outcomes.clear();
      const locked = await tryObjectLocks(tx, leased.map(({ objectKey }) => objectKey));
      await Promise.all(leased.map(async (upload) => {
        const outcome = locked.has(upload.objectKey)
          ? await this.#turns.run(() => this.#one(upload, stop))
          : { kind: "deferred" as const };
        outcomes.set(upload.objectKey, outcome);
      }));
      const done = leased.filter(({ objectKey }) => outcomes.get(objectKey)?.kind === "uploaded");
      await confirmUploads(tx, done);
    });
    return outcomes;
  }

  /** Never rejects. */
  async #one(upload: LeasedUpload, stop: AbortSignal): Promise<Outcome> {
    if (stop.aborted) return { kind: "deferred" };
    const since = performance.now();
    try {
      return await this.#send(upload);
    } catch (error) {
      return failure(error, error instanceof Refused && error.refusal.kind === "unavailable");
    } finally {
      this.#options.metrics.uploadDuration.observe((performance.now() - since) / 1000);
    }
  }

  async #send(upload: LeasedUpload): Promise<Outcome> {
    const { remote, verify, describe } = this.#options;
    const key = upload.objectKey as ObjectKey;
    const { sizeBytes } = upload;
    const source = await this.#source(upload);
    if (!source.body) {
      // WHY: it may be there already: another node sent it, or a commit of ours was lost.
      if (await remote.size(key) === sizeBytes) return { kind: "uploaded" };
      return failure(source.trouble ?? new Error("the staged body is missing"), false);
    }
    const metadata = await describe?.(key) ?? {};
    await remote.put(key, source.body, { metadata });
    if (!verify) return { kind: "uploaded" };
    const stored = await remote.size(key);
    if (stored === sizeBytes) return { kind: "uploaded" };
    return failure(
      new Error(`the object store has ${stored ?? "no"} octets of ${sizeBytes}`),
      true,
    );
  }

  /** The body from wherever it can be read, with the right size and hash. */
  async #source(
    upload: LeasedUpload,
  ): Promise<{ readonly body: Spooled | null; readonly trouble: unknown }> {
    const { staging, uploads, cache } = this.#options;
    const key = upload.objectKey as ObjectKey;
    let trouble: unknown = null;
    try {
      const staged = await staging.open(key, upload.sizeBytes);
      if (staged) return { body: staged, trouble };
    } catch (error) {
      trouble = error;
    }
    const kept = upload.hasBody ? await uploads.body(key) : null;
    for (const bytes of [kept, await cache?.get(key)]) {
      if (bytes && isBody(bytes, upload)) return { body: inMemory(bytes, key), trouble };
    }
    return { body: null, trouble };
  }
}

function isBody(bytes: Uint8Array, { objectKey, sizeBytes }: LeasedUpload): boolean {
  if (bytes.length !== sizeBytes) return false;
  return createHash("sha256").update(bytes).digest("hex") === hashOf(objectKey as ObjectKey);
}

function inMemory(bytes: Uint8Array, key: ObjectKey): Spooled {
  const hash = hashOf(key);
  return new MemorySpooled({ hash, receivedHash: hash, bytes, prefixBytes: 0 });
}

function failure(error: unknown, isRemote: boolean): Outcome {
  const cause = error instanceof Refused && error.cause !== undefined ? error.cause : error;
  return { kind: "failed", why: cause instanceof Error ? cause.message : String(cause), isRemote };
}
