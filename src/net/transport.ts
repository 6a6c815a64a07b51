/**
 * A byte stream below a connection: an accepted `Deno.TcpConn`, the TLS engine over one, or one end
 * of a `memoryPair()`. The methods mean what they mean on `Deno.Conn`: `read` gives null at EOF,
 * `write` may be short, both reject once the stream is closed, and a second `close` may throw.
 */
export interface Transport {
  read(p: Uint8Array): Promise<number | null>;
  write(p: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
}

/** WHY: about what a kernel socket buffer holds, so that a test meets real back-pressure. */
const MEMORY_BUFFER_BYTES = 64 * 1024;

/**
 * Two transports joined in memory, for tests: what one end writes the other reads. A write waits
 * while the reader has not taken `bufferBytes`, is short when only part of it fits, and half-close
 * works as on TCP.
 */
export function memoryPair(bufferBytes: number = MEMORY_BUFFER_BYTES): [Transport, Transport] {
  const there = new Pipe(bufferBytes);
  const back = new Pipe(bufferBytes);
  return [new MemoryTransport(back, there), new MemoryTransport(there, back)];
}

class MemoryTransport implements Transport {
  readonly #incoming: Pipe;
  readonly #outgoing: Pipe;

  constructor(incoming: Pipe, outgoing: Pipe) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
  }

  read(p: Uint8Array): Promise<number | null> {
    return this.#incoming.read(p);
  }

  write(p: Uint8Array): Promise<number> {
    return this.#outgoing.write(p);
  }

  async closeWrite(): Promise<void> {
    this.#outgoing.endOfStream();
  }

  close(): void {
    this.#incoming.abandon();
    this.#outgoing.endOfStream();
  }
}

/** One direction of a memory pair: a ring of at most `limitBytes`. */
class Pipe {
  readonly #bytes: Uint8Array;
  #start = 0;
  #length = 0;
  #ended = false;
  #abandoned = false;
  #changed = Promise.withResolvers<void>();

  constructor(limitBytes: number) {
    this.#bytes = new Uint8Array(limitBytes);
  }

  async read(p: Uint8Array): Promise<number | null> {
    while (this.#length === 0) {
      if (this.#abandoned) throw new Deno.errors.Interrupted("operation canceled");
      if (this.#ended) return null;
      await this.#changed.promise;
    }
    const n = Math.min(p.length, this.#length, this.#bytes.length - this.#start);
    p.set(this.#bytes.subarray(this.#start, this.#start + n));
    this.#start = (this.#start + n) % this.#bytes.length;
    this.#length -= n;
    this.#signal();
    return n;
  }

  async write(p: Uint8Array): Promise<number> {
    while (this.#length === this.#bytes.length && !this.#ended && !this.#abandoned) {
      await this.#changed.promise;
    }
    if (this.#ended || this.#abandoned) throw new Deno.errors.BrokenPipe("Broken pipe");
    const at = (this.#start + this.#length) % this.#bytes.length;
    const room = Math.min(this.#bytes.length - this.#length, this.#bytes.length - at);
    const n = Math.min(p.length, room);
    this.#bytes.set(p.subarray(0, n), at);
    this.#length += n;
    this.#signal();
    return n;
  }

  endOfStream(): void {
    this.#ended = true;
    this.#signal();
  }

  abandon(): void {
    this.#abandoned = true;
    this.#length = 0;
    this.#signal();
  }

  #signal(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
