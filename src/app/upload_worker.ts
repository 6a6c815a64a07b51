import type { ObjectKey } from "../blobs/blobs.ts";
import { CachePurger } from "../blobs/cache_purger.ts";
import type { StagedFile } from "../blobs/staging.ts";
import { StagingSweeper } from "../blobs/staging_sweeper.ts";
import { StagedBodies } from "../jobs/staged_bodies.ts";
import { UploadBatch } from "../jobs/upload_batch.ts";
import { UploadReport } from "../jobs/upload_report.ts";
import { Uploader } from "../jobs/uploader.ts";
import { logger } from "../observe/log.ts";
import { Metrics } from "../observe/metrics.ts";
import { Database } from "../store/database.ts";
import { ManifestStore } from "../store/manifests.ts";
import { Notices } from "../store/notices.ts";
import { UploadStore } from "../store/uploads.ts";
import { openBlobs } from "./open_blobs.ts";
import { runWorker } from "./run_worker.ts";
import { sharedCounts } from "./staging_settings.ts";
import type { WorkerSettings } from "./worker_protocol.ts";

/**
 * Entry point of the upload worker, one per process with an object store: encrypts and sends what is
 * staged, and keeps staging folder and cache within their limits.
 */

const log = logger("uploader");
const metrics = new Metrics();
let services: AsyncDisposable | undefined;

runWorker({
  log,
  metrics,
  nameOf: () => "uploader",
  async open(settings) {
    services = await open(settings);
  },
  async drain() {
    await services?.[Symbol.asyncDispose]();
    return { ended: 0, cut: 0 };
  },
});

async function open(settings: WorkerSettings): Promise<AsyncDisposable> {
  const { config: { uploader, localCache, ...config }, staging } = settings;
  await using opened = new AsyncDisposableStack();
  const database = opened.use(
    await Database.open(config.database, { log: logger("store"), metrics }),
  );
  const notices = new Notices(database, { workerId: `${crypto.randomUUID()}-uploader` });
  opened.use(await notices.start());
  const { staged } = opened.use(await openBlobs(settings, { database, metrics }));
  if (!staged || !staging) throw new Error("Cannot upload without an object store");
  const { place: { instanceId, cache: directory } } = staging;
  const counts = sharedCounts(staging);
  const uploads = new UploadStore(database);
  const { cache, remote } = staged;
  const { cleanupGracePeriodMs: graceMs, retryIntervalMs, batchSize, concurrency } = uploader;
  if (cache) {
    const { capacityBytes, orphanCleanupAgeMs: maxAgeMs, purgeIntervalMs: intervalMs } = localCache;
    const limits = { capacityBytes, maxAgeMs, intervalMs };
    opened.use(new CachePurger({ directory, counts: counts.cache, ...limits }));
  }
  const bodies = new StagedBodies({ db: database, remote, instanceId, log });
  const mayGo = (files: readonly StagedFile[]) => bodies.mayGo(files);
  const sweeper = opened.use(
    new StagingSweeper({ staging: staged.staging, mayGo, graceMs, cache }),
  );
  await sweeper.start();
  const { verifyAfterUpload: verify, maxAttempts } = uploader;
  const parts = { db: database, uploads, staging: staged.staging, cache, remote };
  const manifests = new ManifestStore(database);
  const describe = (key: string) => manifests.describe(key);
  const batch = new UploadBatch({ ...parts, concurrency, verify, describe, metrics });
  const working = opened.use(
    new Uploader({
      uploads,
      batch,
      notices,
      isStaged: async ({ objectKey }) => await staged.staging.size(objectKey as ObjectKey) !== null,
      instanceId,
      batchSize,
      concurrency,
      retryIntervalMs,
      log,
      metrics,
    }),
  );
  await working.start();
  const { staging: stagingCounts, cache: cacheCounts } = counts;
  const reported = { staging: stagingCounts, cache: cacheCounts, log, metrics };
  opened.use(new UploadReport({ uploads, instanceId, maxAttempts, ...reported }));
  return opened.move();
}
