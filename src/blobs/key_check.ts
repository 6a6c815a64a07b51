import { concat, encodeUtf8 } from "../lib/bytes.ts";
import { Refused } from "../lib/refused.ts";
import { type Blobs, isBodyKey, type ObjectKey } from "./blobs.ts";
import { BodyCipher, CipherError, HEADER_BYTES, sealedSize } from "./body_cipher.ts";
import type { BodyKey, BodyKeys } from "./body_keys.ts";
import type { EncryptedBlobs } from "./encrypted_blobs.ts";
import { sealBody } from "./seal_body.ts";
import { spooledFrom } from "./spooled_from.ts";

/** What the names of key-check objects begin with: no body has such a name. */
export const KEY_CHECK_PREFIX = "sora/key-check-";
/** Bodies that are tried where nothing says which keys were used; small ones: a start waits for them. */
const TRIED_MAX = 3;
const TRIED_BYTES_MAX = 1024 * 1024;
const CONTENT = "This object was encrypted with the key that its name says.\n";

/** The configured keys are not those of the bodies: in words for the operator. */
export class KeyMismatch extends CipherError {
  override readonly name = "KeyMismatch";
}

export interface KeyCheck {
  /** The storage itself; its `get` must not compare hashes. */
  readonly inner: Blobs;
  readonly keys: BodyKeys;
  /** What decrypts with these keys what is there. */
  readonly blobs: EncryptedBlobs;
}

/**
 * Whether the keys are those that the bodies of a storage were encrypted with. The storage has an object
 * for each key that encrypts or has encrypted; that of the current key is written when it is missing.
 * Where there is none at all, a few bodies are read.
 *
 * @throws {KeyMismatch} where a key is missing, or is another one than before
 * @throws {Refused} `unavailable` where the storage cannot be asked
 */
export async function checkKeys({ inner, keys, blobs }: KeyCheck): Promise<void> {
  const used = await usedKeys(inner);
  for (const id of used) {
    if (keys.find(id)) await checkOne(inner, id, keys);
    else {
      throw new KeyMismatch(
        `the object store has bodies that are encrypted with the key "${id}", which [s3] does not give: ` +
          "add it to encryption_keys",
      );
    }
  }
  const { current } = keys;
  if (used.length === 0) await trySome(inner, blobs);
  if (!current || used.includes(current.id)) return;
  await inner.put(nameOf(current.id), await checkObject(current));
  // WHY: another node may have written one for another key at the same time.
  await checkOne(inner, current.id, keys);
}

/** Says that nothing is encrypted with a key any more. */
export async function retireKey(inner: Blobs, id: string): Promise<void> {
  await inner.delete(nameOf(id));
}

/** The ids of the keys that encrypt or have encrypted. */
export async function usedKeys(inner: Blobs): Promise<string[]> {
  const ids: string[] = [];
  for await (const page of inner.list(KEY_CHECK_PREFIX)) {
    for (const { key } of page) ids.push(key.slice(KEY_CHECK_PREFIX.length));
  }
  return ids.sort();
}

async function checkOne(inner: Blobs, id: string, keys: BodyKeys): Promise<void> {
  const name = nameOf(id);
  const object = await inner.get(name);
  if (!object) return;
  try {
    const cipher = await BodyCipher.open(object, keys, name);
    await cipher.open(object.subarray(HEADER_BYTES), { number: 0, isLast: true });
  } catch (error) {
    if (!(error instanceof CipherError)) throw error;
    throw new KeyMismatch(
      `the key "${id}" of [s3] is not the one that bodies were encrypted with: ` +
        `it does not decrypt the object ${name}`,
      { cause: error },
    );
  }
}

/** Throws where there are bodies, and none of those that are tried can be read. */
async function trySome(inner: Blobs, blobs: EncryptedBlobs): Promise<void> {
  let failure: CipherError | null = null;
  for (const key of await someBodies(inner)) {
    try {
      if (await blobs.get(key)) return;
    } catch (error) {
      const cause = error instanceof Refused ? error.cause : null;
      if (!(cause instanceof CipherError)) throw error;
      failure = cause;
    }
  }
  if (!failure) return;
  const message =
    `the keys of [s3] are not those of the bodies in the object store: ${failure.message}`;
  throw new KeyMismatch(message, { cause: failure });
}

async function someBodies(inner: Blobs): Promise<ObjectKey[]> {
  for await (const page of inner.list("")) {
    const bodies = page.filter(({ key, sizeBytes }) =>
      isBodyKey(key) && sizeBytes <= TRIED_BYTES_MAX
    );
    if (bodies.length > 0) return bodies.slice(0, TRIED_MAX).map(({ key }) => key as ObjectKey);
  }
  return [];
}

async function checkObject(key: BodyKey) {
  const name = nameOf(key.id);
  const content = encodeUtf8(CONTENT);
  const cipher = await BodyCipher.create(key, name);
  const pieces: Uint8Array[] = [];
  for await (const piece of sealBody(cipher, once(content), content.length)) pieces.push(piece);
  const object = concat(pieces);
  return await spooledFrom({ sizeBytes: sealedSize(content.length), chunks: () => once(object) });
}

function nameOf(id: string): ObjectKey {
  return `${KEY_CHECK_PREFIX}${id}` as ObjectKey;
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
