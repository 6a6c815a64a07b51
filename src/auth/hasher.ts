import { Refused, unavailable } from "../lib/refused.ts";
import { type Port, Rpc } from "../lib/rpc.ts";
import type { HashScheme } from "./password_limits.ts";

/** Slow hashes, wherever they are computed. */
export interface Hasher {
  /** @throws {Refused} `unavailable("hashing")` when too many wait or the worker is gone */
  verify(password: string, hash: string): Promise<boolean>;
  /** A new hash for storage. @throws {Refused} `limit` for an unusable password */
  hash(password: string): Promise<string>;
}

/** What a hash worker answers on each of its ports. */
export type HashProcedures = {
  readonly verify: (password: string, hash: string) => Promise<boolean>;
  readonly hash: (password: string, scheme: HashScheme) => Promise<string>;
};

/**
 * Passwords that may wait for the hash worker. WHY: at 70 ms each the last one waits some 4 s on one
 * core; in a login storm those behind it would be answered after their clients had given up.
 */
const WAITING_MAX = 64;
/** Nobody waits longer for a login. */
const ANSWER_MS = 30_000;

/** Hashes in the hash worker behind a MessagePort. */
export class RemoteHasher implements Hasher {
  readonly #scheme: HashScheme;
  #rpc: Rpc<Record<never, never>, HashProcedures>;
  #waiting = 0;

  constructor(
    port: Port & Partial<Pick<MessagePort, "start">>,
    scheme: HashScheme,
    /** In milliseconds. */
    readonly options: { readonly answerMs?: number } = {},
  ) {
    this.#scheme = scheme;
    this.#rpc = connect(port);
  }

  /** Goes over to the port of a new worker; what waits for the old one is refused as unavailable. */
  reconnect(port: Port & Partial<Pick<MessagePort, "start">>): void {
    this.close();
    this.#rpc = connect(port);
  }

  /** Refuses what waits and everything that comes. */
  close(): void {
    this.#rpc.close(new Error("Cannot hash: the hash worker is gone"));
  }

  verify(password: string, hash: string): Promise<boolean> {
    return this.#ask((worker) => worker.verify(password, hash));
  }

  hash(password: string): Promise<string> {
    return this.#ask((worker) => worker.hash(password, this.#scheme));
  }

  async #ask<T>(work: (worker: Worker) => Promise<T>): Promise<T> {
    if (this.#waiting >= WAITING_MAX) throw unavailable("hashing", new Error("queue is full"));
    const { answerMs = ANSWER_MS } = this.options;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error("no answer in time")), answerMs);
    try {
      return await Promise.race([this.#counted(work), late.promise]);
    } catch (error) {
      throw error instanceof Refused ? error : unavailable("hashing", error);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * WHY: a password that nobody waits for any more is hashed all the same. Were its place given
   * away, a storm would queue up ever more of them, and no answer would come in time again.
   */
  async #counted<T>(work: (worker: Worker) => Promise<T>): Promise<T> {
    this.#waiting++;
    try {
      return await work(this.#rpc.remote);
    } finally {
      this.#waiting--;
    }
  }
}

type Worker = Rpc<Record<never, never>, HashProcedures>["remote"];

function connect(
  port: Port & Partial<Pick<MessagePort, "start">>,
): Rpc<Record<never, never>, HashProcedures> {
  const rpc = new Rpc<Record<never, never>, HashProcedures>(port, {});
  port.start?.();
  return rpc;
}
