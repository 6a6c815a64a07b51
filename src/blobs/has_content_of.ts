import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { hashOf, type ObjectKey } from "./blobs.ts";

/** Larger bodies are hashed off the event loop, which a hash of this size holds for half a millisecond. */
const HASH_HERE_BYTES = 1024 * 1024;

/**
 * Whether these octets are the body that a key names: by SHA-256, or by BLAKE3, which the Go implementation
 * names its objects with.
 */
export async function hasContentOf(bytes: Uint8Array, key: ObjectKey): Promise<boolean> {
  const hash = hashOf(key);
  if (await sha256(bytes) === hash) return true;
  // WHY only then: 10 ms of loading that few installations ever need.
  const { blake3 } = await import("hash-wasm");
  return await blake3(bytes) === hash;
}

async function sha256(bytes: Uint8Array): Promise<string> {
  if (bytes.length <= HASH_HERE_BYTES) return createHash("sha256").update(bytes).digest("hex");
  // WHY the cast: Web Crypto takes no shared memory, and nothing here has any.
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return Buffer.from(digest).toString("hex");
}
