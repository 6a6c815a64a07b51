import { createHash } from "node:crypto";
import { concat } from "../lib/bytes.ts";
import type { Hash } from "../lib/ids.ts";
import type { S3Attempt } from "./s3_watch.ts";
import { WrongContent } from "./s3_trouble.ts";

/** The body of an answer, as the SDK gives it where there are node's streams. */
interface BodyStream extends AsyncIterable<Uint8Array> {
  destroy(): void;
}

/** What a read wants of the body of an answer. */
export interface Wanted {
  /** What the answer says its body has, when it says so. */
  readonly sizeBytes: number | undefined;
  /** SHA-256 of the body, where it is known. */
  readonly hash?: Hash;
}

/**
 * The whole body of an answer, hashed as it comes so that the event loop is never held for long.
 * Throws WrongContent when it is shorter or longer than said, or has another hash.
 */
export async function readS3Body(
  body: unknown,
  { sizeBytes, hash }: Wanted,
  { signal, progress }: S3Attempt,
): Promise<Uint8Array> {
  if (!isStream(body)) throw new Error("Cannot read an object: the answer has no body");
  const stop = () => body.destroy();
  signal.addEventListener("abort", stop, { once: true });
  const digest = hash === undefined ? null : createHash("sha256");
  try {
    const sink = new Sink(sizeBytes);
    for await (const chunk of body) {
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
  if (isStream(body)) body.destroy();
}

/** Pieces put where they belong; the memory is taken once where the size is known. */
class Sink {
  readonly #whole: Uint8Array | null;
  readonly #pieces: Uint8Array[] = [];
  #length = 0;

  constructor(sizeBytes: number | undefined) {
    this.#whole = sizeBytes === undefined ? null : new Uint8Array(sizeBytes);
  }

  add(chunk: Uint8Array): void {
    const end = this.#length + chunk.length;
    if (this.#whole === null) this.#pieces.push(chunk);
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

function isStream(body: unknown): body is BodyStream {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body &&
    "destroy" in body && typeof body.destroy === "function";
}
