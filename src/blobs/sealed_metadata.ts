import { Buffer } from "node:buffer";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { decodeUtf8 } from "../lib/bytes.ts";
import type { ObjectKey } from "./blobs.ts";
import { BodyCipher, HEADER_BYTES } from "./body_cipher.ts";
import type { BodyKey, BodyKeys } from "./body_keys.ts";

type Metadata = Readonly<Record<string, string>>;

/** The one name under which encrypted metadata stand. */
const NAME = "sora-sealed";
/** Metadata are one chunk. */
const PLACE = { number: 0, isLast: true };

/**
 * What an object says of itself, encrypted like its body: one value. Object stores take 2 KiB of
 * metadata; 1.4 KiB of base64 become 1.6 KiB.
 */
export async function sealMetadata(
  current: BodyKey,
  key: ObjectKey,
  metadata: Metadata,
): Promise<Metadata> {
  if (Object.keys(metadata).length === 0) return {};
  const cipher = await BodyCipher.create(current, nameOf(key));
  const sealed = await cipher.seal(deflateRawSync(JSON.stringify(metadata)), PLACE);
  return { [NAME]: Buffer.concat([cipher.header, sealed]).toString("base64url") };
}

/**
 * The other way round; {} where there is nothing that was encrypted.
 *
 * @throws {CipherError} where it is of another object, or its key is not configured
 */
export async function openMetadata(
  keys: BodyKeys,
  key: ObjectKey,
  metadata: Metadata,
): Promise<Metadata> {
  const text = metadata[NAME];
  if (text === undefined) return {};
  const object = new Uint8Array(Buffer.from(text, "base64url"));
  const cipher = await BodyCipher.open(object, keys, nameOf(key));
  const json = inflateRawSync(await cipher.open(object.subarray(HEADER_BYTES), PLACE));
  return JSON.parse(decodeUtf8(json)) as Metadata;
}

/** WHY: the object itself must never be taken for its metadata; no object's key has a NUL. */
function nameOf(key: ObjectKey): string {
  return `${key}\0metadata`;
}
