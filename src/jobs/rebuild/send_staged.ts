import { type Blobs, isBodyKey, type ObjectKey } from "../../blobs/blobs.ts";
import type { Staging } from "../../blobs/staging.ts";
import { Refused } from "../../lib/refused.ts";

/**
 * Sends what a lost server had not sent yet: without its database nobody else will. What is damaged is told
 * of. Answers how many bodies the object store has got.
 */
export async function sendStaged(
  staging: Staging,
  { blobs, prefix, damaged }: {
    readonly blobs: Blobs;
    /** What the keys begin with. */
    readonly prefix: string;
    readonly damaged: (key: ObjectKey, why: string) => void;
  },
): Promise<number> {
  let sent = 0;
  for await (const { key, sizeBytes } of staging.files()) {
    if (!isBodyKey(key) || !key.startsWith(prefix) || await blobs.exists(key)) continue;
    try {
      const body = await staging.open(key, sizeBytes);
      if (!body) continue;
      await blobs.put(key, body, { durability: "stored" });
      sent++;
    } catch (error) {
      if (error instanceof Refused) throw error;
      damaged(key, error instanceof Error ? error.message : String(error));
    }
  }
  return sent;
}
