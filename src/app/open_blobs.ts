import type { Blobs } from "../blobs/blobs.ts";
import { DiskBlobs } from "../blobs/disk_blobs.ts";
import { openObjectStore } from "../blobs/open_object_store.ts";
import { type OpenStagedBlobs, openStagedBlobs } from "../blobs/open_staged_blobs.ts";
import { logger } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Database } from "../store/database.ts";
import { UploadStore } from "../store/uploads.ts";
import { sharedCounts } from "./staging_settings.ts";
import type { WorkerSettings } from "./worker_protocol.ts";

/** Bodies as one isolate has them. */
export interface OpenBlobs extends AsyncDisposable {
  readonly blobs: Blobs;
  /** With an object store: what is kept of it here. */
  readonly staged: OpenStagedBlobs & { readonly remote: Blobs } | null;
}

/** Opens what is configured: files in the data folder, or an object store with staging and cache. */
export async function openBlobs(
  { config, folders, staging }: WorkerSettings,
  { database, metrics }: { readonly database: Database; readonly metrics: Metrics },
): Promise<OpenBlobs> {
  const log = logger("blobs");
  if (!config.s3 || !staging) {
    const blobs = new DiskBlobs(folders.bodies, { log });
    return { blobs, staged: null, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const store = await openObjectStore(config.s3, { log, metrics });
  const remote = store.blobs;
  const staged = openStagedBlobs({
    place: staging.place,
    uploader: config.uploader,
    localCache: config.localCache,
    remote,
    pending: new UploadStore(database),
    metrics,
    counts: sharedCounts(staging),
  });
  return {
    blobs: staged.blobs,
    staged: { ...staged, remote },
    [Symbol.asyncDispose]: async () => store[Symbol.dispose](),
  };
}
