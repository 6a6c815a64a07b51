import { createHash, type Hash as Digest } from "node:crypto";
import { unavailable } from "../lib/refused.ts";
import type { Hash } from "../lib/ids.ts";
import { FileSpooled, MemorySpooled } from "./spooled.ts";

/**
 * A message on its way in, complete: its octets are in memory or in a spool file until `discard()`.
 * With `sizeBytes`, `hash` and what is read, the prefix (trace header) counts.
 */
export interface Spooled {
  /** SHA-256 of prefix and body: the hash under which it is stored. */
  readonly hash: Hash;
  /** SHA-256 of the body alone, as the client sent it. */
  readonly receivedHash: Hash;
  /** Octets of prefix and body. */
  readonly sizeBytes: number;
  /** Everything, when it is in memory. */
  readonly bytes: Uint8Array | null;
  /** A file that holds exactly these octets, when there is one; it may be linked, not changed. */
  readonly path: string | null;
  /** The pieces of `chunks` stay valid for as long as somebody has them. */
  readonly keepsChunks?: boolean;
  /** Everything, in order, in pieces that are valid until the next is asked for. */
  chunks(): AsyncIterable<Uint8Array>;
  /** The same body with another prefix in front; discarding that one leaves this one alone. */
  withPrefix(prefix: Uint8Array): Promise<Spooled>;
  /** Removes the spool file, if there is one. Never throws. */
  discard(): Promise<void>;
}

export interface SpoolOptions {
  /** Trace header to go in front; may be empty. */
  readonly prefix?: Uint8Array;
  /** Bodies up to this size stay in memory; default MEMORY_MAX_BYTES. */
  readonly memoryMax?: number;
  /** What the client announced, so that memory is taken once. */
  readonly expectedBytes?: number;
}

/** WHY: nearly all mail is smaller; 16 deliveries at once then hold 16 MiB at most. */
const MEMORY_MAX_BYTES = 1024 * 1024;
const FIRST_BUFFER_BYTES = 16 * 1024;

/**
 * Takes a message while it streams in and hashes it on the way: in memory while it is small, in a
 * file of `directory` once it is not.
 */
export class Spool {
  readonly #directory: string;
  readonly #prefix: Uint8Array;
  readonly #memoryMax: number;
  readonly #whole: Digest = createHash("sha256");
  readonly #body: Digest = createHash("sha256");
  #buffer: Uint8Array;
  #length: number;
  #file: Deno.FsFile | undefined;
  #path: string | undefined;
  #done = false;

  constructor(directory: string, options: SpoolOptions = {}) {
    this.#directory = directory;
    this.#prefix = options.prefix ?? new Uint8Array(0);
    this.#memoryMax = options.memoryMax ?? MEMORY_MAX_BYTES;
    const expected = Math.min(options.expectedBytes ?? 0, this.#memoryMax);
    const room = Math.max(expected, Math.min(FIRST_BUFFER_BYTES, this.#memoryMax));
    this.#buffer = new Uint8Array(this.#prefix.length + room);
    this.#buffer.set(this.#prefix);
    this.#length = this.#prefix.length;
    this.#whole.update(this.#prefix);
  }

  /** Octets of the body so far. */
  get receivedBytes(): number {
    return this.#length - this.#prefix.length;
  }

  /** Adds a chunk; it is copied or written before the promise resolves. One call at a time. */
  async write(chunk: Uint8Array): Promise<void> {
    if (this.#done) throw new Error("Cannot write to a spool that is finished");
    this.#whole.update(chunk);
    this.#body.update(chunk);
    const at = this.#length;
    this.#length += chunk.length;
    try {
      if (!this.#file && this.receivedBytes <= this.#memoryMax) this.#remember(chunk, at);
      else await writeAll(this.#file ?? await this.#open(at), chunk);
    } catch (error) {
      throw unavailable("bodies", error);
    }
  }

  /** The complete message. The spool can only be discarded, through the result, afterwards. */
  async finish(): Promise<Spooled> {
    if (this.#done) throw new Error("Cannot finish a spool twice");
    this.#done = true;
    const hash = this.#whole.digest("hex") as Hash;
    const receivedHash = this.#body.digest("hex") as Hash;
    const prefixBytes = this.#prefix.length;
    if (this.#path === undefined) {
      const bytes = this.#buffer.subarray(0, this.#length);
      return new MemorySpooled({ hash, receivedHash, bytes, prefixBytes });
    }
    this.#closeFile();
    const sizeBytes = this.#length;
    return new FileSpooled({ hash, receivedHash, path: this.#path, sizeBytes, prefixBytes });
  }

  /** Forgets what was written. Never throws; nothing happens after `finish()`. */
  async discard(): Promise<void> {
    if (this.#done) return;
    this.#done = true;
    this.#closeFile();
    if (this.#path !== undefined) await Deno.remove(this.#path).catch(() => {});
  }

  #remember(chunk: Uint8Array, at: number): void {
    if (this.#length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#buffer.length * 2));
      grown.set(this.#buffer.subarray(0, at));
      this.#buffer = grown;
    }
    this.#buffer.set(chunk, at);
  }

  async #open(bufferedBytes: number): Promise<Deno.FsFile> {
    const path = `${this.#directory}/${SPOOL_PREFIX}${crypto.randomUUID()}`;
    const file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
    this.#path = path;
    this.#file = file;
    await writeAll(file, this.#buffer.subarray(0, bufferedBytes));
    this.#buffer = new Uint8Array(0);
    return file;
  }

  #closeFile(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}

/** What the name of a spool file starts with. */
export const SPOOL_PREFIX = "incoming-";

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}
