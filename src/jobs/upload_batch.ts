import { type Blobs, hashOf, type ObjectKey } from "../blobs/blobs.ts";
import { isObjectRefused } from "../blobs/s3_trouble.ts";
import { Refused } from "../lib/refused.ts";
import { Turns } from "../lib/turns.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Database } from "../store/database.ts";
import { tryObjectLocks } from "../store/object_lock.ts";
import { unsettledRemovals } from "../store/unsettled_removals.ts";
import { confirmUploads, type LeasedUpload } from "../store/uploads.ts";
import { type LocalBodies, localBody } from "./local_body.ts";
import { readBody } from "./read_body.ts";

/**
 * What an upload failed by, as far as we know: by itself, by what the object store made of it, or by the object
 * store, which others fail by, too.
 */
export type Blame = "upload" | "object" | "store";

/** What became of an upload. */
export type Outcome =
  | { readonly kind: "uploaded" }
  | { readonly kind: "failed"; readonly why: string; readonly blame: Blame }
  /** Somebody else works on that object, now or not long ago, or the server stops. */
  | { readonly kind: "deferred" };

export interface UploadBatchOptions extends LocalBodies {
  readonly db: Database;
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
      const sent = leased.filter(({ objectKey }) => outcomes.get(objectKey)?.kind === "uploaded");
      // WHY: what somebody may still be removing is sent again once nobody can be.
      const unsettled = await unsettledRemovals(tx, sent.map(({ objectKey }) => objectKey));
      for (const key of unsettled) outcomes.set(key, { kind: "deferred" });
      await confirmUploads(tx, sent.filter(({ objectKey }) => !unsettled.has(objectKey)));
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
      return failure(error, blameFor(error));
    } finally {
      this.#options.metrics.uploadDuration.observe((performance.now() - since) / 1000);
    }
  }

  async #send(upload: LeasedUpload): Promise<Outcome> {
    const { remote, verify, describe } = this.#options;
    const key = upload.objectKey as ObjectKey;
    const { sizeBytes } = upload;
    const source = await localBody(this.#options, upload);
    if (!source.body) {
      // WHY: it may be there already: another node sent it, or a commit of ours was lost. WHY all of it is
      // read: there is nothing else that knows what it has to be.
      const damage = await readBody(remote, { ...upload, hash: hashOf(key) });
      if (damage === null) return { kind: "uploaded" };
      const missing = new Error(`the staged body is missing, the object store's is ${damage}`);
      return failure(source.trouble ?? missing, "upload");
    }
    const metadata = await describe?.(key) ?? {};
    await remote.put(key, source.body, { metadata });
    if (!verify) return { kind: "uploaded" };
    const stored = await remote.size(key);
    if (stored === sizeBytes) return { kind: "uploaded" };
    return failure(
      new Error(`the object store has ${stored ?? "no"} octets of ${sizeBytes}`),
      "object",
    );
  }
}

function blameFor(error: unknown): Blame {
  const isStorage = error instanceof Refused && error.refusal.kind === "unavailable";
  if (!isStorage) return "upload";
  return isObjectRefused(error) ? "object" : "store";
}

function failure(error: unknown, blame: Blame): Outcome {
  const cause = error instanceof Refused && error.cause !== undefined ? error.cause : error;
  return { kind: "failed", why: cause instanceof Error ? cause.message : String(cause), blame };
}
