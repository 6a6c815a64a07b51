import { SharedCounts } from "../lib/shared_counts.ts";
import { type Log, logger } from "../observe/log.ts";
import { hashOf, type ObjectKey } from "./blobs.ts";
import { DiskNames } from "./disk_names.ts";
import { hasContentOf } from "./has_content_of.ts";
import { hashOfFile } from "./hash_of_file.ts";
import { readRange } from "./read_range.ts";

/** What all isolates count together of a cache. */
export const CACHE_COUNTS = ["bytes", "hits", "misses", "stored", "evicted", "damaged"] as const;
export type CacheCounts = SharedCounts<typeof CACHE_COUNTS[number]>;

/** Where bodies are written before they get their name; below the folder of the cache. */
export const CACHE_TEMPORARY = "tmp";
/** WHY: to note each reading of a body that is read all the time would be a write for every read. */
const TOUCH_MS = 60_000;
/** WHY: what is above the capacity is removed a second later; a burst must not fill the disk before. */
const OVERFLOW = 1.1;
/** Bodies that are known to be whole: their pieces are read without reading all of them again. */
const KNOWN_MAX = 10_000;

export interface BodyCacheOptions {
  readonly directory: string;
  readonly capacityBytes: number;
  /** Larger bodies are not kept. */
  readonly maxObjectBytes: number;
  readonly counts?: CacheCounts;
  readonly log?: Log;
}

/**
 * Bodies of an object store, kept as files by hash and account, which all isolates share and which
 * outlive the process. When a file was read for the last time is its time of modification; `CachePurger`
 * removes the oldest. What is read is checked against its hash. A cache in trouble is an empty cache.
 */
export class BodyCache {
  readonly maxObjectBytes: number;
  readonly counts: CacheCounts;
  readonly #directory: string;
  readonly #capacityBytes: number;
  readonly #log: Log;
  readonly #names: DiskNames;
  readonly #whole = new Map<string, Whole>();

  constructor({ directory, capacityBytes, maxObjectBytes, counts, log }: BodyCacheOptions) {
    this.#directory = directory;
    this.#capacityBytes = capacityBytes;
    this.maxObjectBytes = maxObjectBytes;
    this.counts = counts ?? new SharedCounts(CACHE_COUNTS);
    this.#log = log ?? logger("cache");
    this.#names = new DiskNames(directory);
  }

  /** The whole body, checked; null when it is not here, or is damaged (and then removed). */
  get(key: ObjectKey): Promise<Uint8Array | null> {
    return this.#read(key, (path) => this.#checked(key, path));
  }

  /** Octets [start, end) of a body that was checked as a whole before; null when it is not here. */
  range(
    key: ObjectKey,
    start: number,
    end: number,
    into?: Uint8Array,
  ): Promise<Uint8Array | null> {
    return this.#read(key, async (path) => {
      const size = await this.#wholeSize(key, path);
      if (size === null || end > size) return null;
      using file = await Deno.open(path);
      return await readRange(file, { start, end, into });
    });
  }

  /** Size in octets of a body that was checked; null when it is not here. */
  size(key: ObjectKey): Promise<number | null> {
    return this.#read(key, (path) => this.#wholeSize(key, path));
  }

  /** It is here, whole or not. */
  async has(key: ObjectKey): Promise<boolean> {
    return await Deno.stat(this.#names.path(key)).then(() => true, () => false);
  }

  /** Keeps a body that was checked; does nothing where it is too large, or in trouble. Never throws. */
  async put(key: ObjectKey, body: Uint8Array): Promise<void> {
    if (!this.#hasRoom(body.length)) return;
    const temporary = `${this.#directory}/${CACHE_TEMPORARY}/${crypto.randomUUID()}`;
    try {
      await Deno.mkdir(`${this.#directory}/${CACHE_TEMPORARY}`, { recursive: true, mode: 0o700 });
      await Deno.writeFile(temporary, body, { createNew: true, mode: 0o600 });
      await this.#name(key, temporary, body.length);
    } catch (error) {
      await Deno.remove(temporary).catch(() => {});
      this.#log.warning("cache-not-written", { error });
    }
  }

  /** Takes over the file of a body that may be removed; false when it does not. Never throws. */
  async adopt(key: ObjectKey, path: string): Promise<boolean> {
    try {
      const { size } = await Deno.stat(path);
      if (!this.#hasRoom(size)) return false;
      await this.#name(key, path, size);
      return true;
    } catch (error) {
      this.#log.debug("cache-not-adopted", { error });
      return false;
    }
  }

  /** Forgets a body. Never throws. */
  async delete(key: ObjectKey): Promise<void> {
    const path = this.#names.path(key);
    this.#whole.delete(path);
    try {
      const { size } = await Deno.stat(path);
      await Deno.remove(path);
      this.counts.add("bytes", -size);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) this.#log.warning("cache-trouble", { error });
    }
  }

  /** A body that was looked for here is fetched from the object store. */
  countMiss(): void {
    this.counts.add("misses", 1);
  }

  #hasRoom(bytes: number): boolean {
    return bytes <= this.maxObjectBytes &&
      this.counts.get("bytes") + bytes <= this.#capacityBytes * OVERFLOW;
  }

  async #name(key: ObjectKey, temporary: string, bytes: number): Promise<void> {
    const path = this.#names.path(key);
    await this.#names.remember(key);
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true, mode: 0o700 });
    const known = await Deno.stat(path).then(({ size }) => size, () => 0);
    await Deno.rename(temporary, path);
    this.#whole.delete(path);
    this.counts.add("bytes", bytes - known);
    this.counts.add("stored", 1);
  }

  async #read<T>(key: ObjectKey, read: (path: string) => Promise<T | null>): Promise<T | null> {
    try {
      const found = await read(this.#names.path(key));
      if (found !== null) this.counts.add("hits", 1);
      return found;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) this.#log.warning("cache-trouble", { error });
      return null;
    }
  }

  async #checked(key: ObjectKey, path: string): Promise<Uint8Array | null> {
    const bytes = await Deno.readFile(path);
    if (!await hasContentOf(bytes, key)) {
      this.counts.add("damaged", 1);
      this.#log.warning("cache-damaged", { octets: bytes.length });
      await this.delete(key);
      return null;
    }
    await this.#noteReading(path, bytes.length);
    return bytes;
  }

  /** Octets of a file whose hash has been right once; null when it is not, and then it is removed. */
  async #wholeSize(key: ObjectKey, path: string): Promise<number | null> {
    const { size } = await Deno.stat(path);
    if (this.#whole.get(path)?.sizeBytes !== size && await hashOfFile(path, size) !== hashOf(key)) {
      return (await this.#checked(key, path))?.length ?? null;
    }
    await this.#noteReading(path, size);
    return size;
  }

  async #noteReading(path: string, sizeBytes: number): Promise<void> {
    const now = performance.now();
    const known = this.#whole.get(path);
    if (known?.sizeBytes === sizeBytes && now - known.touchedMs < TOUCH_MS) return;
    if (this.#whole.size >= KNOWN_MAX) this.#whole.clear();
    this.#whole.set(path, { sizeBytes, touchedMs: now });
    await Deno.utime(path, new Date(), new Date());
  }
}

/** A body that was compared with its hash once. */
interface Whole {
  readonly sizeBytes: number;
  /** When its file was last noted to be read, by `performance.now()`. */
  readonly touchedMs: number;
}
