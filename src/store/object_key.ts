import type { Hash } from "../lib/ids.ts";

/**
 * How a key is stored: "<owner>/<hash>" without its hash, which stands in a column of its own
 * (64 octets less in every row); any other key as it is.
 */
export function packObjectKey(key: string, hash: Hash): string {
  return key.endsWith(`/${hash}`) ? key.slice(0, -hash.length) : key;
}

/** The key that was packed. */
export function unpackObjectKey(stored: string, hash: Hash): string {
  return stored.endsWith("/") ? stored + hash : stored;
}
