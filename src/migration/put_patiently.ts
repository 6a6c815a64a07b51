import type { Blobs, ObjectKey, PendingUpload } from "../blobs/blobs.ts";
import type { Spooled } from "../blobs/spool.ts";
import { delay } from "../lib/delay.ts";
import { Refused } from "../lib/refused.ts";

const PAUSE_MS = 2_000;
/** How often a full staging folder is tried: some ten minutes. */
const TRIES_MAX = 300;

/** `Blobs.put`, which waits where the staging folder is full: an import is faster than its uploads. */
export async function putPatiently(
  blobs: Pick<Blobs, "put">,
  key: ObjectKey,
  body: Spooled,
  options: { readonly pauseMs?: number } = {},
): Promise<PendingUpload | null> {
  for (let tries = 1;; tries++) {
    try {
      return await blobs.put(key, body);
    } catch (error) {
      const isFull = error instanceof Refused && error.refusal.kind === "storage-full";
      if (!isFull || tries >= TRIES_MAX) throw error;
      await delay(options.pauseMs ?? PAUSE_MS);
    }
  }
}
