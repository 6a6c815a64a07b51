import { concat } from "../lib/bytes.ts";
import { Refused, unavailable } from "../lib/refused.ts";
import { type Log, logger } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import {
  type Blobs,
  type DeleteOptions,
  type Durability,
  hashOf,
  type Listed,
  type ObjectInfo,
  type ObjectKey,
  type PendingUpload,
  type PutOptions,
} from "./blobs.ts";
import type { BodyCache } from "./body_cache.ts";
import { hasContentOf } from "./has_content_of.ts";
import { storedBody } from "./stored_body.ts";
import type { Spooled } from "./spool.ts";
import type { Staging } from "./staging.ts";

/**
 * WHY: a larger body would hold up everybody while it becomes part of a statement. It survives this
 * machine in the object store as well; while that is away, it has to go the hard way.
 */
const DATABASE_BYTES_MAX = 1024 * 1024;

/** What the database knows of bodies that the object store does not have yet. */
export interface PendingBodies {
  /** Who has it; null: nobody waits for its upload. */
  find(key: ObjectKey): Promise<Pick<PendingUpload, "sizeBytes" | "instanceId"> | null>;
  /** The body itself, where the database has it. */
  body(key: ObjectKey): Promise<Uint8Array | null>;
}

export interface StagedBlobsOptions {
  readonly staging: Staging;
  readonly remote: Blobs;
  readonly cache: BodyCache | null;
  readonly pending: PendingBodies;
  /** Where a body is when `put` resolves, unless its caller says otherwise. */
  readonly durability: Durability;
  readonly instanceId: string;
  /** How long a staged body stays after it was put for the last time, even if it is deleted. */
  readonly graceMs: number;
  readonly metrics: Metrics;
  readonly log?: Log;
}

/**
 * Bodies in an object store, with what is on its way there and what was read from there on this
 * machine. `put` gives back what the transaction of the message has to record (`pending_uploads`); the
 * uploader does the rest. A body is read from where it is: the staging folder, the cache, the object
 * store, the database. What cannot be had now is `unavailable`, never missing, and never empty.
 */
export class StagedBlobs implements Blobs {
  readonly #options: StagedBlobsOptions;
  readonly #log: Log;
  /** WHY: a hundred sessions that open the same new mail fetch it once. */
  readonly #fetching = new Map<ObjectKey, Promise<Uint8Array | null>>();

  constructor(options: StagedBlobsOptions) {
    this.#options = options;
    this.#log = options.log ?? logger("blobs");
  }

  /** Throws `storage-full` where the staging folder has no room. */
  async put(key: ObjectKey, body: Spooled, options: PutOptions = {}): Promise<PendingUpload> {
    const { staging, remote, cache, instanceId } = this.#options;
    const { sizeBytes } = body;
    const durability = options.durability ?? this.#options.durability;
    if (durability === "database") {
      const stored = sizeBytes > DATABASE_BYTES_MAX && await this.#stored(key, body, options);
      if (stored) return stored;
      const bytes = body.bytes ?? await allOf(body);
      await cache?.put(key, bytes);
      return { objectKey: key, sizeBytes, instanceId: null, body: bytes };
    }
    await staging.put(key, body);
    // WHY staged as well: whoever removes an unused object at this moment does not know of us yet.
    if (durability === "stored") await remote.put(key, body, options);
    return { objectKey: key, sizeBytes, instanceId, body: null };
  }

  /** The copy is staged; where bodies have to survive this machine, it is in the object store, too. */
  async copy(from: ObjectKey, to: ObjectKey): Promise<PendingUpload> {
    const body = await storedBody(this, from);
    if (!body) throw unavailable("bodies", new Error("Cannot copy a missing body"));
    // WHY never the database: one COPY may be of many thousand messages.
    const durability = this.#options.durability === "spool" ? "spool" : "stored";
    return await this.put(to, body, { durability });
  }

  async get(key: ObjectKey): Promise<Uint8Array | null> {
    const { staging, cache } = this.#options;
    // WHY the cache first: most of what is read is older than what is staged.
    const cached = await cache?.get(key);
    if (cached) return cached;
    const { found, trouble } = await this.#staged(() => staging.get(key));
    return found ?? await this.#bring(key, trouble);
  }

