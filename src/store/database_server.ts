import type { DatabaseConfig, DatabaseEndpoint } from "../config/config.ts";
import { Turns } from "../lib/turns.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import { wasCommitted } from "./commit_outcome.ts";
import { type Connection, SILENCE_MS } from "./connection.ts";
import { Connector } from "./connector.ts";
import { breaksConnection, mayRunAgain, sqlState, translate } from "./database_error.ts";
import { Pool } from "./pool.ts";
import { runOn } from "./run_on.ts";
import { SharedConnections } from "./shared_connections.ts";
import { compile, type Sql, sql, type Statement } from "./sql.ts";

/** Pipelined connections: more bring nothing, fewer let a long answer delay short ones. */
const SHARED_MAX = 3;
/** Runs of a transaction after deadlocks, and of a read after lost connections. */
const ATTEMPTS_MAX = SHARED_MAX + 1;

/** Undoes for one transaction what connections are set up with: see `ConnectionOptions`. */
const PLANNED_FREELY = "; SET LOCAL plan_cache_mode = auto; SET LOCAL enable_seqscan = on; " +
  "SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on";

/** The transaction's id, in the same round trip: who does not know it can never ask how it ended. */
const WITH_ID = "; SELECT pg_current_xact_id()::text AS id";

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

/** How a transaction is run. */
export interface TransactionOptions {
  /** For each statement; 0 = none. */
  readonly timeoutMs?: number;
  /** For each wait for a lock; 0 = none. */
  readonly lockTimeoutMs?: number;
  /** The planner may take any plan, for statements that read or change a great part of a table. */
  readonly plannedFreely?: boolean;
  /** It writes nothing, so that nobody has to know whether it was committed. */
  readonly readOnly?: boolean;
  /** Ends the transaction, also in the database; the reason of the signal is thrown. */
  readonly signal?: AbortSignal;
}

/** How a statement is run. */
export interface WriteOptions {
  /** To run it twice is to run it once: it is run again when its answer was lost. */
  readonly repeatable?: boolean;
  /** Called before it is run again: it may have taken effect already. */
  readonly onRepeat?: () => void;
}

/** Where reads go: the primary or one replica. */
export interface Reader {
  /** A short autocommit statement. */
  query<R>(statement: Sql): Promise<R[]>;
  /** A read that may take long (`searchTimeoutMs`), on a connection of its own. */
  search<R>(statement: Sql, options?: SearchOptions): Promise<R[]>;
}

/** How a long read is run. */
export interface SearchOptions {
  /** Ends the work in the database, too; the reason of the signal is thrown. */
  readonly signal?: AbortSignal;
}

/** What a server is for, and how statements are counted. */
export type Role = "read" | "write";

/** All connections of this isolate to one server (or to the hosts that may stand in for it). */
export class DatabaseServer implements Reader {
  readonly connector: Connector;
  readonly #config: DatabaseConfig;
  readonly #observe: Observe;
  readonly #role: Role;
  readonly #shared: SharedConnections;
  readonly #pool: Pool;
  /** WHY: they may take long, and half of the pool is for those who write. */
  readonly #searches: Turns;

  constructor(
    endpoint: DatabaseEndpoint,
    options: { readonly config: DatabaseConfig; readonly observe: Observe; readonly role: Role },
  ) {
    const { config, observe, role } = options;
    this.#config = config;
    this.#observe = observe;
    this.#role = role;
    this.connector = new Connector(endpoint, {
      applicationName: "sora",
      queryTimeoutMs: config.queryTimeoutMs,
      writeTimeoutMs: config.writeTimeoutMs,
      lockTimeoutMs: config.lockTimeoutMs,
      primary: role === "write",
    });
    const count = Math.max(1, Math.min(SHARED_MAX, Math.floor(endpoint.maxConnections / 4)));
    this.#shared = new SharedConnections(this.connector, { count });
    // WHY: one more is kept for LISTEN.
    const max = Math.max(1, endpoint.maxConnections - count - 1);
    this.#pool = new Pool(this.connector, { max, metrics: observe.metrics, role });
    this.#searches = new Turns(Math.max(1, Math.floor(max / 2)));
  }

  query<R>(statement: Sql): Promise<R[]> {
    return this.#run<R>("query", statement, (compiled) => this.#shared.run<R>(compiled));
  }

  search<R>(statement: Sql, { signal }: SearchOptions = {}): Promise<R[]> {
    const { searchTimeoutMs } = this.#config;
    const options = {
      timeoutMs: searchTimeoutMs,
      readOnly: true,
      plannedFreely: true,
      ...(signal ? { signal } : {}),
    };
    const run = () => this.transaction((tx) => tx.query<R>(statement), options);
    return this.#searches.run(run, signal);
  }

