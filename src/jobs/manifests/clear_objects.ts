import type { Blobs, ObjectKey } from "../../blobs/blobs.ts";

/** Removes objects that are obsolete, and notes that they are gone. Throws `unavailable`. */
export async function clearObjects(
  { blobs }: { readonly blobs: Pick<Blobs, "deleteMany"> },
  keys: readonly string[],
  forget: (keys: readonly string[]) => Promise<void>,
): Promise<void> {
  if (keys.length === 0) return;
  await blobs.deleteMany(keys as readonly ObjectKey[]);
  await forget(keys);
}
