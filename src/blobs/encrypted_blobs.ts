import { unavailable } from "../lib/refused.ts";
import { type Log, logger } from "../observe/log.ts";
import {
  type Blobs,
  type DeleteOptions,
  hashOf,
  type Listed,
  type ObjectInfo,
  type ObjectKey,
  type PendingUpload,
  type PutOptions,
} from "./blobs.ts";
import { BodyCipher, CipherError, HEADER_BYTES, keyIdOf, sealedSize } from "./body_cipher.ts";
import type { BodyKeys } from "./body_keys.ts";
import { EncryptedReader } from "./encrypted_reader.ts";
import { isStored, mayBeStored } from "./is_stored.ts";
import { KEY_CHECK_PREFIX } from "./key_check.ts";
import type { Layout } from "./object_layouts.ts";
import { openMetadata, sealMetadata } from "./sealed_metadata.ts";
import { sealBody } from "./seal_body.ts";
import type { Spooled } from "./spool.ts";
import { type Source, spooledFrom } from "./spooled_from.ts";

export interface EncryptedOptions {
  /** Where the objects are. Its `get` must not compare what it reads with the hash in the key. */
  readonly inner: Blobs;
  readonly keys: BodyKeys;
  /** Bodies that were stored before encryption was switched on are read, too, when their hash is right. */
  readonly allowPlain: boolean;
  /** Asked until it has said once that the keys are right: before that, nothing is encrypted with them. */
  readonly checkKeys?: () => Promise<void>;
  readonly log?: Log;
}

/** What became of an object that was to be encrypted with the current key. */
export type Reencrypted = "current" | "changed" | "gone";

/**
 * Bodies that only we can read, in a storage of other people. What comes from there is authenticated:
 * an object that was changed, cut off or put in another's place, or whose key is not known, is
 * `unavailable`, and the log says why.
 */
export class EncryptedBlobs implements Blobs {
  readonly #inner: Blobs;
  readonly #keys: BodyKeys;
  readonly #log: Log;
  readonly #reader: EncryptedReader;
  readonly #checkKeys: () => Promise<void>;
  #checked: Promise<void> | null = null;

  constructor({ inner, keys, allowPlain, checkKeys, log }: EncryptedOptions) {
    this.#inner = inner;
    this.#keys = keys;
    this.#log = log ?? logger("blobs");
    this.#reader = new EncryptedReader({ inner, keys, allowPlain: allowPlain || !keys.current });
    this.#checkKeys = checkKeys ?? (() => Promise.resolve());
  }

  async put(
    key: ObjectKey,
    body: Spooled,
    options: PutOptions = {},
  ): Promise<PendingUpload | null> {
    if (!this.#keys.current) return await this.#inner.put(key, body, options);
    return await this.#guard("put", key, async () => {
      const asksFirst = mayBeStored(body.sizeBytes, options);
      if (asksFirst && await this.#isStored(key, body)) return null;
      return await this.#put(key, body, asksFirst ? { ...options, overwrite: true } : options);
    });
  }

  /** WHY not the storage's own copy: the key of the object is part of what is authenticated. */
  async copy(from: ObjectKey, to: ObjectKey): Promise<PendingUpload | null> {
    return await this.#guard("copy", from, async () => {
      const [body, found] = await Promise.all([this.#reader.source(from), this.#read(from)]);
      if (!body || !found) throw unavailable("bodies", new Error("Cannot copy a missing body"));
      if (from === to) return null;
      return await this.#put(to, body, { metadata: found.metadata });
    });
  }

  get(key: ObjectKey): Promise<Uint8Array | null> {
    return this.#guard("get", key, () => this.#reader.whole(key));
  }

  range(
    key: ObjectKey,
    start: number,
    end: number,
    into?: Uint8Array,
  ): Promise<Uint8Array | null> {
    return this.#guard("range", key, () => this.#reader.range(key, { start, end, into }));
  }