  /** One autocommit statement on a connection of its own. */
  write<R>(statement: Sql, options: WriteOptions = {}): Promise<R[]> {
    return this.#run<R>(
      "write",
      statement,
      (compiled) => this.#pool.use((connection) => runOn<R>(connection, compiled)),
      options,
    );
  }

  /** Runs `work` between BEGIN and COMMIT, again after a deadlock. */
  async transaction<T>(
    work: (tx: Transaction) => Promise<T>,
    options: TransactionOptions,
  ): Promise<T> {
    const timeoutMs = options.timeoutMs ?? this.#config.writeTimeoutMs;
    const begin = beginning(options);
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#pool.use(async (connection) => {
          const patienceMs = connection.patienceMs;
          connection.patienceMs = timeoutMs === 0 ? Infinity : timeoutMs + SILENCE_MS;
          const cancel = () => void this.#cancel(connection);
          options.signal?.addEventListener("abort", cancel, { once: true });
          try {
            options.signal?.throwIfAborted();
            return await this.#attempt(connection, begin, work);
          } finally {
            options.signal?.removeEventListener("abort", cancel);
            connection.patienceMs = patienceMs;
          }
        });
      } catch (error) {
        options.signal?.throwIfAborted();
        if (!mayRunAgain(error) || attempt >= ATTEMPTS_MAX) throw this.#failed(error);
        this.#observe.metrics.dbTransactionsTotal.inc({ status: "retry" });
      }
    }
  }

  /**
   * Ends what runs on a connection, and the connection with it. WHY: a cancellation may come late, and
   * must not hit the next statement instead.
   */
  async #cancel(connection: Connection): Promise<void> {
    connection.destroy();
    const { processId } = connection;
    try {
      await this.query(sql`SELECT pg_cancel_backend(${processId}::int)`);
    } catch (error) {
      this.#observe.log.debug("search-not-cancelled", { error });
    }
  }

  /** Once a second. */
  tick(): void {
    this.#pool.tick();
    const stuck = this.connector.checkStuck();
    if (stuck > 0) this.#observe.log.warning("database-silent", { connections: stuck });
  }

  async close(): Promise<void> {
    await Promise.all([this.#pool.close(), this.#shared.close()]);
  }

  async #attempt<T>(
    connection: Connection,
    begin: string,
    work: (tx: Transaction) => Promise<T>,
  ): Promise<T> {
    const since = performance.now();
    const { metrics } = this.#observe;
    try {
      const witnesses = this.#shared.open;
      const begun = connection.scriptRows<{ id?: string }>(begin);
      begun.catch(() => {}); // WHY: whoever comes first reports it.
      // WHY: the first statement is sent along, one round trip less; it is worth nothing if this fails.
      const after = async <R>(answer: Promise<R>): Promise<R> =>
        (await Promise.all([begun, answer]))[1];
      const result = await work({
        query: (statement) => after(connection.run(compile(statement))),
        script: async (text) => void await after(connection.script(text)),
      });
      const [row] = await begun;
      await this.#commit(connection, { id: row?.id, witnesses });
      metrics.dbTransactionsTotal.inc({ status: "commit" });
      return result;
    } catch (error) {
      metrics.dbTransactionsTotal.inc({ status: "rollback" });
      await rollBack(connection, error);
      throw error;
    } finally {
      metrics.dbTransactionDuration.observe((performance.now() - since) / 1000);
    }
  }

  /** Resolves only for a transaction that surely took effect. */
  async #commit(
    connection: Connection,
    { id, witnesses }: {
      readonly id: string | undefined;
      readonly witnesses: readonly Connection[];
    },
  ): Promise<void> {
    try {
      const tag = await connection.script("COMMIT");
      // WHY: a transaction that failed inside answers COMMIT with ROLLBACK, without an error.
      if (tag !== "COMMIT") throw new TransactionEnded(tag);
    } catch (error) {
      if (error instanceof TransactionEnded || !breaksConnection(error)) throw error;
      connection.destroy();
      const committed = id === undefined ? null : await wasCommitted(id, witnesses);
      this.#observe.log.warning("commit-unanswered", { committed, error });
      if (!committed) throw error;
    }
  }

  async #run<R>(
    operation: string,
    statement: Sql,
    run: (statement: Statement) => Promise<R[]>,
    { repeatable = false, onRepeat }: WriteOptions = {},
  ): Promise<R[]> {
    const since = performance.now();
    const { metrics, log } = this.#observe;
    const role = this.#role;
    const compiled = compile(statement);
    let status = "success";
    try {
      return await patiently(() => run(compiled), {
        repeatable: repeatable || compiled.isPureRead,
        onRepeat: onRepeat ?? (() => {}),
      });
    } catch (error) {
      status = "error";
      throw this.#failed(error);
    } finally {
      const tookMs = performance.now() - since;
      metrics.dbQueriesTotal.inc({ operation, status, role });
      metrics.dbQueryDuration.observe({ operation, role }, tookMs / 1000);
      if (this.#config.debug) log.debug("statement", { sql: compiled.text, tookMs });
    }
  }

  #failed(error: unknown): unknown {
    const translated = translate(error);
    if (translated !== error) {
      this.#observe.log.warning("database-trouble", { role: this.#role, error });
    }
    return translated;
  }
}

/** BEGIN and what differs from what the connection was set up with. */
function beginning(options: TransactionOptions): string {
  const { timeoutMs, lockTimeoutMs, plannedFreely, readOnly } = options;
  const set = (name: string, value: number | undefined) =>
    value === undefined ? "" : `; SET LOCAL ${name} = ${Math.trunc(value)}`;
  return "BEGIN" + set("statement_timeout", timeoutMs) + set("lock_timeout", lockTimeoutMs) +
    (plannedFreely ? PLANNED_FREELY : "") + (readOnly ? "" : WITH_ID);
}

/** A server that is well did not commit: some statement had failed, and somebody ignored it. */
class TransactionEnded extends Error {
  override readonly name = "TransactionEnded";

  constructor(tag: string) {
    super(`Transaction ended with ${tag}`);
  }
}

/**
 * Runs what is repeatable again when its connection was lost on the way, and anything after a
 * deadlock. WHY: after a restart of the server every shared connection may be dead without knowing it.
 */
async function patiently<T>(
  run: () => Promise<T>,
  { repeatable, onRepeat }: Required<WriteOptions>,
): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await run();
    } catch (error) {
      const again = mayRunAgain(error) || breaksConnection(error) && repeatable;
      if (!again || attempt >= ATTEMPTS_MAX) throw error;
      onRepeat();
    }
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
