import type { Hash } from "../lib/ids.ts";
import type { Spooled } from "./spool.ts";

declare const brand: unique symbol;
/** Where a body is kept: `<domain>/<localpart>/<hash>`. Made by `objectKey` only, or read from the database. */
export type ObjectKey = string & { readonly [brand]: "ObjectKey" };

/** What the transaction that names a body has to record with it: `NewMessage.pending`. */
export interface PendingUpload {
  readonly objectKey: ObjectKey;
  readonly sizeBytes: number;
  /** Whose staging folder has the body; null where `body` is it. */
  readonly instanceId: string | null;
  /** The body itself, with durability "database". */
  readonly body: Uint8Array | null;
}

/** What the storage knows of an object. */
export interface ObjectInfo {
  /** Octets of the body. */
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
  /** What `put` was given; {} where the storage keeps none. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Of the octets that are stored, as they came in; missing where the storage does not tell. */
  readonly md5?: string;
}

/** An object as a listing has it; it need not be a body. */
export interface Listed {
  readonly key: string;
  /** Octets that are stored. */
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
}

/** Where a body is when `put` resolves: in a spool file, in the database, or in the object store. */
export type Durability = "spool" | "database" | "stored";

export interface PutOptions {
  /** Kept with the object: names of lower-case letters, digits and hyphens. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** For storages that have a choice; the others ignore it. */
  readonly durability?: Durability;
  /** Replaces what is there under this key; else the same key again changes nothing. */
  readonly overwrite?: boolean;
}

/** What is to be removed. */
export interface DeleteOptions {
  /**
   * Bodies that were put later stay, also those that are put just now: for storages that `put` makes durable
   * without anything to record. The others ignore it.
   */
  readonly putBefore?: Date;
}

/**
 * Message bodies, one object per account and content: DiskBlobs, S3Blobs, MemoryBlobs. All throw
 * `unavailable("bodies")` when the storage is in trouble; a body is never shortened or empty.
 */
export interface Blobs {
  /**
   * Stores a body; durable when it resolves and, where it gives something to record, that is
   * recorded. The same key again is cheap and changes nothing but `modifiedAt`.
   */
  put(key: ObjectKey, body: Spooled, options?: PutOptions): Promise<PendingUpload | null>;
  /**
   * Stores the body of one key under another one, of the same hash; durable as with `put`. Throws
   * `unavailable` when there is no such body.
   */
  copy(from: ObjectKey, to: ObjectKey): Promise<PendingUpload | null>;
  /** The whole body, checked against the hash in its key; null when there is none. */
  get(key: ObjectKey): Promise<Uint8Array | null>;
  /**
   * Octets [start, end) of a body that is at least `end` long; null when there is no such body. `into`:
   * memory of the caller that may be used for them, at least `end - start` long.
   */
  range(
    key: ObjectKey,
    start: number,
    end: number,
    into?: Uint8Array,
  ): Promise<Uint8Array | null>;
  /** Size in octets, or null. */
  size(key: ObjectKey): Promise<number | null>;
  /** Size, age and metadata, or null. */
  info(key: ObjectKey): Promise<ObjectInfo | null>;
  /** Removes a body; nothing happens when there is none. */
  delete(key: ObjectKey): Promise<void>;
  /**
   * Removes bodies, however many; nothing happens for those that are not there. Throws `unavailable`
   * when any may be left.
   */
  deleteMany(keys: readonly ObjectKey[], options?: DeleteOptions): Promise<void>;
  exists(key: ObjectKey): Promise<boolean>;
  /**
   * All objects whose keys begin so, in pages, in any order that is always the same; objects that are no
   * bodies included. What comes or goes meanwhile may be missing. `after`: a key that an earlier listing
   * came to; this one goes on there, and may have some of the objects before it again.
   */
  list(prefix: string, after?: string): AsyncGenerator<readonly Listed[]>;
}

/**
 * The key of a body for the account with this primary address. Each part is one safe path segment:
 * what is not plain in an address is percent-encoded, so no address can leave its place.
 */
export function objectKey(address: string, hash: Hash): ObjectKey {
  const at = address.lastIndexOf("@");
  const local = at < 0 ? address : address.slice(0, at);
  const domain = at < 0 ? "" : address.slice(at + 1);
  return `${segment(domain)}/${segment(local)}/${hash}` as ObjectKey;
}

/** The hash that a body under this key must have: its last segment. */
export function hashOf(key: ObjectKey): Hash {
  const hash = key.slice(key.lastIndexOf("/") + 1);
  if (!/^[0-9a-f]{64}$/.test(hash)) throw new Error("Cannot use an object key without a hash");
  return hash as Hash;
}

/** Whether an object of a listing is named like a body. */
export function isBodyKey(key: string): key is ObjectKey {
  return /^[^/]+\/[^/]+\/[0-9a-f]{64}$/.test(key);
}

function segment(text: string): string {
  const safe = encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%2B", "+").replaceAll("%3D", "=");
  // WHY: the segments "", "." and ".." mean something else in a path.
  return safe === "" ? "%" : safe.replace(/^\.+$/, (dots) => "%2E".repeat(dots.length));
}
