import { createHash } from "node:crypto";
import { encodeUtf8 } from "../lib/bytes.ts";
import type { Hash } from "../lib/ids.ts";
import { unavailable } from "../lib/refused.ts";
import type { Blobs, ObjectKey } from "./blobs.ts";
import { MemorySpooled } from "./spooled.ts";

/** WHY four segments: no body has such a name. */
const FOLDER = "sora/clock-check/0";
const CONTENT = encodeUtf8("What time is it?\n");

/**
 * What time it is by the clock that a storage gives its objects their times by. Puts an object, always the same
 * one. Throws `unavailable`.
 */
export async function storageTime(blobs: Blobs): Promise<Date> {
  const hash = createHash("sha256").update(CONTENT).digest("hex") as Hash;
  const key = `${FOLDER}/${hash}` as ObjectKey;
  const body = new MemorySpooled({ hash, receivedHash: hash, bytes: CONTENT, prefixBytes: 0 });
  await blobs.put(key, body, { overwrite: true });
  const info = await blobs.info(key);
  if (!info) throw unavailable("bodies", new Error("Cannot find what was put a moment ago"));
  return info.modifiedAt;
}