  async range(
    key: ObjectKey,
    start: number,
    end: number,
    into?: Uint8Array,
  ): Promise<Uint8Array | null> {
    const { staging, cache, remote } = this.#options;
    const cached = await cache?.range(key, start, end, into);
    if (cached) return cached;
    const { found, trouble } = await this.#staged(() => staging.range(key, start, end, into));
    if (found) return found;
    cache?.countMiss();
    return await this.#anywhere(key, trouble, {
      ask: () => remote.range(key, start, end, into),
      from: (all) => {
        if (end > all.length) throw unavailable("bodies", new Error("Cannot read past the end"));
        return all.slice(start, end);
      },
    });
  }

  async size(key: ObjectKey): Promise<number | null> {
    const { staging, cache, remote } = this.#options;
    const cached = await cache?.size(key) ?? null;
    if (cached !== null) return cached;
    const { found, trouble } = await this.#staged(() => staging.size(key));
    return found ??
      await this.#anywhere(key, trouble, {
        ask: () => remote.size(key),
        from: (all) => all.length,
      });
  }

  async info(key: ObjectKey): Promise<ObjectInfo | null> {
    const info = await this.#options.remote.info(key);
    if (info) return info;
    const sizeBytes = await this.size(key);
    return sizeBytes === null ? null : { sizeBytes, modifiedAt: new Date(), metadata: {} };
  }

  async exists(key: ObjectKey): Promise<boolean> {
    return await this.size(key) !== null;
  }

  /** A body that was staged a short time ago stays in the staging folder: its message may be coming. */
  async delete(key: ObjectKey): Promise<void> {
    await this.#options.remote.delete(key);
    await this.#forget(key);
  }

  async deleteMany(keys: readonly ObjectKey[], options: DeleteOptions = {}): Promise<void> {
    await this.#options.remote.deleteMany(keys, options);
    for (const key of keys) await this.#forget(key, options.putBefore);
  }

  /** What the object store has, and what is staged here. */
  async *list(prefix: string, after?: string): AsyncGenerator<readonly Listed[]> {
    const { staging, remote } = this.#options;
    const staged = new Map<string, Listed>();
    for await (const { key, sizeBytes, putAt } of staging.files()) {
      if (!key.startsWith(prefix)) continue;
      staged.set(key, { key, sizeBytes, modifiedAt: new Date(putAt) });
    }
    for await (const page of remote.list(prefix, after)) {
      for (const { key } of page) staged.delete(key);
      yield page;
    }
    if (staged.size > 0) yield [...staged.values()];
  }

  /** null: it cannot be stored now. */
  async #stored(key: ObjectKey, body: Spooled, options: PutOptions): Promise<PendingUpload | null> {
    try {
      return await this.put(key, body, { ...options, durability: "stored" });
    } catch (error) {
      if (error instanceof Refused) return null;
      throw error;
    }
  }

  async #forget(key: ObjectKey, putBefore?: Date): Promise<void> {
    const { staging, cache, graceMs } = this.#options;
    await cache?.delete(key);
    const sizeBytes = await staging.size(key);
    if (sizeBytes === null) return;
    const limit = Math.min(Date.now() - graceMs, putBefore?.getTime() ?? Infinity);
    await staging.removeOld({ key, sizeBytes }, limit);
  }

  /** A damaged or unreadable file is as good as none: it is logged, and the body looked for elsewhere. */
  async #staged<T>(read: () => Promise<T | null>): Promise<Looked<T>> {
    const looked = await look(read);
    const { trouble } = looked;
    if (trouble !== null) this.#log.error("staged-body-unreadable", { error: trouble });
    return looked;
  }

  /** One at a time for each object. */
  #bring(key: ObjectKey, trouble: unknown): Promise<Uint8Array | null> {
    const under = this.#fetching.get(key);
    if (under) return under;
    const fetching = this.#bringNow(key, trouble).finally(() => this.#fetching.delete(key));
    this.#fetching.set(key, fetching);
    return fetching;
  }

  async #bringNow(key: ObjectKey, trouble: unknown): Promise<Uint8Array | null> {
    const { cache, remote } = this.#options;
    // WHY again: somebody may have brought it between our look and our turn.
    const cached = await cache?.get(key);
    if (cached) return cached;
    cache?.countMiss();
    const ask = () => remote.get(key);
    const body = await this.#anywhere(key, trouble, { ask, from: (all) => all });
    if (body) await cache?.put(key, body);
    return body;
  }

  /**
   * From the object store, or from all of a body that has not got there yet. null only when it is
   * nowhere; `trouble`: what kept us from reading it here.
   */
  async #anywhere<T>(
    key: ObjectKey,
    trouble: unknown,
    { ask, from }: {
      readonly ask: () => Promise<T | null>;
      readonly from: (body: Uint8Array) => T;
    },
  ): Promise<T | null> {
    const remote = await look(ask);
    if (remote.found !== null) return remote.found;
    const waiting = await this.#waiting(key);
    if (waiting) return from(waiting);
    if (remote.trouble !== null) throw remote.trouble;
    // WHY again: it may have been uploaded, and forgotten here, between the two looks.
    const found = await ask();
    if (found !== null) return found;
    if (trouble !== null) throw trouble;
    this.#options.metrics.bodiesMissingTotal.inc();
    this.#log.error("body-missing", { hash: hashOf(key) });
    return null;
  }

  /** A body that waits for its upload; throws `unavailable` when it is not within reach. */
  async #waiting(key: ObjectKey): Promise<Uint8Array | null> {
    const { pending, staging, instanceId } = this.#options;
    const row = await pending.find(key);
    if (!row) return null;
    const body = await pending.body(key);
    if (body && await hasContentOf(body, key)) return body;
    // WHY again: it may have been staged, or put back, since we looked.
    const { found } = await this.#staged(() => staging.get(key));
    if (found) return found;
    const whose = row.instanceId === instanceId ? "ours, and not here" : `of ${row.instanceId}`;
    throw unavailable("bodies", new Error(`Cannot read a body that is staged: ${whose}`));
  }
}

/** What somebody has, or what kept us from knowing; both null: nothing. */
interface Looked<T> {
  readonly found: T | null;
  readonly trouble: unknown;
}

async function look<T>(ask: () => Promise<T | null>): Promise<Looked<T>> {
  try {
    return { found: await ask(), trouble: null };
  } catch (trouble) {
    return { found: null, trouble };
  }
}

async function allOf(body: Spooled): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body.chunks()) chunks.push(chunk.slice());
  return concat(chunks);
}
