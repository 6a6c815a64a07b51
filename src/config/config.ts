/**
 * What Sora runs on: the settings after reading, checking and filling in defaults. Durations are
 * milliseconds, sizes are octets, and 0 means "no limit" only where it is said.
 */
export interface Config {
  /** Folder of everything Sora keeps on this machine; as written, so relative to the working folder. */
  readonly dataDir: string;
  readonly logging: LoggingConfig;
  readonly runtime: RuntimeConfig;
  /** Cost factor of new bcrypt hashes, 10 … 14. */
  readonly bcryptCost: number;
  /** null: the private PostgreSQL in the data folder. */
  readonly database: DatabaseConfig | null;
  /** null: bodies on disk in the data folder. */
  readonly s3: (S3Config & EncryptionConfig & ManifestConfig) | null;
  readonly uploader: UploaderConfig;
  readonly localCache: LocalCacheConfig;
  readonly cleanup: CleanupConfig;
  readonly metadata: MetadataConfig;
  readonly sharedMailboxes: SharingConfig;
  readonly quota: QuotaConfig;
  readonly search: SearchConfig;
  readonly scrub: ScrubConfig;
  /** CIDR networks; who may speak LMTP unless the server says otherwise. */
  readonly trustedNetworks: readonly string[];
  /** The servers to start, in the order of the file. */
  readonly servers: readonly ServerConfig[];
}

export interface LoggingConfig {
  /** "stderr", "stdout" or the path of a file. */
  readonly output: string;
  readonly format: "console" | "json";
  readonly level: "debug" | "info" | "warning" | "error";
}

export interface RuntimeConfig {
  /** Protocol workers; 0 = one for each CPU; never 0 with the private PostgreSQL. */
  readonly workers: number;
  /** How long sessions may take to end after SIGTERM. */
  readonly shutdownTimeoutMs: number;
}

/** RFC 5464: how much of it there may be. */
export interface MetadataConfig {
  readonly maxEntrySizeBytes: number;
  readonly maxEntriesPerMailbox: number;
  readonly maxEntriesPerServer: number;
  /** Of all values of an account. */
  readonly maxTotalSizeBytes: number;
}

export interface ScrubConfig {
  /** Bodies are read again in the background. */
  readonly enabled: boolean;
  /** Longest time between two readings of a body. */
  readonly intervalMs: number;
  readonly bytesPerSecond: number;
}

export interface SearchConfig {
  /** Texts of messages are indexed. */
  readonly index: boolean;
}

/** RFC 9208. */
export interface QuotaConfig {
  /** Limits of a new account; null = not limited. */
  readonly defaultStorageBytes: number | null;
  readonly defaultMessages: number | null;
  readonly defaultMailboxes: number | null;
  /** Percentages, 1 … 100, ascending. */
  readonly warnAt: readonly number[];
  /** Addresses, normalised, of users who may change quotas. */
  readonly administrators: readonly string[];
}

/** RFC 4314: how mailboxes are shared. */
export interface SharingConfig {
  readonly enabled: boolean;
  /** In front of the names of a domain's shared mailboxes: one level and "/". */
  readonly namespacePrefix: string;
  /** In front of the addresses of other users: one level and "/"; empty: not shown. */
  readonly userPrefix: string;
  /** Users may create mailboxes directly below `namespacePrefix`. */
  readonly allowUserCreate: boolean;
  /** Letters: what the creator of a shared mailbox may do with it. */
  readonly defaultRights: string;
  /** Rights may be granted to `anyone`. */
  readonly allowAnyone: boolean;
}

export interface CleanupConfig {
  /** How long an expunged message, a deleted mailbox or account can still be recovered. */
  readonly gracePeriodMs: number;
  /** Pause between two rounds of the cleaner. */
  readonly wakeIntervalMs: number;
  /** Older messages are expunged; null = none are. */
  readonly maxAgeRestrictionMs: number | null;
  readonly retention: readonly Retention[];
  /** How long tombstones of expunged messages are kept. */
  readonly expungeHistoryMs: number;
  /** Between two looks for objects that no message needs; 0 = there are none. */
  readonly orphanIntervalMs: number;
}

