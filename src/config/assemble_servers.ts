import type { z } from "zod";
import { check } from "./check.ts";
import type { Address, DurabilityConfig, MailServerConfig, ServerConfig } from "./config.ts";
import { formatListenAddress } from "./listen_address.ts";
import type { Sources } from "./load.ts";
import type { KeyPath } from "./position_index.ts";
import type { Report } from "./report.ts";
import { isCapability } from "./schema/imap_settings.ts";
import { serverSchemas } from "./schema/schema.ts";
import type { ServerEntry } from "./servers_dialect.ts";

/** What the servers take from the rest of the configuration. */
export interface ServerSurroundings {
  readonly trustedNetworks: readonly string[];
  readonly durability: DurabilityConfig;
  readonly report: Report;
  readonly sources: Sources;
}

type Mail = z.output<typeof serverSchemas.imap> | z.output<typeof serverSchemas.lmtp>;

/** Checks every server and what they must not have in common: addresses. */
export function assembleServers(
  entries: readonly ServerEntry[],
  around: ServerSurroundings,
): ServerConfig[] {
  const servers: { config: ServerConfig; path: KeyPath }[] = [];
  const names = new Set<string>();
  for (const entry of entries) {
    const config = assembleServer(entry, around);
    if (!config) continue;
    const clash = servers.find((other) => overlap(other.config.addr, config.addr));
    if (clash) {
      const other = around.report.mention([...clash.path, "addr"]);
      const addr = formatListenAddress(config.addr);
      around.report.problem([...entry.path, "addr"], `${addr} is already taken by ${other}`);
    }
    servers.push({ config: { ...config, name: unique(config.name, names) }, path: entry.path });
  }
  return servers.map(({ config }) => config);
}

function assembleServer(
  entry: ServerEntry,
  { trustedNetworks, durability, report, sources }: ServerSurroundings,
): ServerConfig | undefined {
  const { table, path, label } = entry;
  const where = { path, report, sources };
  if (entry.type === "metrics") {
    const metrics = check(serverSchemas.metrics, table, where);
    if (!metrics) return undefined;
    const { addr, name = label, api_key = null, allowed_hosts } = metrics;
    const allowedHosts = allowed_hosts;
    return { type: "metrics", name, addr, path: metrics.path, apiKey: api_key, allowedHosts };
  }
  if (entry.type === "lmtp") {
    const lmtp = check(serverSchemas.lmtp, table, where);
    return lmtp && {
      type: "lmtp",
      ...mailServer(lmtp, label, durability),
      maxMessageSizeBytes: lmtp.max_message_size,
      maxRecipients: lmtp.max_recipients,
      hostname: lmtp.hostname ?? sources.hostname ?? "localhost",
      trustedNetworks: lmtp.trusted_networks ?? trustedNetworks,
    };
  }
  const imap = check(serverSchemas.imap, table, where);
  return imap && assembleImap(imap, mailServer(imap, label, durability), where);
}

function assembleImap(
  imap: z.output<typeof serverSchemas.imap>,
  common: MailServerConfig,
  { path, report }: { readonly path: KeyPath; readonly report: Report },
): ServerConfig {
  for (const key of ["disabled_caps", "additional_caps"] as const) {
    for (const [i, capability] of imap[key].entries()) {
      if (isCapability(capability)) continue;
      const got = JSON.stringify(capability);
      report.problem([...path, key, i], `expected a capability such as "IDLE", got ${got}`);
    }
  }
  const insecureAuth = imap.insecure_auth ?? true; // WHY: there is no TLS in this version.
  if (!insecureAuth) {
    report.warn(
      [...path, "insecure_auth"],
      "only clients on this machine can log in: there is no TLS, and passwords without TLS are refused",
    );
  }
  return {
    type: "imap",
    ...common,
    idleTimeoutMs: Math.max(imap.idle_timeout, common.commandTimeoutMs),
    appendLimitBytes: imap.append_limit,
    insecureAuth,
    sessionMemoryLimitBytes: imap.session_memory_limit,
    messageLimit: imap.message_limit,
    searchRateLimitPerMin: imap.search_rate_limit_per_min,
    searchRateLimitWindowMs: imap.search_rate_limit_window,
    maxSearchResults: imap.max_search_results,
    maxComplexSortResults: imap.max_complex_sort_results,
    disabledCaps: imap.disabled_caps.map((capability) => capability.toUpperCase()),
    additionalCaps: imap.additional_caps,
    idName: imap.id_name,
    idVersion: imap.id_version,
    idVendor: imap.id_vendor,
    idSupportUrl: imap.id_support_url,
  };
}

function mailServer(
  server: Mail,
  label: string,
  durability: DurabilityConfig,
): MailServerConfig {
  const { min_bytes_per_minute: throughput } = server;
  return {
    name: server.name ?? label,
    addr: server.addr,
    maxConnections: server.max_connections,
    maxConnectionsPerIp: server.max_connections_per_ip,
    commandTimeoutMs: server.command_timeout,
    absoluteSessionTimeoutMs: server.absolute_session_timeout,
    minBytesPerMinute: throughput === 0 ? THROUGHPUT_DEFAULT : Math.max(throughput, 0),
    durability: server.durability ?? durability,
    debug: server.debug,
  };
}

/** What `min_bytes_per_minute = 0` means. */
const THROUGHPUT_DEFAULT = 1024;

/** True when both cannot be listened on at the same time. */
function overlap(a: Address, b: Address): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  return a.host === b.host || a.host === "" || b.host === "";
}

/** "imap", "imap-2" … */
function unique(name: string, taken: Set<string>): string {
  let free = name;
  for (let n = 2; taken.has(free); n++) free = `${name}-${n}`;
  taken.add(free);
  return free;
}
