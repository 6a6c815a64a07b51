import { CACHE_COUNTS, type CacheCounts } from "../blobs/body_cache.ts";
import { STAGING_COUNTS, type StagingCounts } from "../blobs/staging.ts";
import { openStagingPlace, type StagingPlace } from "../blobs/staging_place.ts";
import type { Config } from "../config/config.ts";
import { SharedCounts } from "../lib/shared_counts.ts";
import { exitCodes, StartFailure } from "./exit_codes.ts";

/** Staging and cache beside an object store, as all isolates share them; can be sent to a worker. */
export interface StagingSettings {
  readonly place: StagingPlace;
  readonly stagingCounts: SharedArrayBuffer;
  readonly cacheCounts: SharedArrayBuffer;
}

/**
 * Makes the folders of staging and cache; null where there is no object store.
 *
 * @throws {StartFailure} cannotCreate
 */
export async function openStagingSettings(
  config: Config,
  dataDir: string,
): Promise<StagingSettings | null> {
  if (!config.s3) return null;
  const place = await openStagingPlace(config, dataDir).catch((error) => {
    throw new StartFailure(exitCodes.cannotCreate, error.message, { cause: error });
  });
  return {
    place,
    stagingCounts: new SharedCounts(STAGING_COUNTS).buffer,
    cacheCounts: new SharedCounts(CACHE_COUNTS).buffer,
  };
}

/** What all isolates count together. */
export function sharedCounts(
  { stagingCounts, cacheCounts }: StagingSettings,
): { readonly staging: StagingCounts; readonly cache: CacheCounts } {
  return {
    staging: new SharedCounts(STAGING_COUNTS, stagingCounts),
    cache: new SharedCounts(CACHE_COUNTS, cacheCounts),
  };
}
