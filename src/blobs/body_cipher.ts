import { hkdfSync, randomBytes } from "node:crypto";
import { concat, encodeUtf8, fromBinary, toBinary } from "../lib/bytes.ts";
import type { BodyKey, BodyKeys } from "./body_keys.ts";

/** Octets of a body that are encrypted together: what a range read reads at least. */
export const CHUNK_BYTES = 64 * 1024;
/** AES-GCM puts so many octets behind each chunk. */
const TAG_BYTES = 16;
const SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES;
/** Nonce and tag of an object of the Go implementation. */
const LEGACY_BYTES = 28;
/** Of every encrypted object, at its beginning. */
export const HEADER_BYTES = 64;

/** WHY: the first octet is no US-ASCII; the last is the version of the format. */
const MAGIC = fromBinary("\x8aSoraBE\x01");
const KEY_ID_BYTES = 24;
const SALT_BYTES = HEADER_BYTES - MAGIC.length - KEY_ID_BYTES;
/** AES-256, and the part of the nonces (12 octets) in front of the number of the chunk (4). */
const SECRET_BYTES = 32;
const NONCE_PREFIX_BYTES = 8;
/** WHY: keeps what is derived here apart from whatever else the key may be used for. */
const PURPOSE = "sora message body 1";

/** What cannot be decrypted: never an answer to a client, who hears that bodies are unavailable. */
export class CipherError extends Error {
  override readonly name: string = "CipherError";
}

/** Where a chunk stands in its body. */
export interface ChunkPlace {
  /** From 0. */
  readonly number: number;
  readonly isLast: boolean;
}

/**
 * Encrypts and decrypts the chunks of one object.
 *
 *     object = header chunk *chunk
 *     header = magic version key-id salt        ; 7 + 1 + 24 (padded with NUL) + 32 octets
 *     chunk  = AES-256-GCM of 64 KiB (the last: of what is left), and its tag
 *
 * Key and nonce prefix of an object are derived (HKDF-SHA-256, RFC 5869) from the configured key, its id and
 * the random salt, so no nonce is ever used twice. Key of the object, number of the chunk and whether it is
 * the last are authenticated: no chunk can be taken for another one, and none can be left out.
 */
export class BodyCipher {
  readonly header: Uint8Array;
  readonly #key: CryptoKey;
  readonly #nonce: Uint8Array;
  readonly #objectKey: Uint8Array;

  private constructor(
    header: Uint8Array,
    objectKey: string,
    { key, nonce }: { readonly key: CryptoKey; readonly nonce: Uint8Array },
  ) {
    this.header = header;
    this.#key = key;
    this.#nonce = nonce;
    this.#objectKey = encodeUtf8(objectKey);
  }

  /** For a new object, with a header of its own. */
  static async create(key: BodyKey, objectKey: string): Promise<BodyCipher> {
    const id = new Uint8Array(KEY_ID_BYTES);
    id.set(fromBinary(key.id));
    const header = concat([MAGIC, id, randomBytes(SALT_BYTES)]);
    return new BodyCipher(header, objectKey, await derive(key, header));
  }

  /**
   * For an object that begins so.
   *
   * @throws {CipherError} where its key is not among `keys`
   */
  static async open(header: Uint8Array, keys: BodyKeys, objectKey: string): Promise<BodyCipher> {
    const id = keyIdOf(header);
    const key = id === null ? null : keys.find(id);
    if (!key) {
      throw new CipherError(
        `Cannot decrypt: there is no key ${JSON.stringify(id)} in the configuration`,
      );
    }
    const own = header.slice(0, HEADER_BYTES);
    return new BodyCipher(own, objectKey, await derive(key, own));
  }

  /** One chunk, encrypted. */
  async seal(plain: Uint8Array, place: ChunkPlace): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(
      await crypto.subtle.encrypt(this.#parameters(place), this.#key, unshared(plain)),
    );
  }

