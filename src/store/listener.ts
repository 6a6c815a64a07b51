import { delay } from "../lib/delay.ts";
import type { Log } from "../observe/log.ts";
import type { Connection } from "./connection.ts";
import type { Connector } from "./connector.ts";

/** Between two attempts to connect again. */
const RECONNECT_MS = 250;
/** A silent LISTEN connection is asked for life this often. */
const PROBE_MS = 30_000;

/** What a listener needs. */
export interface ListenerOptions {
  readonly channel: string;
  readonly onNotice: (payload: string) => void;
  /** After every connection: notices from before it may have been missed. */
  readonly onGap: () => void;
  readonly log: Log;
}

/** One connection that LISTENs, and is opened again for as long as it takes. */
export class Listener {
  /** Resolves when LISTEN is in force for the first time; rejects when that fails. */
  readonly started: Promise<void>;
  readonly #connector: Connector;
  readonly #options: ListenerOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(connector: Connector, options: ListenerOptions) {
    this.#connector = connector;
    this.#options = options;
    const first = this.#connect();
    this.started = first.then(() => {});
    this.#running = this.#run(first);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(first: Promise<Connection>): Promise<void> {
    let connection = await first.catch(() => undefined);
    if (!connection) return;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      if (connection) await this.#hear(connection);
      if (signal.aborted) break;
      this.#options.log.warning("listener-lost", { channel: this.#options.channel });
      await delay(RECONNECT_MS, signal);
      connection = await this.#connect().catch(() => undefined);
    }
    await connection?.close();
  }

  /** Until the connection is lost or the listener is closed. */
  async #hear(connection: Connection): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted && !connection.isClosed) {
      const lost = new AbortController();
      void connection.closed.then(() => lost.abort());
      await delay(PROBE_MS, signal, lost.signal);
      if (signal.aborted || connection.isClosed) break;
      // WHY: a connection that only listens would never notice that its peer is gone.
      await connection.script("SELECT 1").catch(() => connection.destroy());
    }
    if (signal.aborted) await connection.close();
  }

  async #connect(): Promise<Connection> {
    const connection = await this.#connector.connect({ shared: false });
    connection.onNotice = (channel, payload) => {
      if (channel === this.#options.channel) this.#options.onNotice(payload);
    };
    try {
      await connection.script(`LISTEN "${this.#options.channel.replaceAll('"', '""')}"`);
    } catch (error) {
      connection.destroy();
      throw error;
    }
    this.#options.onGap();
    return connection;
  }
}
