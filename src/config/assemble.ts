import type { z } from "zod";
import { parseAddress } from "../lib/address.ts";
import type {
  CleanupConfig,
  Config,
  DatabaseConfig,
  DatabaseEndpoint,
  QuotaConfig,
  S3Config,
  SharingConfig,
} from "./config.ts";
import { assembleCache, assembleUploader } from "./assemble_bodies.ts";
import { assembleEncryption } from "./assemble_encryption.ts";
import type { KeyPath } from "./position_index.ts";
import type { Report } from "./report.ts";
import { databaseHost } from "./schema/database_settings.ts";
import type { rootSchema } from "./schema/schema.ts";

type Root = z.output<typeof rootSchema>;
type Database = NonNullable<Root["database"]>;

/** The checked root of the file as the part of Config that is not about servers. */
export function assembleRoot(root: Root, report: Report): Omit<Config, "servers"> {
  const { logging, runtime, cleanup, metadata, database } = root;
  return {
    dataDir: root.data_dir,
    logging,
    runtime: { workers: runtime.workers, shutdownTimeoutMs: runtime.shutdown_timeout },
    bcryptCost: root.bcrypt_cost,
    database: database ? assembleDatabase(database, report) : null,
    s3: root.s3 ? assembleS3(root.s3, report) : null,
    uploader: assembleUploader(root.uploader),
    localCache: assembleCache(root.local_cache),
    cleanup: assembleCleanup(cleanup),
    metadata: {
      maxEntrySizeBytes: metadata.max_entry_size,
      maxEntriesPerMailbox: metadata.max_entries_per_mailbox,
      maxEntriesPerServer: metadata.max_entries_per_server,
      maxTotalSizeBytes: metadata.max_total_size,
    },
    sharedMailboxes: assembleSharing(root.shared_mailboxes, report),
    search: root.search,
    scrub: {
      enabled: root.scrub.enabled,
      intervalMs: root.scrub.interval,
      bytesPerSecond: root.scrub.bytes_per_second,
    },
    quota: assembleQuota(root.quota, report),
    trustedNetworks: root.trusted_networks,
  };
}

function assembleCleanup(cleanup: Root["cleanup"]): CleanupConfig {
  return {
    gracePeriodMs: cleanup.grace_period,
    wakeIntervalMs: cleanup.wake_interval,
    maxAgeRestrictionMs: cleanup.max_age_restriction,
    retention: Object.entries(cleanup.retention).flatMap(([mailbox, ageMs]) =>
      ageMs === null ? [] : [{ mailbox, ageMs }]
    ),
    expungeHistoryMs: cleanup.expunge_history,
    orphanIntervalMs: cleanup.orphan_interval,
  };
}

function assembleSharing(shared: Root["shared_mailboxes"], report: Report): SharingConfig {
  const { namespace_prefix: namespacePrefix, user_prefix: userPrefix } = shared;
  if (namespacePrefix.toLowerCase() === userPrefix.toLowerCase()) {
    const path = ["shared_mailboxes", "user_prefix"];
    report.problem(path, `expected another one than namespace_prefix, got "${userPrefix}"`);
  }
  return {
    enabled: shared.enabled,
    namespacePrefix,
    userPrefix,
    allowUserCreate: shared.allow_user_create,
    defaultRights: shared.default_rights,
    allowAnyone: shared.allow_anyone,
  };
}

function assembleQuota(quota: Root["quota"], report: Report): QuotaConfig {
  const limit = (value: number) => value === 0 ? null : value;
  return {
    defaultStorageBytes: limit(quota.default_storage),
    defaultMessages: limit(quota.default_messages),
    defaultMailboxes: limit(quota.default_mailboxes),
    warnAt: [...quota.warn_at].sort((a, b) => a - b),
    administrators: quota.administrators.flatMap((text, i) => {
      const address = parseAddress(text)?.base;
      if (address !== undefined) return [address];
      const got = JSON.stringify(text);
      report.problem(["quota", "administrators", i], `expected a mail address, got ${got}`);
      return [];
    }),
  };
}

