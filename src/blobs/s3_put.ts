import { Readable } from "node:stream";
import { Refused, unavailable } from "../lib/refused.ts";
import type { ObjectKey } from "./blobs.ts";
import type { S3Bucket } from "./s3_blobs.ts";
import { inCopies, inFewBuffers } from "./s3_pieces.ts";
import type { S3Attempt } from "./s3_watch.ts";
import type { Spooled } from "./spool.ts";

export interface WantedPut {
  readonly key: ObjectKey;
  readonly body: Spooled;
  /** As S3 keeps them. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The hash of the body is that of its octets: the store is told, and refuses any others. */
  readonly contentHashed: boolean;
}

/** Stores one object; what is in a file is read anew for every attempt, a piece at a time. */
export async function putS3Object(bucket: S3Bucket, wanted: WantedPut): Promise<void> {
  const { key } = wanted;
  const stored = await bucket.requests.ask({
    operation: "put",
    circuit: "put",
    key,
    send: (attempt) => putOnce(bucket, wanted, attempt),
  });
  if (stored === null) throw unavailable("bodies", new Error(`Cannot store ${key}: answer 404`));
}

async function putOnce(
  { sdk, client, name }: S3Bucket,
  { key, body, metadata, contentHashed }: WantedPut,
  { signal, progress }: S3Attempt,
): Promise<true> {
  const source = body.bytes === null ? new Source(body, { progress, contentHashed }) : null;
  const command = new sdk.PutObjectCommand({
    Bucket: name,
    Key: key,
    Body: source?.stream ?? body.bytes ?? new Uint8Array(0),
    ContentLength: body.sizeBytes,
    ContentType: "message/rfc822",
    Metadata: metadata,
  });
  if (contentHashed) {
    // WHY: the signature covers this header, and the store compares the body with it.
    command.middlewareStack.add((next) => (args) => {
      const { headers } = args.request as { readonly headers: Record<string, string> };
      headers["x-amz-content-sha256"] = body.hash;
      return next(args);
    }, { step: "build", name: "contentHash" });
  }
  try {
    // WHY: nobody else would tell the request that the rest of its body will never come.
    const abortSignal = source ? AbortSignal.any([signal, source.failed]) : signal;
    await client.send(command, { abortSignal });
    return true;
  } catch (error) {
    throw source?.error ?? error;
  } finally {
    source?.stream.destroy();
  }
}

interface Sending {
  readonly progress: () => void;
  readonly contentHashed: boolean;
}

/** The pieces of a body as a stream, which remembers when it was the body that failed. */
class Source {
  readonly stream: Readable;
  /** WHY a Refused: nothing is wrong with the store, and to ask again does not help. */
  error: Refused | null = null;
  readonly #failure = new AbortController();

  constructor(body: Spooled, how: Sending) {
    const pieces = this.#pieces(body, how);
    this.stream = Readable.from(pieces, { objectMode: false, highWaterMark: 1 });
    this.stream.on("error", () => this.#failure.abort());
  }

  get failed(): AbortSignal {
    return this.#failure.signal;
  }

  async *#pieces(
    body: Spooled,
    { progress, contentHashed }: Sending,
  ): AsyncGenerator<Uint8Array> {
    try {
      let sizeBytes = 0;
      for await (const piece of contentHashed ? inFewBuffers(body.chunks()) : kept(body)) {
        progress();
        sizeBytes += piece.length;
        yield piece;
      }
      // WHY: the store would wait for the rest.
      if (sizeBytes !== body.sizeBytes) throw new Error("Cannot store a body of another size");
    } catch (error) {
      this.error = error instanceof Refused ? error : unavailable("bodies", error);
      throw error;
    }
  }
}

/** WHY: a piece of most bodies is valid until the next is asked for, and a stream asks ahead. */
function kept(body: Spooled): AsyncIterable<Uint8Array> {
  return body.keepsChunks ? body.chunks() : inCopies(body.chunks());
}
