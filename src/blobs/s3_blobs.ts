import type { S3Client } from "@aws-sdk/client-s3";
import type { S3Config } from "../config/config.ts";
import { unavailable } from "../lib/refused.ts";
import { type Log, logger } from "../observe/log.ts";
import { Metrics } from "../observe/metrics.ts";
import {
  type Blobs,
  hashOf,
  type Listed,
  type ObjectInfo,
  type ObjectKey,
  type PutOptions,
} from "./blobs.ts";
import { Hedge } from "./hedge.ts";
import { isStored, mayBeStored } from "./is_stored.ts";
import { checkS3, type S3Check } from "./s3_check.ts";
import { discardS3Body, readS3Body } from "./s3_body.ts";
import { openS3Client, type Sdk } from "./s3_client.ts";
import { deleteS3Objects } from "./s3_delete.ts";
import { listS3Objects } from "./s3_list.ts";
import { fromS3Metadata, toS3Metadata } from "./s3_metadata.ts";
import { putS3Object } from "./s3_put.ts";
import { S3Requests } from "./s3_requests.ts";
import { WrongContent } from "./s3_trouble.ts";
import type { S3Attempt } from "./s3_watch.ts";
import type { Spooled } from "./spool.ts";

/** Single deletions that are under way at once. */
const DELETES_AT_ONCE = 16;

export interface S3BlobsOptions {
  readonly log?: Log;
  readonly metrics?: Metrics;
  /**
   * What is stored under a key has the hash in the key (the default): reads check it, and the store
   * is told so that it checks what it gets. False under EncryptedBlobs, which checks itself.
   */
  readonly contentHashed?: boolean;
  /** For tests: the clock of the circuit breakers, in milliseconds. */
  readonly now?: () => number;
}

/** What the requests of one bucket share. */
export interface S3Bucket {
  readonly sdk: Sdk;
  readonly client: S3Client;
  readonly name: string;
  readonly requests: S3Requests;
}

/**
 * Bodies in a bucket. A `put` is durable when the object store has answered, so a delivery waits for
 * it; every read of a whole body is checked against its hash. Requests are tried again, late reads
 * are asked for twice, and a store that fails is left alone for a while (S3Requests, Hedge).
 */
export class S3Blobs implements Blobs {
  readonly #bucket: S3Bucket;
  readonly #hedge: Hedge;
  readonly #metrics: Metrics;
  readonly #contentHashed: boolean;
  #deletesMany = true;

  private constructor(bucket: S3Bucket, hedge: Hedge, options: S3BlobsOptions) {
    this.#bucket = bucket;
    this.#hedge = hedge;
    this.#metrics = options.metrics ?? new Metrics();
    this.#contentHashed = options.contentHashed ?? true;
  }

  /** Asks nothing of the store yet. */
  static async open(config: S3Config, options: S3BlobsOptions = {}): Promise<S3Blobs> {
    const { log = logger("blobs"), metrics = new Metrics(), now } = options;
    const requests = new S3Requests({ config, log, metrics, ...(now ? { now } : {}) });
    const bucket = { ...await openS3Client(config), name: config.bucket, requests };
    return new S3Blobs(bucket, new Hedge(config.hedgeAfterMs), { ...options, metrics });
  }

