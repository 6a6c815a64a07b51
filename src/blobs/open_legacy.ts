import type { BodyKeys } from "./body_keys.ts";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * An object of the Go implementation, decrypted; null where none of the keys fits, so that it is none.
 *
 *     object = nonce(12) AES-256-GCM(body) tag(16)    ; nothing else is authenticated
 *
 * Which object it is must be told by its hash.
 */
export async function openLegacy(
  object: Uint8Array,
  keys: BodyKeys,
): Promise<Uint8Array | null> {
  if (object.length < NONCE_BYTES + TAG_BYTES) return null;
  // WHY the cast: Web Crypto takes no shared memory, and nothing here has any.
  const bytes = object as Uint8Array<ArrayBuffer>;
  const iv = bytes.subarray(0, NONCE_BYTES);
  for (const { secret } of keys.all) {
    const raw = new Uint8Array(secret);
    const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["decrypt"]);
    const plain = await crypto.subtle.decrypt(
      { name: "AES-GCM", iv },
      key,
      bytes.subarray(NONCE_BYTES),
    ).catch(() => null);
    if (plain) return new Uint8Array(plain);
  }
  return null;
}
