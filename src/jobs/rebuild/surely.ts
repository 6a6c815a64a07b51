import type { Blobs, ObjectKey } from "../../blobs/blobs.ts";
import { Refused } from "../../lib/refused.ts";

/** A body that cannot be had, though the storage answers. */
export class BodyLost extends Error {
  override readonly name = "BodyLost";
}

/**
 * What is asked of one object, once more after trouble: which is the object's when the storage answers.
 *
 * @throws {BodyLost} where it is the object's
 * @throws {Refused} `unavailable` where the storage is in trouble
 */
export async function surely<T>(
  blobs: Blobs,
  key: ObjectKey,
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    await blobs.exists(key);
    return await read().catch((again: Error) => {
      const { cause } = again;
      const why = cause instanceof Error ? cause.message : again.message;
      throw new BodyLost(`its body cannot be read: ${why}`, { cause: again });
    });
  }
}
