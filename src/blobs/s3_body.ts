import { createHash } from "node:crypto";
import { concat } from "../lib/bytes.ts";
import type { Hash } from "../lib/ids.ts";
import type { S3Attempt } from "./s3_watch.ts";
import { WrongContent } from "./s3_trouble.ts";

/** WHY: what a socket gives at once; the memory is used again and again. */
const CHUNK_BYTES = 64 * 1024;

/** What a read wants of the body of an answer. */
export interface Wanted {
  /** What the answer says its body has, when it says so. */
  readonly sizeBytes: number | undefined;
  /** SHA-256 of the body, where it is known. */
  readonly hash?: Hash;
  /** Memory that may be used for it, large enough. */
  readonly into?: Uint8Array;
}

/**
 * The whole body of an answer, hashed as it comes so that the event loop is never held for long.
 * Throws WrongContent when it is shorter or longer than said, or has another hash.
 */
export async function readS3Body(
  body: unknown,
  { sizeBytes, hash, into }: Wanted,
  { signal, progress }: S3Attempt,
): Promise<Uint8Array> {
  // WHY: an answer of no octets comes as a Blob.
  const stream = body instanceof Blob ? body.stream() : body;
  if (!(stream instanceof ReadableStream)) throw new Error("Cannot read an object: no body came");
  const reader = stream.getReader({ mode: "byob" });
  const stop = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", stop, { once: true });
  const digest = hash === undefined ? null : createHash("sha256");
  try {
    const sink = new Sink(sizeBytes, into);
    for await (const chunk of chunksOf(reader)) {
      signal.throwIfAborted(); // WHY: `into` may be somebody else's by now.
      progress();
      digest?.update(chunk);
      sink.add(chunk);
    }
    signal.throwIfAborted();
    const bytes = sink.finish();
    if (digest && digest.digest("hex") !== hash) {
      throw new WrongContent(`Cannot use an object of ${bytes.length} octets with another hash`);
    }
    return bytes;
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}

/** Closes the connection of an answer that nobody wants. */
export function discardS3Body(body: unknown): void {
  if (body instanceof ReadableStream) body.cancel().catch(() => {});
}

/** Each valid until the next is asked for. */
async function* chunksOf(reader: ReadableStreamBYOBReader): AsyncGenerator<Uint8Array> {
  let buffer = new ArrayBuffer(CHUNK_BYTES);
  for (;;) {
    const { done, value } = await reader.read(new Uint8Array(buffer));
    if (done) return;
    yield value;
    buffer = value.buffer;
  }
}

/** Pieces put where they belong; the memory is taken once where the size is known. */
class Sink {
  readonly #whole: Uint8Array | null;
  readonly #pieces: Uint8Array[] = [];
  #length = 0;

  constructor(sizeBytes: number | undefined, into: Uint8Array | undefined) {
    if (sizeBytes === undefined) this.#whole = null;
    else this.#whole = into?.subarray(0, sizeBytes) ?? new Uint8Array(sizeBytes);
  }

  add(chunk: Uint8Array): void {
    const end = this.#length + chunk.length;
    if (this.#whole === null) this.#pieces.push(chunk.slice());
    else if (end > this.#whole.length) throw new WrongContent(`Cannot use ${end} octets: too many`);
    else this.#whole.set(chunk, this.#length);
    this.#length = end;
  }

  finish(): Uint8Array {
    const whole = this.#whole ?? concat(this.#pieces);
    if (whole.length === this.#length) return whole;
    throw new WrongContent(`Cannot use ${this.#length} octets of ${whole.length}`);
  }
}
