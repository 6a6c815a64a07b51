import type { DatabaseConfig, DatabaseEndpoint } from "../config/config.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Connection } from "./connection.ts";
import { Connector } from "./connector.ts";
import { breaksConnection, mayRunAgain, sqlState, translate } from "./database_error.ts";
import { Listener } from "./listener.ts";
import { Pool } from "./pool.ts";
import { SharedConnections } from "./shared_connections.ts";
import { compile, type Sql, sql } from "./sql.ts";

export { sql } from "./sql.ts";

/** Pipelined connections: more bring nothing, fewer let a long answer delay short ones. */
const SHARED_MAX = 3;
/** Runs of a transaction after deadlocks, and of a read after lost connections. */
const ATTEMPTS_MAX = SHARED_MAX + 1;
/** Housekeeping of connections. */
const TICK_MS = 1_000;

/** Where the database reports to. */
export interface Observe {
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Statements between BEGIN and COMMIT. */
export interface Transaction {
  query<R>(statement: Sql): Promise<R[]>;
  /** Several statements without parameters, e.g. a migration. */
  script(text: string): Promise<void>;
}

type Role = "read" | "write";

/** PostgreSQL as the stores see it. Trouble is thrown as `unavailable("database")`. */
export class Database implements AsyncDisposable {
  readonly #config: DatabaseConfig;
  readonly #observe: Observe;
  readonly #primary: Connector;
  readonly #shared: SharedConnections;
  readonly #pool: Pool;
  readonly #replicas: readonly { connector: Connector; shared: SharedConnections }[];
  readonly #listeners = new Set<Listener>();
  readonly #beforeClose: (() => Promise<void>)[] = [];
  readonly #ticker: ReturnType<typeof setInterval>;
  #turn = 0;

