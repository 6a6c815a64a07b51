import { Buffer } from "node:buffer";

/** A stored hash, taken apart: what `credentials.password_hash` may hold. */
export type PasswordHash =
  | { readonly scheme: "bcrypt"; readonly text: string; readonly cost: number }
  | { readonly scheme: "sha512"; readonly digest: Uint8Array; readonly salt: Uint8Array }
  | {
    readonly scheme: "argon2id";
    readonly memoryKib: number;
    readonly iterations: number;
    readonly parallelism: number;
    readonly salt: Uint8Array;
    readonly digest: Uint8Array;
  };

/** A bcrypt hash of cost 16 takes 5 s; a higher one is a way to stop all logins. */
const BCRYPT_COST_MAX = 16;
const BCRYPT_COST_MIN = 4;
/** RFC 9106 §4 recommends 2 GiB at most and 64 MiB where memory is short; more starves the server. */
const ARGON2_MEMORY_KIB_MAX = 256 * 1024;
/** Iterations times memory is the work: with the two limits above it stays in seconds. */
const ARGON2_ITERATIONS_MAX = 16;
const ARGON2_PARALLELISM_MAX = 16;
/** RFC 9106 §3.1: a salt of at least 8 octets, a tag of at least 4; 16 is what everyone uses. */
const ARGON2_SALT_MIN = 8;
const ARGON2_DIGEST_MIN = 16;
/** No hash of a scheme below is longer. */
const HASH_LENGTH_MAX = 1024;

const SHA512_BYTES = 64;
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const ARGON2ID =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/**
 * Takes a stored hash apart: `{BLF-CRYPT}` or bare bcrypt (`$2a$`, `$2b$`, `$2y$`), `{SSHA512}` and
 * `{SHA512}` (base64; `.b64` and `.HEX` say so), `{ARGON2ID}$argon2id$…`. Scheme names in any case.
 * Null for every other scheme, for what is malformed and for costs that would stop the server.
 */
export function parsePasswordHash(stored: string): PasswordHash | null {
  if (stored.length > HASH_LENGTH_MAX) return null;
  const [, name, rest = ""] = /^(?:\{([A-Za-z0-9.-]+)\})?(.*)$/.exec(stored) ?? [];
  switch (name?.toUpperCase()) {
    case undefined:
    case "BLF-CRYPT":
      return bcrypt(rest);
    case "SSHA512":
    case "SSHA512.B64":
      return sha512(base64(rest), { salted: true });
    case "SSHA512.HEX":
      return sha512(hex(rest), { salted: true });
    case "SHA512":
    case "SHA512.B64":
      return sha512(base64(rest), { salted: false });
    case "SHA512.HEX":
      return sha512(hex(rest), { salted: false });
    case "ARGON2ID":
      return argon2id(rest);
    default:
      return null;
  }
}

function bcrypt(text: string): PasswordHash | null {
  const cost = Number(BCRYPT.exec(text)?.[1] ?? NaN);
  return cost >= BCRYPT_COST_MIN && cost <= BCRYPT_COST_MAX
    ? { scheme: "bcrypt", text, cost }
    : null;
}

function sha512(bytes: Uint8Array | null, { salted }: { salted: boolean }): PasswordHash | null {
  if (!bytes || (bytes.length > SHA512_BYTES) !== salted || bytes.length < SHA512_BYTES) {
    return null;
  }
  return {
    scheme: "sha512",
    digest: bytes.subarray(0, SHA512_BYTES),
    salt: bytes.subarray(SHA512_BYTES),
  };
}

function argon2id(text: string): PasswordHash | null {
  const [, m = "", t = "", p = "", encodedSalt = "", encodedDigest = ""] = ARGON2ID.exec(text) ??
    [];
  const [memoryKib, iterations, parallelism] = [Number(m), Number(t), Number(p)];
  const salt = Buffer.from(encodedSalt, "base64");
  const digest = Buffer.from(encodedDigest, "base64");
  const sane = parallelism >= 1 && parallelism <= ARGON2_PARALLELISM_MAX &&
    iterations >= 1 && iterations <= ARGON2_ITERATIONS_MAX &&
    // RFC 9106 §3.1: at least 8 KiB for each lane.
    memoryKib >= 8 * parallelism && memoryKib <= ARGON2_MEMORY_KIB_MAX &&
    salt.length >= ARGON2_SALT_MIN && digest.length >= ARGON2_DIGEST_MIN;
  return sane ? { scheme: "argon2id", memoryKib, iterations, parallelism, salt, digest } : null;
}

/** Strict: Buffer would skip what is not base64. Null when it is not. */
function base64(text: string): Uint8Array | null {
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/.test(text)
    ? Buffer.from(text, "base64")
    : null;
}

function hex(text: string): Uint8Array | null {
  return /^(?:[0-9a-fA-F]{2})+$/.test(text) ? Buffer.from(text, "hex") : null;
}
