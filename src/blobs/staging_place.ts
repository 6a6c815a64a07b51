import { dirname, join, resolve } from "node:path";
import type { LocalCacheConfig, UploaderConfig } from "../config/config.ts";
import { instanceIdOf } from "./instance_id.ts";

/** Where bodies are on this machine, beside an object store; absolute paths. */
export interface StagingPlace {
  readonly uploads: string;
  readonly cache: string;
  readonly instanceId: string;
}

/**
 * Makes the folders of staging and cache, durably and for Sora's own user only. Throws an error whose
 * words are for operators.
 */
export async function openStagingPlace(
  { uploader, localCache }: {
    readonly uploader: UploaderConfig;
    readonly localCache: LocalCacheConfig;
  },
  dataDir: string,
): Promise<StagingPlace> {
  const uploads = resolve(uploader.path ?? join(dataDir, "uploads"));
  const cache = resolve(localCache.path ?? join(dataDir, "cache"));
  await make("uploader.path", uploads);
  await make("local_cache.path", cache);
  return { uploads, cache, instanceId: uploader.instanceId ?? await instanceIdOf(dataDir) };
}

async function make(key: string, folder: string): Promise<void> {
  try {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    // WHY: a body is only as durable as every folder above it.
    await sync(folder);
    // WHY not fatal: who may pass through a folder may not always open it.
    await sync(dirname(folder)).catch(() => {});
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${key}: cannot make the folder ${folder}: ${why}`, { cause: error });
  }
}

async function sync(folder: string): Promise<void> {
  using file = await Deno.open(folder);
  await file.sync();
}
