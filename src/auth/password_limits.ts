/** Longest password in UTF-8; nobody types more, and hashing costs by the octet. */
export const PASSWORD_BYTES_MAX = 1024;
/** bcrypt looks at no more; see `hashPassword`. */
export const BCRYPT_BYTES_MAX = 72;
/** The lowest and highest bcrypt cost that can be configured: 70 ms and 1.1 s. */
export const BCRYPT_COST_MIN = 10;
export const BCRYPT_COST_MAX = 14;

/** How new hashes are made. */
export interface HashScheme {
  /** "ssha512" and "sha512" are for systems that know nothing better: they are fast to guess. */
  readonly scheme: "bcrypt" | "ssha512" | "sha512";
  /** Of bcrypt: 10 … 14, each step twice the work; what lies outside is taken to the nearest end. */
  readonly cost: number;
}
