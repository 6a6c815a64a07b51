import { openObjectStore } from "../blobs/open_object_store.ts";
import type { Config } from "../config/config.ts";
import { ManifestWriter } from "../jobs/manifest_writer.ts";
import { logger } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import { AccountManifestStore } from "../store/account_manifests.ts";
import type { Database } from "../store/database.ts";
import { ManifestStore } from "../store/manifests.ts";

/** Starts to write manifests into the object store. */
export async function startManifests(
  s3: NonNullable<Config["s3"]>,
  { database, spoolDir, metrics }: {
    readonly database: Database;
    readonly spoolDir: string;
    readonly metrics: Metrics;
  },
): Promise<AsyncDisposable> {
  await using opened = new AsyncDisposableStack();
  const store = opened.use(await openObjectStore(s3, { log: logger("blobs"), metrics }));
  opened.use(
    new ManifestWriter({
      manifests: new ManifestStore(database),
      accounts: new AccountManifestStore(database),
      blobs: store.blobs,
      spoolDir,
      intervalMs: s3.manifestIntervalMs,
      isEncrypted: s3.encrypt,
      log: logger("jobs"),
      metrics,
    }),
  );
  return opened.move();
}
