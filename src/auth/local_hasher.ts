import type { Hasher } from "./hasher.ts";
import { hashPassword, type HashScheme, verifyPassword } from "./passwords.ts";

/** Hashes in this isolate, which stands still meanwhile: for `sora-admin` and tests. */
export class LocalHasher implements Hasher {
  constructor(readonly scheme: HashScheme) {}

  verify(password: string, hash: string): Promise<boolean> {
    return verifyPassword(password, hash);
  }

  hash(password: string): Promise<string> {
    return hashPassword(password, this.scheme);
  }
}