function assembleDatabase(database: Database, report: Report): DatabaseConfig {
  const primary = database.write;
  const hosts = hostsOf(primary.hosts, primary.port);
  const port = hosts[0]?.port ?? primary.port;
  if (hosts.some((other) => other.port !== port)) {
    report.problem(["database", "write", "hosts"], "expected the same port for every host");
  }
  const write: DatabaseEndpoint = {
    hosts: hosts.map(({ host }) => host),
    port,
    user: primary.user,
    password: primary.password ?? "",
    name: primary.name,
    tls: primary.tls,
    maxConnections: primary.max_connections,
    minConnections: primary.min_connections,
    maxConnLifetimeMs: primary.max_conn_lifetime,
    maxConnIdleMs: primary.max_conn_idle_time,
  };
  checkConnections(write, ["database", "write"], report);
  return {
    write,
    read: database.read.flatMap((replica, i) => {
      const path = ["database", "read", i];
      return assembleReplica(replica, write, { path, report });
    }),
    queryTimeoutMs: database.query_timeout,
    searchTimeoutMs: database.search_timeout,
    writeTimeoutMs: database.write_timeout,
    lockTimeoutMs: database.lock_timeout,
    migrationTimeoutMs: database.migration_timeout,
    debug: database.debug,
  };
}

/** One endpoint for each host, so that every replica takes its share of the reads. */
function assembleReplica(
  replica: Database["read"][number],
  write: DatabaseEndpoint,
  { path, report }: { readonly path: KeyPath; readonly report: Report },
): DatabaseEndpoint[] {
  if (replica.hosts === undefined) {
    report.problem([...path, "hosts"], 'is missing; expected a list of host names such as ["db2"]');
    return [];
  }
  const endpoints = hostsOf(replica.hosts, replica.port ?? write.port).map(({ host, port }) => ({
    hosts: [host],
    port,
    user: replica.user ?? write.user,
    password: replica.password ?? write.password,
    name: replica.name ?? write.name,
    tls: replica.tls ?? write.tls,
    maxConnections: replica.max_connections ?? write.maxConnections,
    minConnections: replica.min_connections ?? write.minConnections,
    maxConnLifetimeMs: replica.max_conn_lifetime ?? write.maxConnLifetimeMs,
    maxConnIdleMs: replica.max_conn_idle_time ?? write.maxConnIdleMs,
  }));
  const [first] = endpoints;
  if (first) checkConnections(first, path, report);
  return endpoints;
}

function hostsOf(hosts: readonly string[], port: number): { host: string; port: number }[] {
  return hosts.map((text) => {
    const host = databaseHost(text);
    return { host: host?.host ?? text, port: host?.port ?? port };
  });
}

function checkConnections(endpoint: DatabaseEndpoint, path: KeyPath, report: Report): void {
  const { minConnections, maxConnections } = endpoint;
  if (minConnections <= maxConnections) return;
  report.problem(
    [...path, "min_connections"],
    `expected at most max_connections (${maxConnections}), got ${minConnections}`,
  );
}

function assembleS3(s3: NonNullable<Root["s3"]>, report: Report): NonNullable<Config["s3"]> {
  const [, scheme, endpoint = ""] = /^(?:(https?):\/\/)?([^/]*)\/?$/i.exec(s3.endpoint) ?? [];
  const host = databaseHost(endpoint);
  if (!host || host.host.startsWith("/")) {
    report.problem(
      ["s3", "endpoint"],
      `expected a host such as "s3.amazonaws.com" or "minio.example.com:9000", got ${
        JSON.stringify(s3.endpoint)
      }`,
    );
  }
  return {
    endpoint,
    region: s3.region,
    bucket: s3.bucket,
    ...assembleKeys(s3, report),
    // WHY: a scheme says the same as use_ssl, and says it where the operator looks.
    useSsl: scheme === undefined ? s3.use_ssl : scheme.toLowerCase() === "https",
    timeoutMs: s3.timeout,
    hedgeAfterMs: s3.hedge_after,
    breakerFailures: s3.breaker_failures,
    breakerOpenMs: s3.breaker_open,
    debug: s3.debug,
    ...assembleEncryption(s3, report),
    manifestIntervalMs: s3.manifest_interval,
  };
}

function assembleKeys(
  s3: NonNullable<Root["s3"]>,
  report: Report,
): Pick<S3Config, "accessKey" | "secretKey"> {
  const { access_key: accessKey = "", secret_key: secretKey = "" } = s3;
  if (accessKey !== "" && secretKey !== "") return { accessKey, secretKey };
  const [missing, given] = accessKey === ""
    ? ["access_key", "secret_key"]
    : ["secret_key", "access_key"];
  if (accessKey !== secretKey) {
    report.problem(["s3", missing], `is missing; expected both keys or none, got ${given} only`);
  }
  return { accessKey: null, secretKey: null };
}
