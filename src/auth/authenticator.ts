import { toBinary } from "../lib/bytes.ts";
import { parseAddress } from "../lib/address.ts";
import type { AccountId } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { AccountStore } from "../store/accounts.ts";
import type { Hasher } from "./hasher.ts";
import { parsePasswordHash, type PasswordHash } from "./password_hash.ts";
import { BCRYPT_COST_MAX, BCRYPT_COST_MIN, PASSWORD_BYTES_MAX } from "./password_limits.ts";
import { VerifiedPasswords } from "./verified_passwords.ts";

/** Who has logged in. */
export interface User {
  readonly accountId: AccountId;
  /** The primary address of the account, whatever alias was used. */
  readonly address: string;
}

/** One attempt to log in. */
export interface Login {
  /** As the client wrote it; case and `+detail` do not matter. */
  readonly address: string;
  /** Unicode text: what came as octets is decoded from UTF-8 first. */
  readonly password: string;
  /** "imap", "pop3", …: for logs and metrics. */
  readonly protocol: string;
  readonly remote: { readonly host: string; readonly port: number };
  /** Id of the connection, on every log line. */
  readonly session: string;
  /** Name of the configured server that took the connection. */
  readonly serverName?: string;
}

export interface AuthenticatorOptions {
  readonly accounts: Pick<AccountStore, "credential">;
  readonly hasher: Hasher;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Cost of the hash that is computed for users who do not exist: that of new hashes. */
  readonly bcryptCost?: number;
  readonly verified?: VerifiedPasswords;
}

const DEFAULT_BCRYPT_COST = 12;
/** Salt and digest of a hash that no password is known for. */
const DUMMY = "N9qo8uLOickgx2ZMRZoMye0BYW.SJ24HUMiKTHWdtxT2UMk16xoYO";

/** Checks who may log in. Every refusal looks the same and takes the time of one hash. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #verified: VerifiedPasswords;
  readonly #cost: number;
  readonly #dummyHash: string;
  /** Verifications under way, by digest: a client opening ten connections costs one hash. */
  readonly #running = new Map<string, Promise<boolean>>();

  constructor(options: AuthenticatorOptions) {
    const { bcryptCost = DEFAULT_BCRYPT_COST, verified = new VerifiedPasswords() } = options;
    this.#options = options;
    this.#verified = verified;
    this.#cost = Math.min(BCRYPT_COST_MAX, Math.max(BCRYPT_COST_MIN, bcryptCost));
    this.#dummyHash = `{BLF-CRYPT}$2b$${this.#cost}$${DUMMY}`;
  }

  /**
   * Logs a user in.
   *
   * @throws {Refused} `bad-credentials`, the same for every cause; `unavailable` when the database
   * or the hash worker cannot say: never taken for a wrong password
   */
  async login(login: Login): Promise<User> {
    const { protocol, serverName = "", session, remote } = login;
    const labels = { protocol, server_name: serverName };
    const log = this.#options.log.with({ session, protocol, remote: remote.host });
    try {
      const user = await this.#check(login, log);
      this.#options.metrics.authenticationAttemptsTotal.inc({ ...labels, result: "success" });
      log.info("login", { account: user.accountId });
      return user;
    } catch (error) {
      const bad = error instanceof Refused && error.refusal.kind === "bad-credentials";
      const result = bad ? "failure" : "error";
      this.#options.metrics.authenticationAttemptsTotal.inc({ ...labels, result });
      if (bad) log.info("login-refused");
      else log.warning("login-unavailable", { error });
      throw error;
    }
  }

  async #check(login: Login, log: Log): Promise<User> {
    const address = parseAddress(login.address)?.base;
    const usable = isUsable(login.password);
    const found = address && usable ? await this.#options.accounts.credential(address) : null;
    const stored = found ? parsePasswordHash(found.passwordHash) : null;
    if (found && !stored) {
      log.warning("unknown-password-scheme", { account: found.accountId, id: found.credentialId });
    }
    if (!found || !stored) return await this.#refuse(usable ? login.password : "-");
    const { accountId, primaryAddress, passwordHash } = found;
    if (!await this.#verify(login.password, passwordHash, stored)) {
      if (this.#isFast(stored)) return await this.#refuse(login.password);
      throw new Refused({ kind: "bad-credentials" });
    }
    return { accountId, address: primaryAddress };
  }

  /** WHY: a hash that is computed sooner than the dummy would tell that the account exists. */
  #isFast(stored: PasswordHash): boolean {
    return stored.scheme === "sha512" || stored.scheme === "bcrypt" && stored.cost < this.#cost;
  }

  /** Takes the time that a wrong password takes, then refuses. */
  async #refuse(password: string): Promise<never> {
    await this.#options.hasher.verify(password, this.#dummyHash);
    throw new Refused({ kind: "bad-credentials" });
  }

  async #verify(password: string, hash: string, stored: PasswordHash): Promise<boolean> {
    const { authCacheOperationsTotal: cache } = this.#options.metrics;
    const known = this.#verified.has(password, hash);
    cache.inc({ result: known ? "hit" : "miss" });
    if (known) return true;
    const key = toBinary(this.#verified.digest(password, hash));
    const running = this.#running.get(key) ?? this.#hash(password, hash, stored);
    this.#running.set(key, running);
    try {
      return await running;
    } finally {
      this.#running.delete(key);
    }
  }

  async #hash(password: string, hash: string, stored: PasswordHash): Promise<boolean> {
    const { passwordVerificationAttemptsTotal: attempts } = this.#options.metrics;
    const right = await this.#options.hasher.verify(password, hash);
    attempts.inc({ hash_type: stored.scheme, result: right ? "success" : "failure" });
    if (right) this.#verified.add(password, hash);
    return right;
  }
}

function isUsable(password: string): boolean {
  return password !== "" && password.length <= PASSWORD_BYTES_MAX && !password.includes("\0");
}
