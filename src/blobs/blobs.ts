import type { Hash } from "../lib/ids.ts";
import type { Spooled } from "./spool.ts";

declare const brand: unique symbol;
/** Where a body is kept: `<domain>/<localpart>/<hash>`. Made by `objectKey` only, or read from the database. */
export type ObjectKey = string & { readonly [brand]: "ObjectKey" };

/**
 * Message bodies, one object per account and content: DiskBlobs, S3Blobs, MemoryBlobs. All throw
 * `unavailable("bodies")` when the storage is in trouble; a body is never shortened or empty.
 */
export interface Blobs {
  /** Stores a body; durable when it resolves. The same key again is cheap and changes nothing. */
  put(key: ObjectKey, body: Spooled): Promise<void>;
  /**
   * Stores the body of one key under another one, of the same hash; durable when it resolves. Throws
   * `unavailable` when there is no such body.
   */
  copy(from: ObjectKey, to: ObjectKey): Promise<void>;
  /** The whole body, checked against the hash in its key; null when there is none. */
  get(key: ObjectKey): Promise<Uint8Array | null>;
  /** Octets [start, end) of a body that is at least `end` long; null when there is no such body. */
  range(key: ObjectKey, start: number, end: number): Promise<Uint8Array | null>;
  /** Size in octets, or null. */
  size(key: ObjectKey): Promise<number | null>;
  /** Removes a body; nothing happens when there is none. */
  delete(key: ObjectKey): Promise<void>;
  exists(key: ObjectKey): Promise<boolean>;
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

function segment(text: string): string {
  const safe = encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%2B", "+").replaceAll("%3D", "=");
  // WHY: the segments "", "." and ".." mean something else in a path.
  return safe === "" ? "%" : safe.replace(/^\.+$/, (dots) => "%2E".repeat(dots.length));
}
