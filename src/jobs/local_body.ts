import { hashOf, type ObjectKey } from "../blobs/blobs.ts";
import type { BodyCache } from "../blobs/body_cache.ts";
import { hasContentOf } from "../blobs/has_content_of.ts";
import type { Spooled } from "../blobs/spool.ts";
import { MemorySpooled } from "../blobs/spooled.ts";
import type { Staging } from "../blobs/staging.ts";
import type { UploadStore } from "../store/uploads.ts";

/** Where bodies may be besides the object store. */
export interface LocalBodies {
  readonly staging: Pick<Staging, "open">;
  /** null: switched off. */
  readonly cache: Pick<BodyCache, "get"> | null;
  readonly uploads: Pick<UploadStore, "body">;
}

/**
 * A body from the staging folder, the database or the cache, with the right size and hash; null when nobody
 * has it. `trouble`: what is wrong with the one in the staging folder.
 */
export async function localBody(
  { staging, cache, uploads }: LocalBodies,
  { objectKey, sizeBytes, hasBody }: {
    readonly objectKey: string;
    readonly sizeBytes: number;
    /** The database may have it. */
    readonly hasBody: boolean;
  },
): Promise<{ readonly body: Spooled | null; readonly trouble: unknown }> {
  const key = objectKey as ObjectKey;
  let trouble: unknown = null;
  try {
    const staged = await staging.open(key, sizeBytes);
    if (staged) return { body: staged, trouble };
  } catch (error) {
    trouble = error;
  }
  const kept = hasBody ? await uploads.body(key) : null;
  for (const bytes of [kept, await cache?.get(key)]) {
    if (bytes?.length !== sizeBytes || !await hasContentOf(bytes, key)) continue;
    const hash = hashOf(key);
    return {
      body: new MemorySpooled({ hash, receivedHash: hash, bytes, prefixBytes: 0 }),
      trouble,
    };
  }
  return { body: null, trouble };
}