  async put(key: ObjectKey, body: Spooled, options: PutOptions = {}): Promise<null> {
    const metadata = toS3Metadata(options.metadata ?? {});
    const asksFirst = mayBeStored(body.sizeBytes, options);
    if (asksFirst && await isStored(await this.info(key), body)) return null;
    await putS3Object(this.#bucket, { key, body, metadata, contentHashed: this.#contentHashed });
    return null;
  }

  async copy(from: ObjectKey, to: ObjectKey): Promise<null> {
    const { sdk, client, name, requests } = this.#bucket;
    // WHY: S3 refuses to copy an object to itself.
    const copied = from === to ? await this.info(from) : await requests.ask({
      operation: "copy",
      circuit: "put",
      key: to,
      send: ({ signal: abortSignal }) => {
        const source = `${name}/${from}`.split("/").map(encodeURIComponent).join("/");
        const input = { Bucket: name, Key: to, CopySource: source };
        return client.send(new sdk.CopyObjectCommand(input), { abortSignal });
      },
    });
    if (copied === null) throw unavailable("bodies", new Error(`Cannot copy ${from}: missing`));
    return null;
  }

  get(key: ObjectKey): Promise<Uint8Array | null> {
    const hash = this.#contentHashed ? { hash: hashOf(key) } : {};
    return this.#bucket.requests.ask({
      operation: "get",
      circuit: "get",
      key,
      send: async (attempt) => {
        const { Body, ContentLength: sizeBytes } = await this.#read(key, attempt);
        return await readS3Body(Body, { sizeBytes, ...hash }, attempt);
      },
    });
  }

  async range(
    key: ObjectKey,
    start: number,
    end: number,
    into?: Uint8Array,
  ): Promise<Uint8Array | null> {
    if (start === end) return await this.exists(key) ? new Uint8Array(0) : null;
    return await this.#bucket.requests.ask({
      operation: "range",
      circuit: "get",
      key,
      send: async (attempt) => {
        const answer = await this.#read(key, attempt, `bytes=${start}-${end - 1}`);
        const { Body, ContentLength: sizeBytes, ContentRange: range = "" } = answer;
        const isPart = range !== "" && sizeBytes === end - start;
        const wanted = { sizeBytes, ...(isPart && into ? { into } : {}) };
        const bytes = await readS3Body(Body, wanted, attempt);
        // WHY: a store that knows no ranges sends the whole.
        const part = range === "" ? bytes.slice(start, end) : bytes;
        const isThat = range === "" || range.startsWith(`bytes ${start}-${end - 1}/`);
        if (isThat && part.length === end - start) return part;
        throw new WrongContent(`Cannot use ${part.length} octets for ${start}-${end} of an object`);
      },
    });
  }

  async size(key: ObjectKey): Promise<number | null> {
    return (await this.info(key))?.sizeBytes ?? null;
  }

  async info(key: ObjectKey): Promise<ObjectInfo | null> {
    const { sdk, client, name, requests } = this.#bucket;
    const input = { Bucket: name, Key: key };
    const head = await requests.ask({
      operation: "head",
      circuit: "get",
      key,
      send: ({ signal: abortSignal }) =>
        client.send(new sdk.HeadObjectCommand(input), { abortSignal }),
    });
    if (head === null) return await this.#confirmMissing(key);
    return {
      sizeBytes: head.ContentLength ?? 0,
      modifiedAt: head.LastModified ?? new Date(0),
      metadata: fromS3Metadata(head.Metadata ?? {}),
      ...md5Of(head),
    };
  }

  async delete(key: ObjectKey): Promise<void> {
    const { sdk, client, name, requests } = this.#bucket;
    await requests.ask({
      operation: "delete",
      circuit: "delete",
      key,
      send: ({ signal: abortSignal }) =>
        client.send(new sdk.DeleteObjectCommand({ Bucket: name, Key: key }), { abortSignal }),
    });
  }

  async deleteMany(keys: readonly ObjectKey[]): Promise<void> {
    const { left, isSupported } = this.#deletesMany
      ? await deleteS3Objects(this.#bucket, keys)
      : { left: keys, isSupported: false };
    this.#deletesMany = isSupported;
    for (let at = 0; at < left.length; at += DELETES_AT_ONCE) {
      const some = left.slice(at, at + DELETES_AT_ONCE);
      const results = await Promise.allSettled(some.map((key) => this.delete(key)));
      for (const result of results) if (result.status === "rejected") throw result.reason;
    }
  }

  async exists(key: ObjectKey): Promise<boolean> {
    return await this.size(key) !== null;
  }

  list(prefix: string, after?: string): AsyncGenerator<readonly Listed[]> {
    return listS3Objects(this.#bucket, prefix, after);
  }

  /** Looks whether the bucket is there and the credentials are right. Never throws. */
  check(): Promise<S3Check> {
    return checkS3(this.#bucket);
  }

  /** Ends what is under way and closes the connections that the client keeps. */
  [Symbol.dispose](): void {
    this.#bucket.requests[Symbol.dispose]();
    this.#bucket.client.destroy();
  }

  /** An answer's head; its body is still to be read. */
  #read(key: ObjectKey, { signal, progress }: S3Attempt, range?: string) {
    const { sdk, client, name } = this.#bucket;
    const input = { Bucket: name, Key: key, ...(range === undefined ? {} : { Range: range }) };
    return this.#hedge.run(
      async (abortSignal) => {
        const answer = await client.send(new sdk.GetObjectCommand(input), { abortSignal });
        progress();
        return answer;
      },
      {
        signal,
        discard: ({ Body }) => discardS3Body(Body),
        onHedged: (result) => this.#metrics.s3HedgesTotal.inc({ result }),
      },
    );
  }

  /** WHY: the answer to HEAD has no body, which would tell a missing bucket from a missing object. */
  async #confirmMissing(key: ObjectKey): Promise<null> {
    const { sdk, client, name, requests } = this.#bucket;
    await requests.ask({
      operation: "list",
      circuit: "get",
      key,
      send: ({ signal: abortSignal }) => {
        const input = { Bucket: name, Prefix: key, MaxKeys: 1 };
        return client.send(new sdk.ListObjectsV2Command(input), { abortSignal });
      },
    });
    return null;
  }
}

/** WHY only so: the ETag of what the store encrypts with a key of its own, or got in parts, is none. */
function md5Of({ ETag = "", ServerSideEncryption: encryption = "" }: {
  readonly ETag?: string | undefined;
  readonly ServerSideEncryption?: string | undefined;
}): { readonly md5?: string } {
  const [, md5] = /^"?([0-9a-f]{32})"?$/i.exec(ETag) ?? [];
  return md5 === undefined || encryption.startsWith("aws:") ? {} : { md5: md5.toLowerCase() };
}
