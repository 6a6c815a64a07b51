import { type Log, logger } from "../observe/log.ts";
import { CACHE_TEMPORARY, type CacheCounts } from "./body_cache.ts";
import { writeCacheReport } from "./cache_report.ts";
import { sweepLeftovers } from "./sweep.ts";

/** WHY: hysteresis: each round looks at everything, so it makes room for a while. */
const FILLED_TO = 0.9;
/** WHY: the times of all files are not kept one by one; they go in the order of such spans. */
const SPAN_MS = 60_000;
/** Between two looks at the count of octets. */
const TICK_MS = 1_000;
/** Between two notes of the numbers, for `sora-admin`. */
const REPORT_MS = 60_000;

export interface CachePurgerOptions {
  readonly directory: string;
  readonly capacityBytes: number;
  /** Files that were not read for so long go in any case. */
  readonly maxAgeMs: number;
  /** Between two rounds when nothing asks for one. */
  readonly intervalMs: number;
  readonly counts: CacheCounts;
  readonly log?: Log;
}

/** What a cache holds. */
export interface CacheContent {
  readonly files: number;
  readonly bytes: number;
  /** When the file that was not read for the longest time was read. */
  readonly oldest: Date | null;
}

/** Keeps a cache within its limits; one per process. */
export class CachePurger implements AsyncDisposable {
  readonly #options: CachePurgerOptions;
  readonly #log: Log;
  readonly #timer: ReturnType<typeof setInterval>;
  #running: Promise<void> | undefined;
  #roundAt = -Infinity;
  #reportedAt = -Infinity;
  #isStopped = false;

  constructor(options: CachePurgerOptions) {
    this.#options = options;
    this.#log = options.log ?? logger("cache");
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Removes what is too old, and the least recently read where there is too much. */
  async round(now: number = Date.now()): Promise<void> {
    const { directory, capacityBytes, maxAgeMs, counts } = this.#options;
    await sweepLeftovers(`${directory}/${CACHE_TEMPORARY}`, now);
    const spans = new Map<number, number>();
    let bytes = 0;
    for await (const file of files(directory)) {
      if (this.#isStopped) return;
      const span = Math.floor(file.readAt / SPAN_MS);
      spans.set(span, (spans.get(span) ?? 0) + file.sizeBytes);
      bytes += file.sizeBytes;
    }
    let tooMuch = bytes > capacityBytes ? bytes - capacityBytes * FILLED_TO : 0;
    let limit = Math.floor((now - maxAgeMs) / SPAN_MS);
    for (const [span, octets] of [...spans].sort(([a], [b]) => a - b)) {
      if (tooMuch <= 0) break;
      limit = Math.max(limit, span + 1);
      tooMuch -= octets;
    }
    const removed = await this.#removeBefore(limit * SPAN_MS);
    counts.set("bytes", bytes - removed.bytes);
    counts.add("evicted", removed.files);
    if (removed.files > 0) this.#log.info("cache-purged", { ...removed });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  #tick(): void {
    const { capacityBytes, intervalMs, counts } = this.#options;
    const isToReport = performance.now() - this.#reportedAt >= REPORT_MS;
    const isDue = performance.now() - this.#roundAt >= intervalMs;
    if (isToReport && !this.#running) return void (this.#running = this.#report());
    if (!isDue && counts.get("bytes") <= capacityBytes) return;
    this.#running ??= this.#run().finally(() => this.#running = undefined);
  }

  /** Never rejects. */
  async #report(): Promise<void> {
    const { directory, counts } = this.#options;
    try {
      await writeCacheReport(directory, counts);
    } catch (error) {
      this.#log.debug("cache-not-reported", { error });
    }
    this.#reportedAt = performance.now();
    this.#running = undefined;
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    try {
      await this.round();
    } catch (error) {
      this.#log.warning("cache-not-purged", { error });
    }
    this.#roundAt = performance.now();
  }

  async #removeBefore(limit: number): Promise<{ files: number; bytes: number }> {
    const removed = { files: 0, bytes: 0 };
    for await (const { path, sizeBytes, readAt } of files(this.#options.directory)) {
      if (this.#isStopped) break;
      if (readAt >= limit) continue;
      await Deno.remove(path).catch(ignoreMissing);
      removed.files++;
      removed.bytes += sizeBytes;
    }
    return removed;
  }
}

/** What the folder of a cache holds now. */
export async function cacheContent(directory: string): Promise<CacheContent> {
  const content = { files: 0, bytes: 0, oldest: Infinity };
  for await (const { sizeBytes, readAt } of files(directory)) {
    content.files++;
    content.bytes += sizeBytes;
    content.oldest = Math.min(content.oldest, readAt);
  }
  return { ...content, oldest: content.files > 0 ? new Date(content.oldest) : null };
}

/** Removes every body from a cache, whoever uses it now; answers what there was. */
export async function emptyCache(directory: string): Promise<CacheContent> {
  const content = await cacheContent(directory);
  for await (const { path } of files(directory)) await Deno.remove(path).catch(ignoreMissing);
  return content;
}

interface CacheFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly readAt: number;
}

async function* files(directory: string): AsyncGenerator<CacheFile> {
  for await (const folder of entries(directory)) {
    if (!/^[0-9a-f]{2}$/.test(folder)) continue;
    for await (const name of entries(`${directory}/${folder}`)) {
      const path = `${directory}/${folder}/${name}`;
      const info = await Deno.stat(path).catch(ignoreMissing);
      if (info?.isFile) yield { path, sizeBytes: info.size, readAt: info.mtime?.getTime() ?? 0 };
    }
  }
}

async function* entries(folder: string): AsyncGenerator<string> {
  try {
    for await (const { name } of Deno.readDir(folder)) yield name;
  } catch (error) {
    ignoreMissing(error);
  }
}

function ignoreMissing(error: unknown): null {
  if (error instanceof Deno.errors.NotFound) return null;
  throw error;
}
