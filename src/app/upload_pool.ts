import type { Config, DatabaseConfig } from "../config/config.ts";
import { sessionCounts } from "./shared_admission.ts";
import type { StagingSettings } from "./staging_settings.ts";
import { workerUrl } from "./worker_entries.ts";
import { workerPermissions } from "./worker_permissions.ts";
import { WorkerPool, type WorkerPoolOptions } from "./worker_pool.ts";
import type { DataFolders } from "./worker_protocol.ts";

/** What the upload worker needs beside what every pool does. */
export interface UploadPoolOptions
  extends Pick<WorkerPoolOptions, "onHung" | "onLog" | "log" | "metrics"> {
  /** With the connections of the upload worker. */
  readonly config: () => Config & { readonly database: DatabaseConfig };
  readonly folders: DataFolders;
  readonly staging: StagingSettings;
}

/** The one worker that uploads; it listens nowhere. Started again when it crashes. */
export function makeUploadPool(
  { config, folders, staging, onHung, onLog, log, metrics }: UploadPoolOptions,
): WorkerPool {
  const permissions = workerPermissions({ ...config(), servers: [] }, folders, staging);
  return new WorkerPool({
    size: 1,
    serves: false,
    spawn: () =>
      new Worker(workerUrl("upload"), {
        type: "module",
        name: "uploader",
        deno: { permissions },
      }),
    start: (worker) => {
      const counts = sessionCounts(1, 0);
      const settings = { number: 1, workers: 1, config: config(), folders, staging, counts };
      return worker.start(settings, null);
    },
    onGone: () => {},
    onHung,
    onLog,
    log,
    metrics,
  });
}
