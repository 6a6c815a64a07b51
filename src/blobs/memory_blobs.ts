import { concat } from "../lib/bytes.ts";
import { unavailable } from "../lib/refused.ts";
import type { Blobs, ObjectKey } from "./blobs.ts";
import type { Spooled } from "./spool.ts";

/** Bodies in memory, for tests. */
export class MemoryBlobs implements Blobs {
  readonly #bodies = new Map<ObjectKey, Uint8Array>();

  async put(key: ObjectKey, body: Spooled): Promise<void> {
    if (this.#bodies.has(key)) return;
    const chunks: Uint8Array[] = [];
    for await (const chunk of body.chunks()) chunks.push(chunk.slice());
    this.#bodies.set(key, concat(chunks));
  }

  async copy(from: ObjectKey, to: ObjectKey): Promise<void> {
    const body = this.#bodies.get(from);
    if (!body) throw unavailable("bodies", new Error("Cannot copy a missing body"));
    this.#bodies.set(to, body);
  }

  async get(key: ObjectKey): Promise<Uint8Array | null> {
    return this.#bodies.get(key)?.slice() ?? null;
  }

  async range(key: ObjectKey, start: number, end: number): Promise<Uint8Array | null> {
    const body = this.#bodies.get(key);
    if (!body) return null;
    if (end > body.length) throw unavailable("bodies", new Error("Cannot read past the end"));
    return body.slice(start, end);
  }

  async size(key: ObjectKey): Promise<number | null> {
    return this.#bodies.get(key)?.length ?? null;
  }

  async delete(key: ObjectKey): Promise<void> {
    this.#bodies.delete(key);
  }

  async exists(key: ObjectKey): Promise<boolean> {
    return this.#bodies.has(key);
  }
}
