import { Buffer } from "node:buffer";
import { createCipheriv, createHash, randomBytes } from "node:crypto";
import { BodyKeys } from "../../src/blobs/body_keys.ts";

export const KEY_A = "0123456789abcdef".repeat(4);
export const KEY_B = "fedcba9876543210".repeat(4);

/** Keys by id; `current` null: nothing is encrypted. */
export function bodyKeys(keys: Record<string, string>, current: string | null): BodyKeys {
  return new BodyKeys({
    encrypt: current !== null,
    encryptionKeys: Object.entries(keys).map(([id, key]) => ({ id, key })),
    encryptionCurrent: current,
  });
}

/** So many octets, always the same for a seed. */
export function bytesOf(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed * 2_654_435_761 + 1;
  for (let i = 0; i < length; i++) {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** An object as the Go implementation makes it. */
export function legacyObject(body: Uint8Array, key: string): Uint8Array {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", Buffer.from(key, "hex"), nonce);
  const sealed = Buffer.concat([cipher.update(body), cipher.final()]);
  return new Uint8Array(Buffer.concat([nonce, sealed, cipher.getAuthTag()]));
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
