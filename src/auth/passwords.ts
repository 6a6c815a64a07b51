import { Buffer } from "node:buffer";
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import bcrypt from "bcryptjs";
import { Refused } from "../lib/refused.ts";
import { encodeUtf8 } from "../lib/bytes.ts";
import { parsePasswordHash, type PasswordHash } from "./password_hash.ts";
import {
  BCRYPT_BYTES_MAX,
  BCRYPT_COST_MAX,
  BCRYPT_COST_MIN,
  type HashScheme,
  PASSWORD_BYTES_MAX,
} from "./password_limits.ts";

export {
  BCRYPT_BYTES_MAX,
  BCRYPT_COST_MAX,
  BCRYPT_COST_MIN,
  type HashScheme,
  PASSWORD_BYTES_MAX,
} from "./password_limits.ts";

/** Octets of random salt in a new {SSHA512} hash. */
const SALT_BYTES = 16;

/**
 * Hashes a new password (Unicode text) for storage. CPU-bound; bcrypt stops this isolate.
 *
 * bcrypt ignores everything behind the 72nd octet, so that a longer password would be weaker than it
 * looks; it is refused here. Imported hashes of longer passwords still verify as they did.
 *
 * @throws {Refused} `limit` for an empty or too long password and one with a NUL
 */
export function hashPassword(password: string, { scheme, cost }: HashScheme): Promise<string> {
  const bytes = usable(password, scheme === "bcrypt" ? BCRYPT_BYTES_MAX : PASSWORD_BYTES_MAX);
  if (!bytes) {
    const max = scheme === "bcrypt" ? BCRYPT_BYTES_MAX : PASSWORD_BYTES_MAX;
    const what = `a password has 1 to ${max} octets and no NUL`;
    return Promise.reject(new Refused({ kind: "limit", what }));
  }
  switch (scheme) {
    case "bcrypt": {
      const rounds = Math.min(BCRYPT_COST_MAX, Math.max(BCRYPT_COST_MIN, Math.trunc(cost) || 0));
      return Promise.resolve(`{BLF-CRYPT}${bcrypt.hashSync(password, rounds)}`);
    }
    case "ssha512": {
      const salt = randomBytes(SALT_BYTES);
      const digest = sha512(bytes, salt);
      return Promise.resolve(`{SSHA512}${Buffer.concat([digest, salt]).toString("base64")}`);
    }
    case "sha512":
      return Promise.resolve(`{SHA512}${sha512(bytes, new Uint8Array()).toString("base64")}`);
  }
}

/**
 * Does the password belong to this stored hash? False for everything that is not a clear yes: an
 * unknown scheme, an empty password, one with a NUL, one longer than 1024 octets. CPU-bound.
 */
export async function verifyPassword(password: string, hash: string): Promise<boolean> {
  const bytes = usable(password, PASSWORD_BYTES_MAX);
  const stored = parsePasswordHash(hash);
  return bytes !== null && stored !== null && await matches({ password, bytes }, stored);
}

/** True when a stored hash has a scheme, a form and a cost that `verifyPassword` takes. */
export function knownScheme(hash: string): boolean {
  return parsePasswordHash(hash) !== null;
}

async function matches(
  { password, bytes }: { readonly password: string; readonly bytes: Uint8Array },
  stored: PasswordHash,
): Promise<boolean> {
  switch (stored.scheme) {
    case "bcrypt":
      return bcrypt.compareSync(password, stored.text);
    case "sha512":
      return timingSafeEqual(sha512(bytes, stored.salt), stored.digest);
    case "argon2id":
      return timingSafeEqual(await argon2id(bytes, stored), stored.digest);
  }
}

/** The password's octets; null for one that no account can have. */
function usable(password: string, bytesMax: number): Uint8Array | null {
  if (password === "" || password.length > bytesMax || password.includes("\0")) return null;
  const bytes = encodeUtf8(password);
  return bytes.length <= bytesMax ? bytes : null;
}

function sha512(bytes: Uint8Array, salt: Uint8Array): Buffer {
  return createHash("sha512").update(bytes).update(salt).digest();
}

async function argon2id(
  password: Uint8Array,
  { salt, digest, memoryKib, iterations, parallelism }: Extract<
    PasswordHash,
    { scheme: "argon2id" }
  >,
): Promise<Uint8Array> {
  const { argon2id } = await import("hash-wasm"); // WHY: 30 ms that most installations never need.
  return await argon2id({
    password,
    salt,
    memorySize: memoryKib,
    iterations,
    parallelism,
    hashLength: digest.length,
    outputType: "binary",
  });
}
