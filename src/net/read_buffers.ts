/** What an idle connection holds: nearly every command fits. */
const SMALL_BYTES = 1024;
/** What a connection under load reads into. */
const BIG_BYTES = 64 * 1024;
/** WHY: below this a read was no stream but the end of one, and the connection may turn idle. */
const STAY_BIG_BYTES = 32 * 1024;
/** Big buffers kept for the next connection under load: 4 MiB. */
const POOLED_MAX = 64;

const pool: Uint8Array[] = [];

/**
 * The read buffer of one connection: small while little comes, a big one from a pool of the
 * isolate while reads fill it. The view of one read is valid until `next()` is called again.
 */
export class ReadBuffers {
  #small: Uint8Array | undefined;
  #big: Uint8Array | undefined;
  #lastRead = 0;

  /** The buffer for the next read, chosen by how full the last one was. */
  next(): Uint8Array {
    if (this.#big) {
      if (this.#lastRead >= STAY_BIG_BYTES) return this.#big;
      if (pool.length < POOLED_MAX) pool.push(this.#big);
      this.#big = undefined;
    } else if (this.#lastRead === SMALL_BYTES) {
      this.#big = pool.pop() ?? new Uint8Array(BIG_BYTES);
      return this.#big;
    }
    this.#small ??= new Uint8Array(SMALL_BYTES);
    return this.#small;
  }

  /** Notes that a read put `n` octets into the buffer of the last `next()`. */
  filled(n: number): Uint8Array {
    this.#lastRead = n;
    return (this.#big ?? this.#small ?? new Uint8Array(0)).subarray(0, n);
  }
}
