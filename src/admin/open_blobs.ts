import { resolve } from "node:path";
import { exitCodes } from "../app/exit_codes.ts";
import type { Blobs } from "../blobs/blobs.ts";
import { DiskBlobs } from "../blobs/disk_blobs.ts";
import { openObjectStore } from "../blobs/open_object_store.ts";
import { type OpenStagedBlobs, openStagedBlobs } from "../blobs/open_staged_blobs.ts";
import { openStagingPlace } from "../blobs/staging_place.ts";
import type { Config } from "../config/config.ts";
import { nullMetrics } from "../observe/metrics.ts";
import type { Database } from "../store/database.ts";
import { UploadStore } from "../store/uploads.ts";
import { Failure } from "./failure.ts";

/** Bodies as the server has them, and a folder for those that come in. */
export interface OpenBlobs extends AsyncDisposable {
  readonly blobs: Blobs;
  /** With an object store and a database: what this machine has of it, and the store itself. */
  readonly staged: OpenStagedBlobs & { readonly remote: Blobs } | null;
  readonly spoolDir: string;
}

/**
 * Opens the storage that the configuration names; without a database an object store alone, and nothing of
 * what is on its way there. Throws `Failure` where it is another user's.
 */
export async function openBlobs(config: Config, database?: Database): Promise<OpenBlobs> {
  const { dataDir, s3 } = config;
  await using opened = new AsyncDisposableStack();
  const root = resolve(dataDir);
  const spoolDir = `${root}/spool`;
  await mayWrite(root);
  await Deno.mkdir(spoolDir, { recursive: true, mode: 0o700 });
  if (!s3) await Deno.mkdir(`${root}/bodies`, { recursive: true, mode: 0o700 });
  const remote = s3 && opened.use(await openObjectStore(s3)).blobs;
  const staged = remote && database ? await openStaged(config, { database, remote }) : null;
  const blobs = staged?.blobs ?? remote ?? new DiskBlobs(`${root}/bodies`);
  const closing = opened.move();
  return { blobs, staged, spoolDir, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}

/**
 * WHY: mail that came a moment ago is in the staging folder only, and what comes in here is recorded as
 * to be uploaded, so that nobody takes it for unused. A running server uploads it.
 */
async function openStaged(
  { dataDir, uploader, localCache }: Config,
  { database, remote }: { readonly database: Database; readonly remote: Blobs },
): Promise<OpenBlobs["staged"]> {
  const place = await openStagingPlace({ uploader, localCache }, resolve(dataDir));
  const pending = new UploadStore(database);
  const parts = { place, uploader, localCache, remote, pending, metrics: nullMetrics };
  return { ...openStagedBlobs(parts), remote };
}

/** WHY: what root writes into the folder of another user, the server cannot read. */
async function mayWrite(root: string): Promise<void> {
  const uid = Deno.uid();
  const owner = (await Deno.stat(root).catch(() => null))?.uid ?? null;
  if (uid === null || owner === null || uid === owner) return;
  const message = `${root} belongs to user ${owner}: run this command as that user`;
  throw new Failure(exitCodes.failure, message);
}
