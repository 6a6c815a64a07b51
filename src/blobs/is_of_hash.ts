import { createHash } from "node:crypto";
import type { Hash } from "../lib/ids.ts";

/**
 * Whether octets that can be read again have this hash: by SHA-256, or by BLAKE3, which the Go implementation
 * names its objects with. For those that are in memory: `hasContentOf`.
 */
export async function isOfHash(
  chunks: () => AsyncIterable<Uint8Array>,
  hash: Hash,
): Promise<boolean> {
  const sha256 = createHash("sha256");
  for await (const chunk of chunks()) sha256.update(chunk);
  if (sha256.digest("hex") === hash) return true;
  // WHY only then, and read again: few installations ever have one.
  const { createBLAKE3 } = await import("hash-wasm");
  const blake3 = await createBLAKE3();
  for await (const chunk of chunks()) blake3.update(chunk);
  return blake3.digest("hex") === hash;
}
