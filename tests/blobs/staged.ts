import type { ObjectKey, PendingUpload } from "../../src/blobs/blobs.ts";
import { BodyCache, CACHE_COUNTS } from "../../src/blobs/body_cache.ts";
import { MemoryBlobs } from "../../src/blobs/memory_blobs.ts";
import {
  type PendingBodies,
  StagedBlobs,
  type StagedBlobsOptions,
} from "../../src/blobs/staged_blobs.ts";
import { Staging, STAGING_COUNTS } from "../../src/blobs/staging.ts";
import { unavailable } from "../../src/lib/refused.ts";
import { SharedCounts } from "../../src/lib/shared_counts.ts";
import { Metrics } from "../../src/observe/metrics.ts";

/** A table `pending_uploads` in memory. */
export class MemoryPending implements PendingBodies {
  readonly rows = new Map<string, PendingUpload>();

  record(pending: PendingUpload | null): void {
    if (pending) this.rows.set(pending.objectKey, pending);
  }

  async find(key: ObjectKey): Promise<PendingUpload | null> {
    return this.rows.get(key) ?? null;
  }

  async body(key: ObjectKey): Promise<Uint8Array | null> {
    return this.rows.get(key)?.body ?? null;
  }

  async among(keys: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set(keys.filter((key) => this.rows.has(key)));
  }
}

/** An object store that can be switched off, and counts what is read from it. */
export class FragileBlobs extends MemoryBlobs {
  isDown = false;
  reads = 0;

  override async put(...args: Parameters<MemoryBlobs["put"]>): Promise<null> {
    this.#check();
    return await super.put(...args);
  }

  override async get(key: ObjectKey): Promise<Uint8Array | null> {
    this.#check();
    this.reads++;
    return await super.get(key);
  }

  override async range(key: ObjectKey, start: number, end: number): Promise<Uint8Array | null> {
    this.#check();
    this.reads++;
    return await super.range(key, start, end);
  }

  override async size(key: ObjectKey): Promise<number | null> {
    this.#check();
    return await super.size(key);
  }

  override async exists(key: ObjectKey): Promise<boolean> {
    this.#check();
    return await super.exists(key);
  }

  #check(): void {
    if (this.isDown) throw unavailable("bodies", new Error("switched off"));
  }
}

/** Staged bodies over memory, in a folder of their own. */
export interface StagedBench extends AsyncDisposable {
  readonly folder: string;
  readonly staging: Staging;
  readonly remote: FragileBlobs;
  readonly cache: BodyCache;
  readonly pending: MemoryPending;
  readonly metrics: Metrics;
  readonly blobs: StagedBlobs;
  /** Another node: its own staging folder and cache, the same object store and database. */
  another(): Promise<StagedBench>;
}

export async function stagedBench(
  options: Partial<StagedBlobsOptions> & { readonly maxBytes?: number } = {},
  shared: Pick<StagedBench, "remote" | "pending"> = {
    remote: new FragileBlobs(),
    pending: new MemoryPending(),
  },
): Promise<StagedBench> {
  const folder = await Deno.makeTempDir();
  const staging = new Staging({
    directory: `${folder}/uploads`,
    maxBytes: options.maxBytes ?? 0,
    counts: new SharedCounts(STAGING_COUNTS),
  });
  const cache = new BodyCache({
    directory: `${folder}/cache`,
    capacityBytes: 10_000_000,
    maxObjectBytes: 1_000_000,
    counts: new SharedCounts(CACHE_COUNTS),
  });
  const metrics = new Metrics();
  const { remote, pending } = shared;
  const blobs = new StagedBlobs({
    staging,
    remote,
    cache,
    pending,
    durability: "spool",
    instanceId: "here",
    graceMs: 3_600_000,
    metrics,
    ...options,
  });
  return {
    folder,
    staging,
    remote,
    cache,
    pending,
    metrics,
    blobs,
    another: () => stagedBench({ ...options, instanceId: "there" }, shared),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** Every file below a folder. */
export async function filesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  const entries = await Array.fromAsync(Deno.readDir(folder)).catch(() => []);
  for (const { name, isDirectory } of entries) {
    if (isDirectory) found.push(...await filesIn(`${folder}/${name}`));
    else found.push(`${folder}/${name}`);
  }
  return found;
}