  /**
   * One chunk, decrypted.
   *
   * @throws {CipherError} where it is not the chunk of this object at this place, unchanged
   */
  async open(sealed: Uint8Array, place: ChunkPlace): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return new Uint8Array(
        await crypto.subtle.decrypt(this.#parameters(place), this.#key, unshared(sealed)),
      );
    } catch {
      throw new CipherError(`Cannot decrypt chunk ${place.number}: damaged, or of another object`);
    }
  }

  #parameters({ number, isLast }: ChunkPlace): AesGcmParams {
    const counted = new Uint8Array(5);
    const view = new DataView(counted.buffer);
    view.setUint32(0, number);
    view.setUint8(4, isLast ? 1 : 0);
    const iv = new Uint8Array(NONCE_PREFIX_BYTES + 4);
    iv.set(this.#nonce);
    iv.set(counted.subarray(0, 4), NONCE_PREFIX_BYTES);
    const additionalData = new Uint8Array(this.#objectKey.length + counted.length);
    additionalData.set(this.#objectKey);
    additionalData.set(counted, this.#objectKey.length);
    return { name: "AES-GCM", iv, additionalData };
  }
}

/** The id of the key that an object is encrypted with, by its first octets; null where it has no header. */
export function keyIdOf(start: Uint8Array): string | null {
  if (start.length < HEADER_BYTES || MAGIC.some((octet, i) => start[i] !== octet)) return null;
  const id = start.subarray(MAGIC.length, MAGIC.length + KEY_ID_BYTES);
  return toBinary(id).replace(/\0+$/, "");
}

/** Octets of the object of a body of this size. */
export function sealedSize(sizeBytes: number): number {
  return HEADER_BYTES + sizeBytes + TAG_BYTES * chunksOf(sizeBytes);
}

/**
 * Octets of the body in an object of this size.
 *
 * @throws {CipherError} where no object has it
 */
export function plainSize(storedBytes: number): number {
  const sealed = storedBytes - HEADER_BYTES;
  const chunks = Math.ceil(sealed / SEALED_CHUNK_BYTES);
  const sizeBytes = sealed - chunks * TAG_BYTES;
  if (sizeBytes < 0 || chunksOf(sizeBytes) !== chunks) {
    throw new CipherError(`Cannot decrypt an object of ${storedBytes} octets: truncated`);
  }
  return sizeBytes;
}

/** Whether an object of so many octets may hold a body of so many: of ours, of the Go implementation, or plain. */
export function maySealedSize(storedBytes: number, sizeBytes: number): boolean {
  return [sealedSize(sizeBytes), sizeBytes + LEGACY_BYTES, sizeBytes].includes(storedBytes);
}

/** Chunks of a body; an empty one has one, so that nothing passes unauthenticated. */
export function chunksOf(sizeBytes: number): number {
  return Math.max(1, Math.ceil(sizeBytes / CHUNK_BYTES));
}

/** Where in its object a chunk is: octets [start, end); the last one is cut off at the object's end. */
export function sealedPlace(number: number): { readonly start: number; readonly end: number } {
  const start = HEADER_BYTES + number * SEALED_CHUNK_BYTES;
  return { start, end: start + SEALED_CHUNK_BYTES };
}

async function derive(
  { id, secret }: BodyKey,
  header: Uint8Array,
): Promise<{ key: CryptoKey; nonce: Uint8Array }> {
  const salt = header.subarray(HEADER_BYTES - SALT_BYTES);
  const info = encodeUtf8(`${PURPOSE}\0${id}`);
  const length = SECRET_BYTES + NONCE_PREFIX_BYTES;
  const derived = new Uint8Array(hkdfSync("sha256", secret, salt, info, length));
  const raw = derived.slice(0, SECRET_BYTES);
  const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
  return { key, nonce: derived.slice(SECRET_BYTES) };
}

/** WHY: Web Crypto takes no shared memory, and nothing here has any. */
function unshared(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}