/** How long messages stay in some mailboxes. */
export interface Retention {
  /** A name, of whatever is below it, too; or a special use such as "\\Trash". */
  readonly mailbox: string;
  readonly ageMs: number;
}

export interface DatabaseConfig {
  /** The primary; every write goes here. */
  readonly write: DatabaseEndpoint;
  /** Replicas for reads that may lag; empty: the primary answers everything. */
  readonly read: readonly DatabaseEndpoint[];
  readonly queryTimeoutMs: number;
  readonly searchTimeoutMs: number;
  readonly writeTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly migrationTimeoutMs: number;
  /** Log every statement (never its parameters). */
  readonly debug: boolean;
}

export interface DatabaseEndpoint {
  /** Host names, addresses or folders of a unix socket; tried in this order, at least one. */
  readonly hosts: readonly string[];
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Name of the database. */
  readonly name: string;
  readonly tls: boolean;
  /** As configured for the whole server; `app/` gives each isolate its share. */
  readonly maxConnections: number;
  readonly minConnections: number;
  readonly maxConnLifetimeMs: number;
  readonly maxConnIdleMs: number;
}

export interface S3Config {
  /** `host` or `host:port`, without a scheme. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Both null: the credentials come from where AWS's tools look for them. */
  readonly accessKey: string | null;
  readonly secretKey: string | null;
  readonly useSsl: boolean;
  /** How long the object store may be silent. */
  readonly timeoutMs: number;
  /** 0 = never. */
  readonly hedgeAfterMs: number;
  readonly breakerFailures: number;
  readonly breakerOpenMs: number;
  readonly debug: boolean;
}

/** What the object store is told besides bodies. */
export interface ManifestConfig {
  /** Shortest time between two manifests of a mailbox; 0 = none are written. */
  readonly manifestIntervalMs: number;
}

/** What the object store may see of bodies. */
export interface EncryptionConfig {
  readonly encrypt: boolean;
  /** Bodies that were stored as they are can be read, too. */
  readonly encryptAllowPlain: boolean;
  /** All that decrypt; ids are unique, keys are 64 hexadecimal digits. */
  readonly encryptionKeys: readonly { readonly id: string; readonly key: string }[];
  /** The id of the one that encrypts; null without any. */
  readonly encryptionCurrent: string | null;
}

/** Where a server listens. */
export interface Address {
  /** An IP address or a name; "" = every address of the machine. */
  readonly host: string;
  /** 0 … 65535; 0 = a free port, chosen by the system. */
  readonly port: number;
}

/** Where a body is when its message is acknowledged. */
export type DurabilityConfig = "spool" | "database" | "stored";

/** How bodies travel to the object store; means nothing without one. */
export interface UploaderConfig {
  /** Staging folder; null = `uploads` in the data folder. */
  readonly path: string | null;
  /** Whose staging folder it is; null = made once, and kept in the data folder. */
  readonly instanceId: string | null;
  /** Of listeners that do not say otherwise. */
  readonly durability: DurabilityConfig;
  /** Bodies that one transaction takes on. */
  readonly batchSize: number;
  /** Bodies that are sent at once. */
  readonly concurrency: number;
  /** Failures after which an upload is told of as failed; it is tried again all the same. */
  readonly maxAttempts: number;
  /** Before the second attempt; doubles with each that follows. */
  readonly retryIntervalMs: number;
  /** How long a staged body stays, and is read from there, after its last message came. */
  readonly cleanupGracePeriodMs: number;
  /** Octets of all staged bodies; 0 = no limit. */
  readonly maxStagingSizeBytes: number;
  /** The size of every object is asked for after it was sent. */
  readonly verifyAfterUpload: boolean;
}

