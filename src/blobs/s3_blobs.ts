import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import type { S3Config } from "../config/config.ts";
import { unavailable } from "../lib/refused.ts";
import { type Blobs, hashOf, type ObjectKey } from "./blobs.ts";
import type { Spooled } from "./spool.ts";

/** Tries of one request: the SDK waits between them, with jitter. */
const ATTEMPTS_MAX = 3;

type Sdk = typeof import("@aws-sdk/client-s3");

/**
 * Bodies in a bucket. A `put` is durable when the object store has answered, so a delivery waits for
 * it; every read of a whole body is checked against its hash.
 */
export class S3Blobs implements Blobs {
  readonly #sdk: Sdk;
  readonly #client: S3Client;
  readonly #bucket: string;

  private constructor(sdk: Sdk, client: S3Client, bucket: string) {
    this.#sdk = sdk;
    this.#client = client;
    this.#bucket = bucket;
  }

  /** Loads the SDK (100 ms: only where a bucket is configured) and makes a client. Asks nothing yet. */
  static async open(config: S3Config): Promise<S3Blobs> {
    const sdk = await import("@aws-sdk/client-s3");
    const client = new sdk.S3Client({
      endpoint: `${config.useSsl ? "https" : "http"}://${config.endpoint}`,
      region: config.region,
      credentials: { accessKeyId: config.accessKey, secretAccessKey: config.secretKey },
      // WHY: other stores than AWS know neither bucket hosts nor the SDK's trailing checksums.
      forcePathStyle: true,
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
      maxAttempts: ATTEMPTS_MAX,
      requestHandler: { requestTimeout: config.timeoutMs, connectionTimeout: config.timeoutMs },
    });
    return new S3Blobs(sdk, client, config.bucket);
  }

  async put(key: ObjectKey, body: Spooled): Promise<void> {
    if (await this.size(key) === body.sizeBytes) return;
    const content = body.bytes ?? Readable.from(copies(body.chunks()), { objectMode: false });
    const stored = await this.#ask(() =>
      this.#client.send(
        new this.#sdk.PutObjectCommand({
          Bucket: this.#bucket,
          Key: key,
          Body: content,
          ContentLength: body.sizeBytes,
          ContentType: "message/rfc822",
        }),
      )
    );
    if (stored === null) throw unavailable("bodies", new Error(`Cannot store ${key}: answer 404`));
  }

  async copy(from: ObjectKey, to: ObjectKey): Promise<void> {
    const source = `${this.#bucket}/${from}`.split("/").map(encodeURIComponent).join("/");
    const command = new this.#sdk.CopyObjectCommand({
      Bucket: this.#bucket,
      Key: to,
      CopySource: source,
    });
    const copied = await this.#ask(() => this.#client.send(command));
    if (copied === null) throw unavailable("bodies", new Error(`Cannot copy ${from}: answer 404`));
  }

  async get(key: ObjectKey): Promise<Uint8Array | null> {
    const body = await this.#read(key);
    if (body === null) return null;
    if (createHash("sha256").update(body).digest("hex") !== hashOf(key)) {
      throw unavailable(
        "bodies",
        new Error(`Cannot use object ${key}: its content has another hash`),
      );
    }
    return body;
  }

  async range(key: ObjectKey, start: number, end: number): Promise<Uint8Array | null> {
    if (start === end) return await this.exists(key) ? new Uint8Array(0) : null;
    const part = await this.#read(key, `bytes=${start}-${end - 1}`);
    if (part !== null && part.length !== end - start) {
      throw unavailable(
        "bodies",
        new Error(`Cannot read ${start}-${end} of object ${key}: too short`),
      );
    }
    return part;
  }

  async size(key: ObjectKey): Promise<number | null> {
    const command = new this.#sdk.HeadObjectCommand({ Bucket: this.#bucket, Key: key });
    const head = await this.#ask(() => this.#client.send(command));
    return head?.ContentLength ?? null;
  }

  async delete(key: ObjectKey): Promise<void> {
    const command = new this.#sdk.DeleteObjectCommand({ Bucket: this.#bucket, Key: key });
    await this.#ask(() => this.#client.send(command));
  }

  async exists(key: ObjectKey): Promise<boolean> {
    return await this.size(key) !== null;
  }

  /** Closes the connections that the client keeps. */
  [Symbol.dispose](): void {
    this.#client.destroy();
  }

  #read(key: ObjectKey, range?: string): Promise<Uint8Array | null> {
    const command = new this.#sdk.GetObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      ...(range === undefined ? {} : { Range: range }),
    });
    return this.#ask(async () => {
      const { Body } = await this.#client.send(command);
      if (!Body) throw new Error("Cannot read an object: the answer has no body");
      return await Body.transformToByteArray();
    });
  }

  /** One request: null where the object is missing, `unavailable` for every other trouble. */
  async #ask<T>(request: () => Promise<T>): Promise<T | null> {
    try {
      return await request();
    } catch (error) {
      if (error instanceof this.#sdk.S3ServiceException && isMissing(error)) return null;
      throw unavailable("bodies", error);
    }
  }
}

/** WHY: a piece is valid until the next is asked for, and a stream asks ahead. */
async function* copies(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) yield new Uint8Array(chunk);
}

/** A missing bucket is trouble, not a missing object. */
function isMissing(error: { name: string; $metadata: { httpStatusCode?: number } }): boolean {
  return error.$metadata.httpStatusCode === 404 && error.name !== "NoSuchBucket";
}
