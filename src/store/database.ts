import type { DatabaseConfig } from "../config/config.ts";
import { Refused } from "../lib/refused.ts";
import { translate } from "./database_error.ts";
import {
  DatabaseServer,
  type Observe,
  type Reader,
  type SearchOptions,
  type Transaction,
  type TransactionOptions,
  type WriteOptions,
} from "./database_server.ts";
import { Listener } from "./listener.ts";
import { SessionLock } from "./session_lock.ts";
import { type Sql, sql } from "./sql.ts";

export type { Observe, Reader, Transaction, TransactionOptions } from "./database_server.ts";
export { sql } from "./sql.ts";

/** Housekeeping of connections. */
const TICK_MS = 1_000;

/**
 * PostgreSQL as the stores see it. Trouble of the infrastructure is thrown as
 * `unavailable("database")`; an error about a statement or its data is thrown as it came.
 */
export class Database implements Reader, AsyncDisposable {
  readonly #observe: Observe;
  readonly #primary: DatabaseServer;
  readonly #replicas: readonly DatabaseServer[];
  readonly #listeners = new Set<Listener>();
  readonly #beforeClose: (() => Promise<void>)[] = [];
  readonly #ticker: ReturnType<typeof setInterval>;
  #turn = 0;

  private constructor(config: DatabaseConfig, observe: Observe) {
    this.#observe = observe;
    this.#primary = new DatabaseServer(config.write, { config, observe, role: "write" });
    this.#replicas = config.read.map((endpoint) =>
      new DatabaseServer(endpoint, { config, observe, role: "read" })
    );
    this.#ticker = setInterval(() => {
      for (const server of [this.#primary, ...this.#replicas]) server.tick();
    }, TICK_MS);
  }

  /** Connects once to see that the primary answers. */
  static async open(config: DatabaseConfig, observe: Observe): Promise<Database> {
    const database = new Database(config, observe);
    try {
      await database.ping();
      return database;
    } catch (error) {
      await database[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** True when `read` may be answered by a replica. */
  get hasReplicas(): boolean {
    return this.#replicas.length > 0;
  }

  /** One of the replicas, in turn; null when there is none. */
  replica(): Reader | null {
    return this.#replicas[this.#turn++ % Math.max(1, this.#replicas.length)] ?? null;
  }

  /** A short autocommit statement on the primary; never one that may wait for a row lock. */
  query<R>(statement: Sql): Promise<R[]> {
    return this.#primary.query<R>(statement);
  }

  /** Like `query`, from a replica if there is one that answers: it may lag behind. */
  async read<R>(statement: Sql): Promise<R[]> {
    const replica = this.replica();
    if (!replica) return await this.query<R>(statement);
    try {
      return await replica.query<R>(statement);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return await this.query<R>(statement);
    }
  }

  /** A read that may take long (`searchTimeoutMs`), on a connection of its own. */
  search<R>(statement: Sql, options?: SearchOptions): Promise<R[]> {
    return this.#primary.search<R>(statement, options);
  }

  /** One autocommit statement that may wait for row locks. */
  write<R>(statement: Sql, options: WriteOptions = {}): Promise<R[]> {
    return this.#primary.write<R>(statement, options);
  }

  /**
   * Everything in `work` is committed together; after a deadlock it is run again, so it must not
   * change anything outside of the database.
   */
  transaction<T>(
    work: (tx: Transaction) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    return this.#primary.transaction(work, options);
  }

  /** Hears a channel; `onGap` after every (re)connection, as notices may have been missed. */
  async listen(
    channel: string,
    onNotice: (payload: string) => void,
    onGap: () => void,
  ): Promise<AsyncDisposable> {
    const { log } = this.#observe;
    const listener = new Listener(this.#primary.connector, { channel, onNotice, onGap, log });
    await listener.started.catch((error) => {
      throw translate(error);
    });
    this.#listeners.add(listener);
    return {
      [Symbol.asyncDispose]: async () => {
        this.#listeners.delete(listener);
        await listener.close();
      },
    };
  }

  /** Takes a lock of the whole cluster for longer than a transaction; null: somebody else has it. */
  hold(key: number): Promise<SessionLock | null> {
    return SessionLock.take(this.#primary.connector, key);
  }

  /** Sends a notice. */
  async notify(channel: string, payload: string): Promise<void> {
    await this.query(sql`SELECT pg_notify(${channel}, ${payload})`);
  }

  /** Throws unless the primary answers. */
  async ping(): Promise<void> {
    await this.query(sql`SELECT 1`);
  }

  /** Something that still has to reach the database when it is closed. */
  beforeClose(finish: () => Promise<void>): void {
    this.#beforeClose.push(finish);
  }

  /** Ends every connection; statements and transactions that are running end first. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      for (const finish of this.#beforeClose) await finish();
      await Promise.all([...this.#listeners].map((listener) => listener.close()));
      await Promise.all([this.#primary, ...this.#replicas].map((server) => server.close()));
    } finally {
      clearInterval(this.#ticker); // WHY last: a silent server must not keep anything from ending.
    }
  }
}
