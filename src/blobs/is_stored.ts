import { createHash } from "node:crypto";
import type { ObjectInfo, PutOptions } from "./blobs.ts";
import type { Spooled } from "./spool.ts";

/** WHY: to send a smaller body costs less than to ask whether it is there, and makes it whole. */
const ASK_FIRST_BYTES = 256 * 1024;

/** Whether it is worth asking if a body is there before it is put. */
export function mayBeStored(sizeBytes: number, { overwrite = false }: PutOptions): boolean {
  return !overwrite && sizeBytes > ASK_FIRST_BYTES;
}

/**
 * Whether an object is these octets, as far as its storage knows without reading it. False when in doubt: to
 * put it again is never wrong.
 */
export async function isStored(
  info: ObjectInfo | null,
  body: Pick<Spooled, "sizeBytes" | "chunks">,
): Promise<boolean> {
  if (info?.md5 === undefined || info.sizeBytes !== body.sizeBytes) return false;
  const digest = createHash("md5");
  for await (const chunk of body.chunks()) digest.update(chunk);
  return digest.digest("hex") === info.md5;
}
