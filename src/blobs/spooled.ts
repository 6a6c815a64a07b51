import { createHash } from "node:crypto";
import { concat } from "../lib/bytes.ts";
import type { Hash } from "../lib/ids.ts";
import { unavailable } from "../lib/refused.ts";
import type { Spooled } from "./spool.ts";

/** How much of a spool file is read at once. */
const CHUNK_BYTES = 256 * 1024;

interface Hashes {
  readonly hash: Hash;
  readonly receivedHash: Hash;
}

/** A small message: prefix and body in one array. */
export class MemorySpooled implements Spooled {
  readonly hash: Hash;
  readonly receivedHash: Hash;
  readonly bytes: Uint8Array;
  readonly path = null;
  readonly #prefixBytes: number;

  constructor(parts: Hashes & { readonly bytes: Uint8Array; readonly prefixBytes: number }) {
    this.hash = parts.hash;
    this.receivedHash = parts.receivedHash;
    this.bytes = parts.bytes;
    this.#prefixBytes = parts.prefixBytes;
  }

  get sizeBytes(): number {
    return this.bytes.length;
  }

  async *chunks(): AsyncIterable<Uint8Array> {
    yield this.bytes;
  }

  async withPrefix(prefix: Uint8Array): Promise<Spooled> {
    const bytes = concat([prefix, this.bytes.subarray(this.#prefixBytes)]);
    const hash = createHash("sha256").update(bytes).digest("hex") as Hash;
    const { receivedHash } = this;
    return new MemorySpooled({ hash, receivedHash, bytes, prefixBytes: prefix.length });
  }

  async discard(): Promise<void> {}
}

/** A large message: prefix and body in a file of the spool. */
export class FileSpooled implements Spooled {
  readonly hash: Hash;
  readonly receivedHash: Hash;
  readonly sizeBytes: number;
  readonly bytes = null;
  readonly path: string;
  readonly #prefixBytes: number;

  constructor(
    parts: Hashes & {
      readonly path: string;
      readonly sizeBytes: number;
      readonly prefixBytes: number;
    },
  ) {
    this.hash = parts.hash;
    this.receivedHash = parts.receivedHash;
    this.path = parts.path;
    this.sizeBytes = parts.sizeBytes;
    this.#prefixBytes = parts.prefixBytes;
  }

  chunks(): AsyncIterable<Uint8Array> {
    return readFrom(this.path, 0, this.sizeBytes);
  }

  async withPrefix(prefix: Uint8Array): Promise<Spooled> {
    const body = () => readFrom(this.path, this.#prefixBytes, this.sizeBytes);
    const digest = createHash("sha256").update(prefix);
    for await (const chunk of body()) digest.update(chunk);
    return {
      hash: digest.digest("hex") as Hash,
      receivedHash: this.receivedHash,
      sizeBytes: this.sizeBytes - this.#prefixBytes + prefix.length,
      bytes: null,
      path: null,
      chunks: async function* () {
        yield prefix;
        yield* body();
      },
      withPrefix: (other) => this.withPrefix(other),
      discard: async () => {},
    };
  }

  async discard(): Promise<void> {
    await Deno.remove(this.path).catch(() => {});
  }
}

/** Octets [start, end) of a file, which must be there. */
export async function* readFrom(
  path: string,
  start: number,
  end: number,
): AsyncIterable<Uint8Array> {
  using file = await Deno.open(path).catch((error) => {
    throw unavailable("bodies", error);
  });
  if (start > 0) await file.seek(start, Deno.SeekMode.Start);
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (let at = start; at < end;) {
    const n = await file.read(buffer.subarray(0, Math.min(buffer.length, end - at)));
    if (n === null) throw unavailable("bodies", new Error("Cannot read all of a spool file"));
    at += n;
    yield buffer.subarray(0, n);
  }
}
