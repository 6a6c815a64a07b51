import type { LocalCacheConfig, UploaderConfig } from "../config/config.ts";
import { logger } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Blobs } from "./blobs.ts";
import { BodyCache, type CacheCounts } from "./body_cache.ts";
import { type PendingBodies, StagedBlobs } from "./staged_blobs.ts";
import { Staging, type StagingCounts } from "./staging.ts";
import type { StagingPlace } from "./staging_place.ts";

export interface StagedBlobsParts {
  readonly place: StagingPlace;
  readonly uploader: UploaderConfig;
  readonly localCache: LocalCacheConfig;
  readonly remote: Blobs;
  readonly pending: PendingBodies;
  readonly metrics: Metrics;
  /** Of all isolates of the process; missing: those of a process that has only one. */
  readonly counts?: { readonly staging: StagingCounts; readonly cache: CacheCounts };
}

/** An object store with what this machine has of it. */
export interface OpenStagedBlobs {
  readonly blobs: StagedBlobs;
  readonly staging: Staging;
  /** null: switched off. */
  readonly cache: BodyCache | null;
}

/** Puts them together as they are configured; reads and writes nothing yet. */
export function openStagedBlobs(parts: StagedBlobsParts): OpenStagedBlobs {
  const { place, uploader, localCache, remote, pending, metrics, counts } = parts;
  const staging = new Staging({
    directory: place.uploads,
    maxBytes: uploader.maxStagingSizeBytes,
    ...(counts ? { counts: counts.staging } : {}),
  });
  const cache = !localCache.enabled ? null : new BodyCache({
    directory: place.cache,
    capacityBytes: localCache.capacityBytes,
    maxObjectBytes: localCache.maxObjectSizeBytes,
    ...(counts ? { counts: counts.cache } : {}),
  });
  const blobs = new StagedBlobs({
    staging,
    cache,
    remote,
    pending,
    durability: uploader.durability,
    instanceId: place.instanceId,
    graceMs: uploader.cleanupGracePeriodMs,
    metrics,
    log: logger("blobs"),
  });
  return { blobs, staging, cache };
}
