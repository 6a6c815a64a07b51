import type { ObjectKey } from "./blobs.ts";
import {
  BodyCipher,
  chunksOf,
  CipherError,
  HEADER_BYTES,
  keyIdOf,
  plainSize,
} from "./body_cipher.ts";
import type { BodyKeys } from "./body_keys.ts";
import { hasContentOf } from "./has_content_of.ts";
import { openChunks } from "./open_chunks.ts";
import { openLegacy } from "./open_legacy.ts";

/**
 * The body in a whole object: of our format, of the Go implementation, or, where that is allowed, stored as
 * it is. Its hash is compared.
 *
 * @throws {CipherError} where it is nothing of these, or another body
 */
export async function openObject(
  key: ObjectKey,
  object: Uint8Array,
  { keys, allowPlain }: { readonly keys: BodyKeys; readonly allowPlain: boolean },
): Promise<Uint8Array> {
  let body: Uint8Array;
  try {
    body = await decrypted(key, object, keys);
  } catch (error) {
    // WHY: a body that was stored as it is may begin with anything.
    const isPlain = error instanceof CipherError && await hasContentOf(object, key);
    if (!isPlain) throw error;
    if (allowPlain) return object;
    throw new CipherError("Cannot use a body that is not encrypted: see encrypt_allow_plain");
  }
  if (await hasContentOf(body, key)) return body;
  throw new CipherError("Cannot use a body: its hash is wrong");
}

async function decrypted(key: ObjectKey, object: Uint8Array, keys: BodyKeys): Promise<Uint8Array> {
  if (keyIdOf(object) === null) {
    const body = await openLegacy(object, keys);
    if (body) return body;
    throw new CipherError("Cannot decrypt an object: no configured key fits");
  }
  const cipher = await BodyCipher.open(object, keys, key);
  const chunks = chunksOf(plainSize(object.length));
  return await openChunks(cipher, object.subarray(HEADER_BYTES), { first: 0, chunks });
}
