import { BodyCipher, chunksOf, HEADER_BYTES, keyIdOf, plainSize } from "./body_cipher.ts";
import type { BodyKeys } from "./body_keys.ts";
import type { Blobs, ObjectKey } from "./blobs.ts";

/** An object in chunks, and what reads it. */
export interface SealedLayout {
  readonly kind: "sealed";
  readonly keyId: string;
  readonly cipher: BodyCipher;
  /** Octets of the object. */
  readonly storedBytes: number;
  /** Octets of the body. */
  readonly sizeBytes: number;
  readonly chunks: number;
}

/** What an object is: one in chunks, or one that can only be read whole. */
export type Layout = SealedLayout | { readonly kind: "whole"; readonly storedBytes: number };

/** WHY: half a kilobyte each; more bodies are not read at once. */
const LAYOUTS_MAX = 2_000;

/** The headers of objects that are read, so that a range read is one request but for the first. */
export class ObjectLayouts {
  readonly #blobs: Blobs;
  readonly #keys: BodyKeys;
  readonly #known = new Map<ObjectKey, Layout>();

  constructor(blobs: Blobs, keys: BodyKeys) {
    this.#blobs = blobs;
    this.#keys = keys;
  }

  /** As it was when it was read last; it may have been replaced since, or be gone. */
  known(key: ObjectKey): Layout | null {
    const layout = this.#known.get(key);
    if (!layout) return null;
    this.#known.delete(key);
    this.#known.set(key, layout);
    return layout;
  }

  /**
   * As it is now; null where there is no object.
   *
   * @param sizeBytes what is known already: octets of the object
   * @throws {CipherError} where its key is not configured, or its size is impossible
   */
  async read(key: ObjectKey, sizeBytes?: number): Promise<Layout | null> {
    const storedBytes = sizeBytes ?? await this.#blobs.size(key);
    if (storedBytes === null) {
      this.#known.delete(key);
      return null;
    }
    const known = this.known(key);
    if (known?.storedBytes === storedBytes) return known;
    const start = await this.#blobs.range(key, 0, Math.min(HEADER_BYTES, storedBytes));
    return start === null ? null : await this.remember(key, start, storedBytes);
  }

  /** What an object is that begins so. Throws as `read`. */
  async remember(key: ObjectKey, start: Uint8Array, storedBytes: number): Promise<Layout> {
    const layout = await this.#layout(key, start, storedBytes);
    this.#known.delete(key);
    this.#known.set(key, layout);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= LAYOUTS_MAX) break;
      this.#known.delete(oldest);
    }
    return layout;
  }

  forget(key: ObjectKey): void {
    this.#known.delete(key);
  }

  async #layout(key: ObjectKey, start: Uint8Array, storedBytes: number): Promise<Layout> {
    const keyId = keyIdOf(start);
    if (keyId === null) return { kind: "whole", storedBytes };
    const cipher = await BodyCipher.open(start, this.#keys, key);
    const sizeBytes = plainSize(storedBytes);
    return { kind: "sealed", keyId, cipher, storedBytes, sizeBytes, chunks: chunksOf(sizeBytes) };
  }
}
