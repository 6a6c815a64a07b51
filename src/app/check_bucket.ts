import { KeyMismatch } from "../blobs/key_check.ts";
import type { Config } from "../config/config.ts";
import { Refused } from "../lib/refused.ts";
import type { Log } from "../observe/log.ts";
import { exitCodes, StartFailure } from "./exit_codes.ts";

/** WHY: who starts the server waits for it; a store that is slower is told of in the log. */
const CHECK_MS = 5_000;

/**
 * Looks whether the bucket can be used, and with the keys that decrypt what is in it. A store that does
 * not answer is told of in the log: mail is taken in and served without it as far as that goes.
 *
 * @throws {StartFailure} when it will never work as it is configured
 */
export async function checkBucket(config: NonNullable<Config["s3"]>, log: Log): Promise<void> {
  // WHY: most installations have no bucket, and need not load what speaks to one.
  const { openObjectStore } = await import("../blobs/open_object_store.ts");
  const timeoutMs = Math.min(config.timeoutMs, CHECK_MS);
  using store = await openObjectStore({ ...config, timeoutMs }, { log });
  const found = await store.objects.check();
  const { endpoint } = config;
  if (found.kind === "wrong") throw useless(endpoint, found.why);
  try {
    if (found.kind === "unreachable") {
      log.warning("object-store-unreachable", { endpoint, why: found.why });
    } else await store.checkKeys();
  } catch (error) {
    if (error instanceof KeyMismatch) throw useless(endpoint, error.message, error);
    if (!(error instanceof Refused)) throw error;
    log.warning("object-store-keys-not-checked", { endpoint, error });
  }
}

function useless(endpoint: string, why: string, cause?: Error): StartFailure {
  const message = `Cannot use the object store at ${endpoint}: ${why}`;
  return new StartFailure(exitCodes.config, message, { cause });
}
