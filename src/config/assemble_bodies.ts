import type { z } from "zod";
import type { LocalCacheConfig, UploaderConfig } from "./config.ts";
import type { rootSchema } from "./schema/schema.ts";

type Root = z.output<typeof rootSchema>;

/** `[uploader]` as the program has it. */
export function assembleUploader(uploader: Root["uploader"]): UploaderConfig {
  return {
    path: uploader.path ?? null,
    instanceId: uploader.instance_id ?? null,
    durability: uploader.durability,
    batchSize: uploader.batch_size,
    concurrency: uploader.concurrency,
    maxAttempts: uploader.max_attempts,
    retryIntervalMs: uploader.retry_interval,
    cleanupGracePeriodMs: uploader.cleanup_grace_period,
    maxStagingSizeBytes: uploader.max_staging_size,
    verifyAfterUpload: uploader.verify_after_upload,
  };
}

/** `[local_cache]` as the program has it. */
export function assembleCache(cache: Root["local_cache"]): LocalCacheConfig {
  return {
    enabled: cache.enabled,
    path: cache.path ?? null,
    capacityBytes: cache.capacity,
    maxObjectSizeBytes: cache.max_object_size,
    purgeIntervalMs: cache.purge_interval,
    orphanCleanupAgeMs: cache.orphan_cleanup_age,
    enableWarmup: cache.enable_warmup,
    warmupMessageCount: cache.warmup_message_count,
    warmupMailboxes: cache.warmup_mailboxes,
    warmupIntervalMs: cache.warmup_interval,
  };
}
