import type { ImapServerConfig, LmtpServerConfig } from "../config/config.ts";
import { serveImap } from "../imap/connection.ts";
import { Networks } from "../limits/networks.ts";
import { SearchRate } from "../limits/search_rate.ts";
import { serveLmtp } from "../lmtp/mod.ts";
import type { Connection } from "../net/connection.ts";
import { type Admission, listen, type Listener } from "../net/listener.ts";
import { logger } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import { SharedAdmission } from "./shared_admission.ts";
import type { WorkerServices } from "./worker_services.ts";
import type { WorkerSettings } from "./worker_protocol.ts";

type MailServer = ImapServerConfig | LmtpServerConfig;

export interface ListenersOptions {
  readonly settings: WorkerSettings;
  readonly services: WorkerServices;
  readonly metrics: Metrics;
  /** Aborted when sessions shall end. */
  readonly draining: AbortSignal;
}

/** What a client is told when a server is full. */
const BUSY: Record<MailServer["type"], string> = {
  imap: "* BYE [UNAVAILABLE] Too many connections, try again later\r\n", // RFC 3501 §7.1.5
  lmtp: "421 4.3.2 Too many connections, try again later\r\n", // RFC 5321 §3.8
};

/** Starts every mail server of the configuration in this worker; all or none. */
export function openListeners(options: ListenersOptions): Listener[] {
  const { config } = options.settings;
  const servers = config.servers.filter((server) => server.type !== "metrics");
  const listeners: Listener[] = [];
  try {
    for (const [index, server] of servers.entries()) {
      const admission = admissionTo(server, { index, servers: servers.length, options });
      listeners.push(open(server, admission, options));
    }
    return listeners;
  } catch (error) {
    for (const listener of listeners) listener.close();
    throw error;
  }
}

function open(server: MailServer, admission: Admission, options: ListenersOptions): Listener {
  const { type, name, addr, absoluteSessionTimeoutMs } = server;
  try {
    return listen({
      ...addr,
      reusePort: options.settings.workers > 1,
      protocol: type,
      serverName: name,
      admission,
      busy: BUSY[type],
      sessionTimeoutMs: absoluteSessionTimeoutMs,
      onConnection: sessions(server, options),
      log: logger(type).with({ server: name }),
      metrics: options.metrics,
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`server ${name}: cannot listen on ${addr.host}:${addr.port}: ${why}`, {
      cause: error,
    });
  }
}

function sessions(
  server: MailServer,
  { settings, services, metrics, draining }: ListenersOptions,
): (connection: Connection) => Promise<void> {
  const spoolDir = settings.folders.spool;
  const log = logger(server.type).with({ server: server.name });
  const shared = { ...services, spoolDir, metrics, draining, log };
  if (server.type === "lmtp") return serveLmtp(shared, server);
  const searchRate = new SearchRate({
    perMinute: server.searchRateLimitPerMin,
    windowMs: server.searchRateLimitWindowMs,
  });
  return serveImap({ ...shared, config: server, searchRate });
}

function admissionTo(
  server: MailServer,
  { index, servers, options }: {
    readonly index: number;
    readonly servers: number;
    readonly options: ListenersOptions;
  },
): Admission {
  const { number, counts } = options.settings;
  const { maxConnections, maxConnectionsPerIp } = server;
  // WHY: an MTA delivers over as many connections as it likes, all from one address.
  const exempt = server.type === "lmtp" ? Networks.parse(server.trustedNetworks) : undefined;
  const limits = { maxConnections, maxConnectionsPerIp, ...(exempt ? { exempt } : {}) };
  return new SharedAdmission(counts, { worker: number - 1, server: index, servers }, limits);
}
