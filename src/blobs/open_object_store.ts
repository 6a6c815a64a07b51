import type { EncryptionConfig, S3Config } from "../config/config.ts";
import type { Blobs } from "./blobs.ts";
import { BodyKeys } from "./body_keys.ts";
import { EncryptedBlobs } from "./encrypted_blobs.ts";
import { checkKeys } from "./key_check.ts";
import { S3Blobs, type S3BlobsOptions } from "./s3_blobs.ts";

/** The configured object store. */
export interface ObjectStore extends Disposable {
  /** Bodies, encrypted where that is configured. */
  readonly blobs: Blobs;
  /** The objects as they are stored. */
  readonly objects: S3Blobs;
  /** `blobs`, where keys are configured. */
  readonly encrypted: EncryptedBlobs | null;
  /**
   * Asks whether the configured keys are those of the bodies.
   *
   * @throws {KeyMismatch} where bodies are encrypted with other keys
   * @throws {Refused} `unavailable` where it does not answer
   */
  checkKeys(): Promise<void>;
}

/** Asks nothing of the store yet. */
export async function openObjectStore(
  config: S3Config & EncryptionConfig,
  options: Omit<S3BlobsOptions, "contentHashed"> = {},
): Promise<ObjectStore> {
  const keys = new BodyKeys(config);
  const hasKeys = keys.all.length > 0;
  const objects = await S3Blobs.open(config, { ...options, contentHashed: !hasKeys });
  const { encryptAllowPlain: allowPlain } = config;
  const log = options.log ? { log: options.log } : {};
  const checked = (): Promise<void> => checkKeys({ inner: objects, keys, blobs: encrypted });
  const encrypted: EncryptedBlobs = new EncryptedBlobs({
    inner: objects,
    keys,
    allowPlain,
    checkKeys: checked,
    ...log,
  });
  return {
    blobs: hasKeys ? encrypted : objects,
    objects,
    encrypted: hasKeys ? encrypted : null,
    // WHY also without keys: bodies that once were encrypted cannot be read then.
    checkKeys: checked,
    [Symbol.dispose]: () => objects[Symbol.dispose](),
  };
}
