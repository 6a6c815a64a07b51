import { concat } from "../lib/bytes.ts";
import { unavailable } from "../lib/refused.ts";
import type { Blobs, DeleteOptions, Listed, ObjectInfo, ObjectKey, PutOptions } from "./blobs.ts";
import type { Spooled } from "./spool.ts";

const PAGE_OBJECTS = 100;

interface Stored {
  readonly body: Uint8Array;
  readonly modifiedAt: Date;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bodies in memory, for tests. */
export class MemoryBlobs implements Blobs {
  readonly #bodies = new Map<ObjectKey, Stored>();
  readonly #now: () => Date;

  /** By this clock. */
  constructor(now: () => Date = () => new Date()) {
    this.#now = now;
  }

  async put(key: ObjectKey, body: Spooled, options: PutOptions = {}): Promise<null> {
    const { metadata = {}, overwrite = false } = options;
    const known = this.#bodies.get(key);
    if (known && !overwrite) {
      this.#bodies.set(key, { ...known, modifiedAt: this.#now() });
      return null;
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of body.chunks()) chunks.push(chunk.slice());
    this.#bodies.set(key, { body: concat(chunks), modifiedAt: this.#now(), metadata });
    return null;
  }

  async copy(from: ObjectKey, to: ObjectKey): Promise<null> {
    const stored = this.#bodies.get(from);
    if (!stored) throw unavailable("bodies", new Error("Cannot copy a missing body"));
    this.#bodies.set(to, { ...stored, modifiedAt: this.#now() });
    return null;
  }

  async get(key: ObjectKey): Promise<Uint8Array | null> {
    return this.#bodies.get(key)?.body.slice() ?? null;
  }

  async range(key: ObjectKey, start: number, end: number): Promise<Uint8Array | null> {
    const body = this.#bodies.get(key)?.body;
    if (!body) return null;
    if (end > body.length) throw unavailable("bodies", new Error("Cannot read past the end"));
    return body.slice(start, end);
  }

  async size(key: ObjectKey): Promise<number | null> {
    return this.#bodies.get(key)?.body.length ?? null;
  }

  async info(key: ObjectKey): Promise<ObjectInfo | null> {
    const stored = this.#bodies.get(key);
    if (!stored) return null;
    const { body, modifiedAt, metadata } = stored;
    return { sizeBytes: body.length, modifiedAt, metadata };
  }

  async delete(key: ObjectKey): Promise<void> {
    this.#bodies.delete(key);
  }

  async deleteMany(
    keys: readonly ObjectKey[],
    { putBefore }: DeleteOptions = {},
  ): Promise<void> {
    for (const key of keys) {
      const stored = this.#bodies.get(key);
      if (stored && !(putBefore && stored.modifiedAt >= putBefore)) this.#bodies.delete(key);
    }
  }

  async exists(key: ObjectKey): Promise<boolean> {
    return this.#bodies.has(key);
  }

  async *list(prefix: string, after = ""): AsyncGenerator<readonly Listed[]> {
    const all = [...this.#bodies].flatMap(([key, { body, modifiedAt }]) =>
      key.startsWith(prefix) && key > after ? [{ key, sizeBytes: body.length, modifiedAt }] : []
    ).sort((a, b) => a.key < b.key ? -1 : 1);
    for (let at = 0; at < all.length; at += PAGE_OBJECTS) yield all.slice(at, at + PAGE_OBJECTS);
  }
}