/** Bodies of the object store that are kept on this machine. */
export interface LocalCacheConfig {
  readonly enabled: boolean;
  /** null = `cache` in the data folder. */
  readonly path: string | null;
  readonly capacityBytes: number;
  /** Larger bodies are not kept. */
  readonly maxObjectSizeBytes: number;
  /** Between two looks at what is there. */
  readonly purgeIntervalMs: number;
  /** Bodies that nobody has read for so long are removed. */
  readonly orphanCleanupAgeMs: number;
  /** After a login, the newest messages are fetched into the cache. */
  readonly enableWarmup: boolean;
  /** In each mailbox. */
  readonly warmupMessageCount: number;
  readonly warmupMailboxes: readonly string[];
  /** Longest time until an account is warmed up again. */
  readonly warmupIntervalMs: number;
}

export type ServerConfig = ImapServerConfig | LmtpServerConfig | MetricsServerConfig;

/** What IMAP and LMTP listeners have in common. */
export interface MailServerConfig {
  /** Unique among the servers; for logs and metrics. */
  readonly name: string;
  readonly addr: Address;
  /** Sessions at a time; 0 = no limit. */
  readonly maxConnections: number;
  /** Sessions at a time from one address; 0 = no limit. */
  readonly maxConnectionsPerIp: number;
  /** Longest silence of a client that has not logged in, or in the middle of a command. */
  readonly commandTimeoutMs: number;
  /** Longest session, busy or not. */
  readonly absoluteSessionTimeoutMs: number;
  /** Slowest client that is still served while it sends a command; 0 = not checked. */
  readonly minBytesPerMinute: number;
  /** With an object store. */
  readonly durability: DurabilityConfig;
  /** Log the commands of every session (never passwords or bodies). */
  readonly debug: boolean;
}

export interface ImapServerConfig extends MailServerConfig {
  readonly type: "imap";
  /** Longest silence of a client that has logged in, IDLE included; ≥ 30 min: RFC 3501 §5.4. */
  readonly idleTimeoutMs: number;
  readonly appendLimitBytes: number;
  /** LOGIN and AUTHENTICATE PLAIN are accepted on a connection without TLS. */
  readonly insecureAuth: boolean;
  /** 0 = no limit. */
  readonly sessionMemoryLimitBytes: number;
  /** Messages that one command processes; 0 = no limit. */
  readonly messageLimit: number;
  /** Of one user in one worker; 0 = no limit. */
  readonly searchRateLimitPerMin: number;
  /** Over which they are counted. */
  readonly searchRateLimitWindowMs: number;
  /** 0 = no limit. */
  readonly maxSearchResults: number;
  /** 0 = no limit. */
  readonly maxComplexSortResults: number;
  /** Capabilities, upper case, that are neither announced nor served. */
  readonly disabledCaps: readonly string[];
  /** Tokens announced as they are. */
  readonly additionalCaps: readonly string[];
  /** RFC 2971; "" = not sent (idVersion: "" = Sora's own version). */
  readonly idName: string;
  readonly idVersion: string;
  readonly idVendor: string;
  readonly idSupportUrl: string;
}

export interface LmtpServerConfig extends MailServerConfig {
  readonly type: "lmtp";
  readonly maxMessageSizeBytes: number;
  /** Recipients of one transaction. */
  readonly maxRecipients: number;
  /** Our name in the greeting and in Received. */
  readonly hostname: string;
  /** CIDR networks that may connect. */
  readonly trustedNetworks: readonly string[];
}

export interface MetricsServerConfig {
  readonly type: "metrics";
  readonly name: string;
  readonly addr: Address;
  /** Where Prometheus reads, e.g. "/metrics". */
  readonly path: string;
  /** Bearer token a reader must show; null = none. */
  readonly apiKey: string | null;
  /** CIDR networks that may read; empty = all. */
  readonly allowedHosts: readonly string[];
}
