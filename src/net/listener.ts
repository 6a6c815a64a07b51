import { delay } from "../lib/delay.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import { Connection, ConnectionGone } from "./connection.ts";
import { type Endpoint, endpointOf } from "./endpoint.ts";

/** Connections that the kernel holds ready while the loop is busy. */
const BACKLOG = 1024;
/** WHY: without a pause, running out of descriptors makes the loop burn a core on 78,000 errors/s. */
const ERROR_PAUSE_MS = 50;

/** Who may come in. Asked once per accepted connection, before a byte is read. */
export interface Admission {
  /** A function that gives the place back, or the reason (a metric label) why there is none. */
  admit(host: string): (() => void) | "max_connections" | "max_connections_per_ip";
}

export interface ListenOptions {
  /** An address or name; "" = every address, IPv4 and IPv6. */
  readonly host: string;
  /** 0 = a free port. */
  readonly port: number;
  /** True when several isolates listen on the same port. */
  readonly reusePort?: boolean;
  /** For logs and metrics: "imap", "lmtp" … */
  readonly protocol: string;
  readonly serverName: string;
  readonly admission?: Admission;
  /** What a client is told that is not admitted: `* BYE …` or `421 …`, with its CRLF. */
  readonly busy?: string;
  /** See ConnectionOptions. */
  readonly sessionTimeoutMs?: number;
  /** Serves one connection until it is over; the listener ends the connection afterwards. */
  readonly onConnection: (connection: Connection) => Promise<void>;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Listens and serves. Throws what `Deno.listen` throws, `Deno.errors.AddrInUse` above all.
 */
export function listen(options: ListenOptions): Listener {
  const { port, reusePort = false } = options;
  const at = (hostname: string) =>
    new Listener(Deno.listen({ hostname, port, reusePort, tcpBacklog: BACKLOG }), options);
  if (options.host !== "") return at(options.host);
  try {
    return at("::"); // Dual-stack on Deno.
  } catch (error) {
    // WHY: on a machine without IPv6 there is no "::"; a port in use is another matter.
    if (error instanceof Deno.errors.AddrInUse) throw error;
    return at("0.0.0.0");
  }
}

/** One listening socket and the sessions that came through it. */
export class Listener implements AsyncDisposable {
  /** Where it listens, with the real port. */
  readonly addr: Endpoint;
  /** Every connection being served now. */
  readonly connections: ReadonlySet<Connection>;
  readonly #socket: Deno.TcpListener;
  readonly #options: ListenOptions;
  readonly #open = new Set<Connection>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;
  #closed = false;

  constructor(socket: Deno.TcpListener, options: ListenOptions) {
    this.#socket = socket;
    this.#options = options;
    this.addr = endpointOf(socket.addr);
    this.connections = this.#open;
    this.#accepting = this.#accept();
  }

  /** Stops accepting; sessions go on. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }

  /** Resolves when nothing is accepted any more and every session is over. */
  async finished(): Promise<void> {
    await this.#accepting;
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }

  /** Stops accepting and cuts every session off. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    for (const connection of this.#open) connection.close();
    await this.finished();
  }

  async #accept(): Promise<void> {
    while (!this.#closed) {
      try {
        this.#admit(await this.#socket.accept());
      } catch (error) {
        if (this.#closed) return;
        // QUIRK: Deno 2.9 accept() throws NotConnected for a peer that has reset already (#8499).
        if (error instanceof Deno.errors.NotConnected) continue;
        this.#options.log.warning("accept failed", { error });
        await delay(ERROR_PAUSE_MS);
      }
    }
  }

  #admit(socket: Deno.TcpConn): void {
    const { protocol, serverName: server_name, metrics, admission, sessionTimeoutMs } =
      this.#options;
    const connection = this.#prepare(socket, sessionTimeoutMs);
    if (!connection) return;
    const place = admission?.admit(connection.remote.host);
    if (typeof place === "string") {
      metrics.connectionsRefusedTotal.inc({ protocol, server_name, reason: place });
      connection.write(this.#options.busy ?? "");
      this.#track(connection.end());
      return;
    }
    this.#open.add(connection);
    this.#track(
      this.#serve(connection).finally(() => {
        this.#open.delete(connection);
        place?.();
      }),
    );
  }

  #prepare(socket: Deno.TcpConn, sessionTimeoutMs: number | undefined): Connection | null {
    try {
      socket.setNoDelay(true);
      socket.setKeepAlive(true);
    } catch {
      // WHY: a peer that has gone already is no reason for anything but forgetting it.
      socket.close();
      return null;
    }
    return Connection.over(socket, {
      remote: endpointOf(socket.remoteAddr),
      local: endpointOf(socket.localAddr),
      ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }),
    });
  }

  async #serve(connection: Connection): Promise<void> {
    const { protocol, serverName: server_name, metrics, onConnection, log } = this.#options;
    const started = performance.now();
    metrics.connectionsTotal.inc({ protocol, server_name });
    metrics.connectionsCurrent.inc({ protocol, server_name });
    try {
      await onConnection(connection);
    } catch (error) {
      if (!(error instanceof ConnectionGone)) {
        log.error("session failed", { session: connection.id, error });
      }
    }
    await connection.end();
    metrics.connectionsCurrent.dec({ protocol, server_name });
    const seconds = (performance.now() - started) / 1000;
    metrics.connectionDuration.observe({ protocol, server_name }, seconds);
    metrics.bytesThroughputTotal.inc({ protocol, direction: "in" }, connection.receivedBytes);
    metrics.bytesThroughputTotal.inc({ protocol, direction: "out" }, connection.sentBytes);
    this.#noteTimeout(connection);
  }

  #noteTimeout({ closeReason }: Connection): void {
    const { protocol, serverName: server_name, metrics } = this.#options;
    const reason = closeReason === null ? undefined : TIMEOUTS.get(closeReason);
    if (reason) metrics.connectionTimeoutsTotal.inc({ protocol, server_name, reason });
  }

  #track(task: Promise<void>): void {
    this.#tasks.add(task);
    void task.finally(() => this.#tasks.delete(task));
  }
}

/** A connection's close reason → the metric's label. */
const TIMEOUTS = new Map([
  ["idle", "idle"],
  ["slow", "slow"],
  ["stalled", "slow"],
  ["session", "absolute"],
]);
