import type { Refused } from "../lib/refused.ts";
import { unavailable } from "../lib/refused.ts";
import type { Blobs, ObjectKey } from "./blobs.ts";
import { CHUNK_BYTES, CipherError, sealedPlace } from "./body_cipher.ts";
import type { BodyKeys } from "./body_keys.ts";
import { type Layout, ObjectLayouts, type SealedLayout } from "./object_layouts.ts";
import { openChunks } from "./open_chunks.ts";
import { openObject } from "./open_object.ts";
import type { OctetRange } from "./read_range.ts";
import type { Source } from "./spooled_from.ts";

/** How much of an encrypted body is read at once when all of it is wanted piece by piece. */
const READ_BYTES = 16 * CHUNK_BYTES;

export interface ReaderOptions {
  /** Where the objects are. */
  readonly inner: Blobs;
  readonly keys: BodyKeys;
  /** Bodies that were stored as they are can be read, too. */
  readonly allowPlain: boolean;
}

/** Reads encrypted objects. Throws `CipherError` where one is not what was stored. */
export class EncryptedReader {
  readonly #options: ReaderOptions;
  readonly #inner: Blobs;
  readonly #layouts: ObjectLayouts;
  /** WHY: an object that can only be read whole is asked for piece by piece. */
  /** For encrypted octets; nobody's at the moment. */
  #spare: Uint8Array | null = null;
  /** WHY: an object that can only be read whole is asked for piece by piece. */
  #lastWhole: { readonly key: ObjectKey; readonly body: Uint8Array } | null = null;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#inner = options.inner;
    this.#layouts = new ObjectLayouts(options.inner, options.keys);
  }

  /** What an object is now; null where there is none. `storedBytes`: its size, if it is known. */
  layout(key: ObjectKey, storedBytes?: number): Promise<Layout | null> {
    return this.#layouts.read(key, storedBytes);
  }

  /** Nothing that is known of it is believed any more. */
  forget(key: ObjectKey): void {
    this.#layouts.forget(key);
    if (this.#lastWhole?.key === key) this.#lastWhole = null;
  }

  /** As `Blobs.range`. */
  async range(key: ObjectKey, place: OctetRange): Promise<Uint8Array | null> {
    try {
      const layout = this.#layouts.known(key) ?? await this.#layouts.read(key);
      return await this.#range(key, place, layout);
    } catch (error) {
      if (!(error instanceof CipherError)) throw error;
      // WHY once more: the object may have been encrypted anew meanwhile, with another header.
      this.#layouts.forget(key);
      return await this.#range(key, place, await this.#layouts.read(key));
    }
  }

  /** A body that is stored, piece by piece where it can be read so. */
  async source(key: ObjectKey): Promise<Source | null> {
    const layout = await this.#layouts.read(key);
    if (!layout) return null;
    if (layout.kind === "sealed" && layout.sizeBytes > READ_BYTES) return this.#pieces(key, layout);
    const body = await this.whole(key);
    return body && { sizeBytes: body.length, chunks: () => once(body) };
  }

  #pieces(key: ObjectKey, layout: SealedLayout): Source {
    const { sizeBytes } = layout;
    const range = (start: number, end: number) => this.#range(key, { start, end }, layout);
    return {
      sizeBytes,
      async *chunks() {
        for (let start = 0; start < sizeBytes; start += READ_BYTES) {
          const piece = await range(start, Math.min(start + READ_BYTES, sizeBytes));
          if (!piece) throw new CipherError("Cannot read all of an object: it is gone");
          yield piece;
        }
      },
    };
  }

  async whole(key: ObjectKey): Promise<Uint8Array | null> {
    const object = await this.#inner.get(key);
    if (!object) return null;
    return await openObject(key, object, this.#options);
  }

  async #range(
    key: ObjectKey,
    { start, end, into }: OctetRange,
    layout: Layout | null,
  ): Promise<Uint8Array | null> {
    if (!layout) return null;
    if (layout.kind === "whole") return await this.#rangeOfWhole(key, { start, end });
    if (end > layout.sizeBytes) throw tooShort(end);
    if (start === end) return await this.#inner.exists(key) ? new Uint8Array(0) : null;
    const first = Math.floor(start / CHUNK_BYTES);
    const last = Math.floor((end - 1) / CHUNK_BYTES);
    const from = sealedPlace(first).start;
    const to = Math.min(sealedPlace(last).end, layout.storedBytes);
    const buffer = this.#buffer(to - from);
    const sealed = await this.#inner.range(key, from, to, buffer);
    if (!sealed) return null;
    const plain = await openChunks(layout.cipher, sealed, { first, chunks: layout.chunks, into });
    this.#spare = buffer;
    return plain.subarray(start - first * CHUNK_BYTES, end - first * CHUNK_BYTES);
  }

  /** WHY: a large body is read in many pieces, each of which would leave its encrypted octets as garbage. */
  #buffer(length: number): Uint8Array {
    const spare = this.#spare;
    this.#spare = null;
    return spare && spare.length >= length ? spare : new Uint8Array(length);
  }

  async #rangeOfWhole(
    key: ObjectKey,
    { start, end }: OctetRange,
  ): Promise<Uint8Array | null> {
    const last = this.#lastWhole;
    const body = last?.key === key ? last.body : await this.whole(key);
    if (!body) return null;
    if (end > body.length) throw tooShort(end);
    // WHY: memory is held only while somebody reads on.
    this.#lastWhole = end < body.length ? { key, body } : null;
    return body.slice(start, end);
  }

  async sizeOf(key: ObjectKey, layout: Layout): Promise<number | null> {
    if (layout.kind === "sealed") return layout.sizeBytes;
    return (await this.whole(key))?.length ?? null;
  }
}

function tooShort(end: number): Refused {
  return unavailable("bodies", new Error(`Cannot read octet ${end} of a shorter body`));
}

async function* once(body: Uint8Array): AsyncIterable<Uint8Array> {
  yield body;
}
