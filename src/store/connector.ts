import type { DatabaseEndpoint } from "../config/config.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { ConnectionError } from "./database_error.ts";

/** First pause after a failure, doubled up to the longest. */
const PAUSE_MS = 50;
const PAUSE_MAX_MS = 2_000;

/**
 * Opens connections to one endpoint: its hosts in order, the one that worked last before all others, with a
 * pause after all have failed.
 */
export class Connector {
  readonly #connections = new Set<Connection>();
  #failures = 0;
  #retryAt = 0;
  #lastError: unknown;
  #lastHost: string | undefined;

  constructor(
    readonly endpoint: DatabaseEndpoint,
    readonly options: Omit<ConnectionOptions, "shared" | "statementTimeoutMs"> & {
      /** Of statements on shared connections, which are reads. */
      readonly queryTimeoutMs: number;
      /** Of statements on all others. */
      readonly writeTimeoutMs: number;
    },
  ) {}

  /** A new connection; fails at once while the pause lasts. */
  async connect(options: { readonly shared: boolean }): Promise<Connection> {
    if (Date.now() < this.#retryAt) {
      throw new ConnectionError("Connection terminated", { cause: this.#lastError });
    }
    for (const host of this.#hosts()) {
      try {
        const connection = await Connection.open(this.endpoint, host, {
          ...this.options,
          ...options,
          statementTimeoutMs: this.options[options.shared ? "queryTimeoutMs" : "writeTimeoutMs"],
        });
        this.#failures = 0;
        this.#retryAt = 0;
        this.#lastHost = host;
        this.#connections.add(connection);
        void connection.closed.then(() => this.#connections.delete(connection));
        return connection;
      } catch (error) {
        this.#lastError = error;
      }
    }
    this.#pause();
    throw this.#lastError;
  }

  /** Gives up connections whose server has fallen silent. */
  checkStuck(): number {
    const now = Date.now();
    let stuck = 0;
    for (const connection of this.#connections) {
      if (!connection.isStuck(now)) continue;
      connection.destroy();
      stuck++;
    }
    return stuck;
  }

  /** WHY: after a failover, an attempt at the machine that is gone may last until its timeout, each time. */
  #hosts(): readonly string[] {
    const { hosts } = this.endpoint;
    const last = this.#lastHost;
    return last === undefined ? hosts : [last, ...hosts.filter((host) => host !== last)];
  }

  #pause(): void {
    const pause = Math.min(PAUSE_MAX_MS, PAUSE_MS * 2 ** Math.min(this.#failures++, 10));
    // WHY: a random half, so that the workers of all nodes do not come back in one wave.
    this.#retryAt = Date.now() + pause * (0.5 + Math.random() / 2);
  }
}
