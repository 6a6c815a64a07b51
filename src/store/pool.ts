import type { Metrics } from "../observe/metrics.ts";
import type { Connection } from "./connection.ts";
import type { Connector } from "./connector.ts";
import { ConnectionError } from "./database_error.ts";

/** Longest wait for a connection when all are busy. */
const ACQUIRE_TIMEOUT_MS = 10_000;
/** Waiters beyond this are refused at once: the database is hopelessly behind. */
const WAITING_MAX = 10_000;

interface Waiter {
  readonly since: number;
  resolve(connection: Connection): void;
  reject(error: unknown): void;
}

interface Idle {
  readonly connection: Connection;
  readonly since: number;
}

/** Connections for one caller at a time: transactions, and statements that may wait for locks. */
export class Pool {
  readonly #idle: Idle[] = [];
  readonly #waiting: Waiter[] = [];
  readonly #busy = new Set<Connection>();
  readonly #gone = Promise.withResolvers<void>();
  #opening = 0;
  #ending = 0;
  #closed = false;

  constructor(
    readonly connector: Connector,
    readonly options: { readonly max: number; readonly metrics: Metrics; readonly role: string },
  ) {}

  /** Runs `work` with a connection of its own. */
  async use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await this.#acquire();
    try {
      return await work(connection);
    } finally {
      this.#release(connection);
    }
  }

  /** Once a second: ends what is idle or old, refuses who waited too long, reports. */
  tick(): void {
    const now = Date.now();
    const { maxConnIdleMs, minConnections } = this.connector.endpoint;
    for (const idle of [...this.#idle]) {
      const spare = this.#size > minConnections && now - idle.since > maxConnIdleMs;
      if (spare || this.#isOld(idle.connection)) {
        this.#idle.splice(this.#idle.indexOf(idle), 1);
        void this.#end(idle.connection);
      }
    }
    while (this.#waiting[0] && now - this.#waiting[0].since > ACQUIRE_TIMEOUT_MS) {
      this.options.metrics.dbConnectionAcquireTimeoutTotal.inc({ role: this.options.role });
      this.#waiting.shift()?.reject(new ConnectionError("timeout expired: no connection is free"));
    }
    this.#report();
  }

  /**
   * Ends idle connections now, busy ones when they are given back, those that are being opened when they
   * are; resolves when there is none left.
   */
  async close(): Promise<void> {
    this.#closed = true;
    for (const waiter of this.#waiting.splice(0)) waiter.reject(ended());
    for (const { connection } of this.#idle.splice(0)) void this.#end(connection);
    this.#settle();
    await this.#gone.promise;
  }

  get #size(): number {
    return this.#idle.length + this.#busy.size + this.#opening;
  }

  async #acquire(): Promise<Connection> {
    if (this.#closed) throw ended();
    const since = performance.now();
    const connection = this.#takeIdle() ?? await this.#wait();
    this.options.metrics.dbConnectionPoolWait.observe((performance.now() - since) / 1000);
    return connection;
  }

  #takeIdle(): Connection | undefined {
    // WHY: the one used last, so that spare ones grow idle and end.
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      if (idle.connection.isClosed) continue;
      this.#busy.add(idle.connection);
      return idle.connection;
    }
    return undefined;
  }

  /** For a new connection or one that is given back, whichever comes first. */
  #wait(): Promise<Connection> {
    if (this.#waiting.length >= WAITING_MAX) throw new ConnectionError("timeout expired: too many");
    const { promise, resolve, reject } = Promise.withResolvers<Connection>();
    this.#waiting.push({ since: Date.now(), resolve, reject });
    if (this.#size < this.options.max) void this.#open();
    else this.options.metrics.dbPoolExhaustionTotal.inc({ role: this.options.role });
    return promise;
  }

  /** Opens one more and gives it to whoever waits. Never rejects. */
  async #open(): Promise<void> {
    this.#opening++;
    try {
      const connection = await this.connector.connect({ shared: false });
      this.#opening--;
      this.#give(connection);
    } catch (error) {
      this.#opening--;
      // WHY: a server that takes no more connections still works for those that are there.
      if (this.#busy.size + this.#opening > 0) return;
      for (const waiter of this.#waiting.splice(0)) waiter.reject(error);
    } finally {
      this.#settle();
    }
  }

  #give(connection: Connection): void {
    if (this.#closed || connection.isClosed) {
      void this.#end(connection);
      return this.#openForWaiter();
    }
    const waiter = this.#waiting.shift();
    if (waiter) {
      this.#busy.add(connection);
      waiter.resolve(connection);
    } else this.#idle.push({ connection, since: Date.now() });
  }

  #release(connection: Connection): void {
    this.#busy.delete(connection);
    if (!this.#isOld(connection)) return this.#give(connection);
    void this.#end(connection);
    this.#openForWaiter();
  }

  /** Never rejects. */
  async #end(connection: Connection): Promise<void> {
    this.#ending++;
    await connection.close();
    this.#ending--;
    this.#settle();
  }

  #settle(): void {
    if (this.#closed && this.#size + this.#ending === 0) this.#gone.resolve();
  }

  /** WHY: a lost connection leaves a place free; whoever waits for one must not wait for ever. */
  #openForWaiter(): void {
    if (this.#waiting.length > 0 && this.#size < this.options.max) void this.#open();
  }

  #isOld(connection: Connection): boolean {
    const { maxConnLifetimeMs } = this.connector.endpoint;
    return maxConnLifetimeMs > 0 && Date.now() - connection.openedAt > maxConnLifetimeMs;
  }

  #report(): void {
    const { metrics, role } = this.options;
    metrics.dbPoolTotalConns.set({ role }, this.#size);
    metrics.dbPoolIdleConns.set({ role }, this.#idle.length);
    metrics.dbPoolInUseConns.set({ role }, this.#busy.size);
  }
}

function ended(): ConnectionError {
  return new ConnectionError("Connection ended: the pool is closed");
}
