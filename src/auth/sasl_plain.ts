import { PASSWORD_BYTES_MAX } from "./password_limits.ts";

/** What a client says in SASL PLAIN. */
export interface SaslPlain {
  /** Whom to act as; empty: the user who logs in. */
  readonly authzid: string;
  /** Who logs in. */
  readonly authcid: string;
  readonly password: string;
}

/** RFC 4616 §2 allows 255 octets of each identity; addresses here have up to 512 (RFC 5321 sizes). */
const IDENTITY_BYTES_MAX = 512;
/** Longest message that is worth decoding; its base64 fits a line of 3 KiB. */
const SASL_PLAIN_BYTES_MAX = 2 * IDENTITY_BYTES_MAX + 2 + PASSWORD_BYTES_MAX;

/**
 * RFC 4616 §2: `message = [authzid] UTF8NUL authcid UTF8NUL passwd`. Null for everything else: not
 * UTF-8, an empty authcid or password, a part that is too long, one NUL too few or too many.
 */
export function parseSaslPlain(message: Uint8Array): SaslPlain | null {
  if (message.length > SASL_PLAIN_BYTES_MAX) return null;
  const first = message.indexOf(0);
  const second = message.indexOf(0, first + 1);
  if (first < 0 || second < 0 || message.includes(0, second + 1)) return null;
  const authzid = text(message.subarray(0, first), IDENTITY_BYTES_MAX);
  const authcid = text(message.subarray(first + 1, second), IDENTITY_BYTES_MAX);
  const password = text(message.subarray(second + 1), PASSWORD_BYTES_MAX);
  if (authzid === null || !authcid || !password) return null;
  return { authzid, authcid, password };
}

/** WHY ignoreBOM: a password may begin with U+FEFF, and it counts. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function text(bytes: Uint8Array, bytesMax: number): string | null {
  if (bytes.length > bytesMax) return null;
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}
