import type { Connection } from "./connection.ts";
import type { Connector } from "./connector.ts";
import { translate } from "./database_error.ts";
import { compile, sql } from "./sql.ts";

/**
 * An advisory lock that lasts from here to the end, on a connection of its own. WHY not in a transaction:
 * that would keep the database from cleaning up for as long as the work takes.
 */
export class SessionLock implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #lost = new AbortController();

  private constructor(connection: Connection) {
    this.#connection = connection;
    void connection.closed.then(() => this.#lost.abort());
  }

  /** null: somebody else holds it, on whatever node. Throws `unavailable("database")`. */
  static async take(connector: Connector, key: number): Promise<SessionLock | null> {
    let connection: Connection | undefined;
    try {
      connection = await connector.connect({ shared: false });
      const [row] = await connection.run<{ taken: boolean }>(
        compile(sql`SELECT pg_try_advisory_lock(${key}::bigint) AS taken`),
      );
      if (row?.taken) return new SessionLock(connection);
      await connection.close();
      return null;
    } catch (error) {
      connection?.destroy();
      throw translate(error);
    }
  }

  /** Aborted when the connection is lost, and the lock with it. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** True when the lock is surely held: the server of the connection answers. */
  async isHeld(): Promise<boolean> {
    try {
      await this.#connection.script("SELECT 1");
      return !this.#lost.signal.aborted;
    } catch {
      this.#connection.destroy();
      return false;
    }
  }

  /** Gives it back. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }
}