  size(key: ObjectKey): Promise<number | null> {
    return this.#guard("size", key, async () => {
      const layout = await this.#reader.layout(key);
      return layout && await this.#reader.sizeOf(key, layout);
    });
  }

  info(key: ObjectKey): Promise<ObjectInfo | null> {
    return this.#guard("info", key, async () => {
      const found = await this.#read(key);
      const sizeBytes = found && await this.#reader.sizeOf(key, found.layout);
      return found === null || sizeBytes === null
        ? null
        : { sizeBytes, modifiedAt: found.modifiedAt, metadata: found.metadata };
    });
  }

  delete(key: ObjectKey): Promise<void> {
    this.#reader.forget(key);
    return this.#inner.delete(key);
  }

  deleteMany(keys: readonly ObjectKey[], options?: DeleteOptions): Promise<void> {
    keys.forEach((key) => this.#reader.forget(key));
    return this.#inner.deleteMany(keys, options);
  }

  exists(key: ObjectKey): Promise<boolean> {
    return this.#inner.exists(key);
  }

  /** Without our own objects about keys. */
  list(prefix: string, after?: string): AsyncGenerator<readonly Listed[]> {
    return bodies(this.#inner.list(prefix, after));
  }

  /** The id of the key of an object; "" where it has none of the list's; null where it is missing. */
  keyId(key: ObjectKey): Promise<string | null> {
    return this.#guard("key", key, async () => {
      this.#reader.forget(key);
      const layout = await this.#reader.layout(key);
      return layout && (layout.kind === "sealed" ? layout.keyId : "");
    });
  }

  /**
   * Encrypts an object with the current key, or stores it as it is without one. What could not be
   * decrypted is left alone: `unavailable`.
   */
  reencrypt(key: ObjectKey): Promise<Reencrypted> {
    return this.#guard("reencrypt", key, async () => {
      const id = await this.keyId(key);
      if (id === null) return "gone";
      if (id !== "" && id === this.#keys.current?.id) return "current";
      const [body, found] = await Promise.all([this.#reader.source(key), this.#read(key)]);
      if (!body || !found) return "gone";
      const isPlain = id === "" && body.sizeBytes === found.layout.storedBytes;
      if (isPlain && !this.#keys.current) return "current";
      await this.#put(key, body, { metadata: found.metadata, overwrite: true });
      return "changed";
    });
  }

  async #put(
    key: ObjectKey,
    body: Source,
    options: PutOptions,
  ): Promise<PendingUpload | null> {
    const { current } = this.#keys;
    if (!current) {
      this.#reader.forget(key);
      return await this.#inner.put(key, await spooledFrom(body), options);
    }
    await (this.#checked ??= this.#check());
    const cipher = await BodyCipher.create(current, key);
    const sealed = await spooledFrom({
      sizeBytes: sealedSize(body.sizeBytes),
      keepsChunks: true,
      chunks: () => sealBody(cipher, body.chunks(), body.sizeBytes),
    });
    const metadata = await sealMetadata(current, key, options.metadata ?? {});
    const pending = await this.#inner.put(key, sealed, { ...options, metadata });
    this.#reader.forget(key);
    return pending;
  }

  /**
   * WHY with the header that is there: it makes the same octets again. They are only compared and never sent,
   * as nobody knows whose header it is.
   */
  async #isStored(key: ObjectKey, body: Source): Promise<boolean> {
    const info = await this.#inner.info(key);
    const sizeBytes = sealedSize(body.sizeBytes);
    if (info?.sizeBytes !== sizeBytes) return false;
    const header = await this.#inner.range(key, 0, HEADER_BYTES);
    const { current } = this.#keys;
    if (!header || !current || keyIdOf(header) !== current.id) return false;
    const cipher = await BodyCipher.open(header, this.#keys, key);
    const chunks = () => sealBody(cipher, body.chunks(), body.sizeBytes);
    return await isStored(info, { sizeBytes, chunks });
  }

  async #check(): Promise<void> {
    try {
      await this.#checkKeys();
    } catch (error) {
      this.#checked = null;
      throw error;
    }
  }

  /** An object without its body. */
  async #read(key: ObjectKey): Promise<Omit<ObjectInfo, "sizeBytes"> & { layout: Layout } | null> {
    const info = await this.#inner.info(key);
    const layout = info && await this.#reader.layout(key, info.sizeBytes);
    if (!layout) return null;
    const { modifiedAt } = info;
    // WHY: beside a body that is encrypted, what is not encrypted may be from anybody.
    const metadata = layout.kind === "whole"
      ? info.metadata
      : await this.#metadata(key, info.metadata);
    return { layout, modifiedAt, metadata };
  }

  /** WHY none where they cannot be decrypted: the body may be whole all the same. */
  async #metadata(key: ObjectKey, sealed: PutOptions["metadata"] = {}) {
    try {
      return await openMetadata(this.#keys, key, sealed);
    } catch (error) {
      this.#log.error("metadata cannot be used", { hash: hashOf(key), error });
      return {};
    }
  }

  async #guard<T>(operation: string, key: ObjectKey, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CipherError)) throw error;
      this.#log.error("body cannot be used", { operation, hash: hashOf(key), error });
      throw unavailable("bodies", error);
    }
  }
}

async function* bodies(
  pages: AsyncGenerator<readonly Listed[]>,
): AsyncGenerator<readonly Listed[]> {
  for await (const page of pages) {
    yield page.filter(({ key }) => !key.startsWith(KEY_CHECK_PREFIX));
  }
}