  private constructor(config: DatabaseConfig, observe: Observe) {
    this.#config = config;
    this.#observe = observe;
    const options = {
      applicationName: "sora",
      statementTimeoutMs: config.queryTimeoutMs,
      lockTimeoutMs: config.lockTimeoutMs,
    };
    const { maxConnections } = config.write;
    const shared = Math.max(1, Math.min(SHARED_MAX, Math.floor(maxConnections / 4)));
    this.#primary = new Connector(config.write, { ...options, primary: true });
    this.#shared = new SharedConnections(this.#primary, { count: shared });
    this.#pool = new Pool(this.#primary, {
      max: Math.max(1, maxConnections - shared),
      metrics: observe.metrics,
      role: "write",
    });
    this.#replicas = config.read.map((endpoint: DatabaseEndpoint) => {
      const connector = new Connector(endpoint, { ...options, primary: false });
      const count = Math.max(1, Math.min(SHARED_MAX, endpoint.maxConnections));
      return { connector, shared: new SharedConnections(connector, { count }) };
    });
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
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

  /** A short autocommit statement on the primary; never one that may wait for a row lock. */
  query<R>(statement: Sql): Promise<R[]> {
    return this.#run<R>(statement, "query", "write", (it) => this.#shared.run<R>(it));
  }

  /** Like `query`, from a replica if there is one: the answer may lag behind. */
  async read<R>(statement: Sql): Promise<R[]> {
    const replica = this.#replicas[this.#turn++ % Math.max(1, this.#replicas.length)];
    if (!replica) return await this.query<R>(statement);
    try {
      return await this.#run<R>(statement, "read", "read", (it) => replica.shared.run<R>(it));
    } catch (error) {
      this.#observe.log.warning("replica-failed", { error });
      return await this.query<R>(statement);
    }
  }

  /** A read that may take long (`searchTimeoutMs`), on a connection of its own. */
  search<R>(statement: Sql): Promise<R[]> {
    return this.transaction((tx) => tx.query<R>(statement), {
      timeoutMs: this.#config.searchTimeoutMs,
    });
  }

  /** One autocommit statement that may wait for row locks. */
  write<R>(statement: Sql): Promise<R[]> {
    return this.#run<R>(
      statement,
      "write",
      "write",
      (it) => this.#pool.use((connection) => runOn<R>(connection, it)),
    );
  }

  /**
   * Everything in `work` is committed together; after a deadlock it is run again, so it must not
   * change anything outside of the database. `timeoutMs` is for each statement, 0 = none.
   */
  async transaction<T>(
    work: (tx: Transaction) => Promise<T>,
    options: { readonly timeoutMs?: number; readonly lockTimeoutMs?: number } = {},
  ): Promise<T> {
    const { writeTimeoutMs } = this.#config;
    const timeoutMs = Math.trunc(options.timeoutMs ?? writeTimeoutMs);
    const lockTimeoutMs = Math.trunc(options.lockTimeoutMs ?? this.#config.lockTimeoutMs);
    const begin = `BEGIN; SET LOCAL statement_timeout = ${timeoutMs}; ` +
      `SET LOCAL lock_timeout = ${lockTimeoutMs}`;
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#pool.use((connection) => {
          connection.patienceMs = patience(Math.max(timeoutMs, lockTimeoutMs), timeoutMs === 0);
          return this.#attempt(connection, begin, work);
        });
      } catch (error) {
        if (!mayRunAgain(error) || attempt >= ATTEMPTS_MAX) throw this.#failed(error);
        this.#observe.metrics.dbTransactionsTotal.inc({ status: "retry" });
      }
    }
  }

  /** Hears a channel; `onGap` after every (re)connection, as notices may have been missed. */
  async listen(
    channel: string,
    onNotice: (payload: string) => void,
    onGap: () => void,
  ): Promise<AsyncDisposable> {
    const listener = new Listener(this.#primary, { channel, onNotice, onGap, ...this.#observe });
    this.#listeners.add(listener);
    await listener.started;
    return {
      [Symbol.asyncDispose]: async () => {
        this.#listeners.delete(listener);
        await listener.close();
      },
    };
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

  /** Ends every connection; transactions that are running end first. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const finish of this.#beforeClose) await finish();
    clearInterval(this.#ticker);
    await Promise.all([...this.#listeners].map((listener) => listener.close()));
    await Promise.all([
      this.#pool.close(),
      this.#shared.close(),
      ...this.#replicas.map(({ shared }) => shared.close()),
    ]);
  }

  async #attempt<T>(
    connection: Connection,
    begin: string,
    work: (tx: Transaction) => Promise<T>,
  ): Promise<T> {
    const since = performance.now();
    const { metrics } = this.#observe;
    try {
      await connection.script(begin);
      const result = await work({
        query: (statement) => connection.run(compile(statement)),
        script: async (text) => void await connection.script(text),
      });
      const tag = await connection.script("COMMIT");
      // WHY: a transaction that failed inside answers COMMIT with ROLLBACK, without an error.
      if (tag !== "COMMIT") throw new Error(`Transaction ended with ${tag}`);
      metrics.dbTransactionsTotal.inc({ status: "commit" });
      return result;
    } catch (error) {
      metrics.dbTransactionsTotal.inc({ status: "rollback" });
      await rollBack(connection, error);
      throw error;
    } finally {
      connection.patienceMs = patience(this.#config.queryTimeoutMs, false);
      metrics.dbTransactionDuration.observe((performance.now() - since) / 1000);
    }
  }

  async #run<R>(
    statement: Sql,
    operation: string,
    role: Role,
    run: (statement: ReturnType<typeof compile>) => Promise<R[]>,
  ): Promise<R[]> {
    const since = performance.now();
    const { metrics, log } = this.#observe;
    const compiled = compile(statement);
    let status = "success";
    try {
      return await this.#patiently(compiled.text, () => run(compiled));
    } catch (error) {
      status = "error";
      throw this.#failed(error);
    } finally {
      const tookMs = performance.now() - since;
      metrics.dbQueriesTotal.inc({ operation, status, role });
      metrics.dbQueryDuration.observe({ operation, role }, tookMs / 1000);
      if (this.#config.debug) log.debug("statement", { text: compiled.text, tookMs });
    }
  }

  /**
   * Runs a pure read again when its connection was lost on the way, and anything after a deadlock.
   * WHY: after a restart of the server every shared connection may be dead without knowing it.
   */
  async #patiently<T>(text: string, run: () => Promise<T>): Promise<T> {
    const isRead = /^\s*SELECT\b(?!.*\bFOR (?:NO KEY )?UPDATE\b)/s.test(text);
    for (let attempt = 1;; attempt++) {
      try {
        return await run();
      } catch (error) {
        const again = mayRunAgain(error) || isRead && breaksConnection(error);
        if (!again || attempt >= ATTEMPTS_MAX) throw error;
      }
    }
  }

  #failed(error: unknown): unknown {
    const translated = translate(error);
    if (translated !== error) this.#observe.log.warning("database-trouble", { error });
    return translated;
  }

  #tick(): void {
    this.#pool.tick();
    for (const connector of [this.#primary, ...this.#replicas.map((it) => it.connector)]) {
      const stuck = connector.checkStuck();
      if (stuck > 0) this.#observe.log.warning("database-silent", { connections: stuck });
    }
  }
}

async function runOn<R>(
  connection: Connection,
  statement: ReturnType<typeof compile>,
): Promise<R[]> {
  try {
    return await connection.run<R>(statement);
  } catch (error) {
    if (breaksConnection(error)) connection.destroy();
    throw error;
  }
}

async function rollBack(connection: Connection, error: unknown): Promise<void> {
  if (sqlState(error) !== null && breaksConnection(error)) return connection.destroy();
  try {
    await connection.script("ROLLBACK");
  } catch {
    connection.destroy();
  }
}

/** How long a connection may be silent. */
function patience(timeoutMs: number, endless: boolean): number {
  return endless ? Infinity : timeoutMs + 5_000;
}
