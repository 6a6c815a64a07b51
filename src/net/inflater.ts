import { createInflateRaw, type InflateRaw } from "node:zlib";

/** Octets of output that are made at once, and kept for a session that idles. */
const OUTPUT_BYTES = 4 * 1024;
/** Octets out that need no octets in: mail of the largest usual size may be anything, zeros too. */
const FREE_BYTES = 32 * 1024 * 1024;
/** Octets out per octet in beyond that. WHY: text shrinks to a tenth, a bomb to a thousandth. */
const RATIO_MAX = 100;

/**
 * A raw deflate stream (RFC 1951) read piece by piece: nothing is inflated before it is asked for, so
 * no more than OUTPUT_BYTES ever wait, whatever they came from.
 */
export class Inflater {
  readonly #stream: InflateRaw = createInflateRaw(STREAM_OPTIONS);
  #isFeeding = false;
  #fedBytes = 0;
  #outBytes = 0;
  #error: unknown;
  #changed = Promise.withResolvers<void>();

  constructor() {
    this.#stream.on("readable", () => this.#signal());
    this.#stream.on("error", (error) => this.#fail(error));
  }

  /** Octets that came behind the end of the stream: they belong to nobody yet. */
  get beyondEndBytes(): number {
    return this.#isFeeding ? 0 : this.#fedBytes - this.#stream.bytesWritten;
  }

  /** More input; only after `next` has said that it is hungry. The chunk must not change. */
  feed(chunk: Uint8Array): void {
    this.#isFeeding = true;
    this.#fedBytes += chunk.length;
    this.#stream.write(chunk, () => {
      this.#isFeeding = false;
      this.#signal();
    });
  }

  /**
   * The next output; "hungry" when that takes more input, "ended" when the stream has ended. Rejects
   * for what is no deflate stream, for a bomb, and once it is closed.
   */
  async next(): Promise<Uint8Array | "hungry" | "ended"> {
    for (;;) {
      if (this.#error !== undefined) throw this.#error;
      const output: Uint8Array | null = this.#stream.read();
      if (output) return this.#counted(output);
      if (!this.#isFeeding) return this.beyondEndBytes > 0 ? "ended" : "hungry";
      await this.#changed.promise;
    }
  }

  close(): void {
    this.#fail(new Deno.errors.Interrupted("operation canceled"));
    this.#stream.destroy();
  }

  #counted(output: Uint8Array): Uint8Array {
    this.#outBytes += output.length;
    if (this.#outBytes > FREE_BYTES + RATIO_MAX * this.#fedBytes) {
      throw new Deno.errors.InvalidData("Cannot inflate a bomb");
    }
    return output;
  }

  #fail(error: unknown): void {
    this.#error ??= error;
    this.#signal();
  }

  #signal(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

// WHY: a constant of its own, as the types of node:zlib leave out what it hands on to the stream.
const STREAM_OPTIONS = { chunkSize: OUTPUT_BYTES, readableHighWaterMark: OUTPUT_BYTES };
