import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** Seconds; from one cheap command to one that waits for a slow disk. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Seconds; from a health probe to a day in IDLE. */
const SESSION_SECONDS = [0.1, 1, 10, 60, 300, 1800, 3600, 14_400, 86_400];
/** Octets; from a short note to the largest message that a listener takes by default. */
const SIZES = [1e3, 1e4, 1e5, 1e6, 5e6, 1e7, 2.5e7, 5e7];
/** Seconds; 0.05 is where a held event loop becomes a bug. */
const STALL_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** What `new Counter`, `new Gauge` and `new Histogram` share here. */
interface Family<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly Label[];
  readonly registers: Registry[];
}

/**
 * The metric families of one isolate, in a registry of their own; the supervisor sums the isolates
 * (`sum_metrics.ts`). Names and labels are those of the Go implementation under the prefix `sora_`;
 * its label `hostname` is added by the sum, its label `ip` nowhere. A label that the caller does not
 * know may be left out.
 */
export class Metrics {
  readonly registry: Registry = new Registry();

  readonly connectionsTotal = this.#counter("connections_total", "Connections accepted.", [
    "protocol",
    "server_name",
  ]);
  readonly connectionsCurrent = this.#gauge("connections_current", "Connections open now.", [
    "protocol",
    "server_name",
  ]);
  readonly authenticatedConnectionsCurrent = this.#gauge(
    "authenticated_connections_current",
    "Connections open now whose user has logged in.",
    ["protocol", "server_name"],
  );
  readonly connectionDuration = this.#histogram(
    "connection_duration_seconds",
    "How long connections lasted.",
    ["protocol", "server_name"],
    SESSION_SECONDS,
  );
  /** reason: idle | absolute | slow | command. */
  readonly connectionTimeoutsTotal = this.#counter(
    "connection_timeouts_total",
    "Connections that Sora closed because a time limit was reached.",
    ["protocol", "server_name", "reason"],
  );
  /** reason: max_connections | max_connections_per_ip | not_trusted. */
  readonly connectionsRefusedTotal = this.#counter(
    "connections_refused_total",
    "Connections that were closed before a session began.",
    ["protocol", "server_name", "reason"],
  );

  /** result: success | failure | error. */
  readonly authenticationAttemptsTotal = this.#counter(
    "authentication_attempts_total",
    "Login attempts.",
    ["protocol", "server_name", "result"],
  );
  /** result: hit | miss. */
  readonly authCacheOperationsTotal = this.#counter(
    "auth_cache_operations_total",
    "Look-ups in the cache of verified passwords.",
    ["result"],
  );
  /** result: success | failure | error. */
  readonly passwordVerificationAttemptsTotal = this.#counter(
    "password_verification_attempts_total",
    "Passwords compared with a stored hash.",
    ["hash_type", "result"],
  );

  /** status: ok | no | bad | error, or the first digit of an LMTP reply with `xx`. */
  readonly commandsTotal = this.#counter("commands_total", "Commands executed.", [
    "protocol",
    "command",
    "status",
  ]);
  readonly commandDuration = this.#histogram(
    "command_duration_seconds",
    "Time from a whole command to its final reply.",
    ["protocol", "command"],
    SECONDS,
  );
  /** severity: client_error | server_error. */
  readonly protocolErrorsTotal = this.#counter(
    "protocol_errors_total",
    "Commands that broke the protocol or failed in Sora.",
    ["protocol", "command", "error_type", "severity"],
  );
  readonly imapIdleConnectionsCurrent = this.#gauge(
    "imap_idle_connections_current",
    "IMAP sessions in IDLE now.",
    [],
  );

  readonly searchIndexLag = this.#gauge(
    "search_index_lag_messages",
    "Messages whose text is not in the search index yet.",
    [],
  );
  readonly searchIndexedTotal = this.#counter(
    "search_indexed_total",
    "Messages taken up into the search index.",
    [],
  );
  readonly searchIndexErrorsTotal = this.#counter(
    "search_index_errors_total",
    "Batches of messages that could not be indexed, and are tried again.",
    [],
  );

  readonly scrubbedBodiesTotal = this.#counter(
    "scrubbed_bodies_total",
    "Bodies that were read again. result: ok | missing | size | hash | unreadable.",
    ["result"],
  );
  readonly scrubbedBytesTotal = this.#counter(
    "scrubbed_bytes_total",
    "Octets of bodies that were read again.",
    [],
  );
  readonly scrubVerifiedRatio = this.#gauge(
    "scrub_verified_ratio",
    "Share of all messages whose mailbox was read again whole within 30 days.",
    [],
  );
  readonly scrubDamagedBodies = this.#gauge(
    "scrub_damaged_bodies",
    "Bodies that were missing or not what they have to be when they were read last.",
    [],
  );

  readonly manifestsBehind = this.#gauge(
    "manifests_behind",
    "Mailboxes that have changed since their manifest in the object store was written.",
    [],
  );
  readonly manifestOldestSeconds = this.#gauge(
    "manifest_oldest_seconds",
    "Age of the oldest manifest of a mailbox that has changed since.",
    [],
  );
  readonly manifestsLastSuccess = this.#gauge(
    "manifests_last_success_timestamp_seconds",
    "When all manifests that were due were last written.",
    [],
  );
  /** kind: base | delta | account. */
  readonly manifestsWrittenTotal = this.#counter(
    "manifests_written_total",
    "Manifests that were put into the object store.",
    ["kind"],
  );
  readonly manifestBytesTotal = this.#counter(
    "manifest_bytes_total",
    "Octets of manifests that were put into the object store.",
    [],
  );

  /** result: done | partial | elsewhere | failed. */
  readonly cleanupRoundsTotal = this.#counter("cleanup_rounds_total", "Rounds of the cleaner.", [
    "result",
  ]);
  /** kind: expunged | message | object | mailbox | account | tombstone. */
  readonly cleanupRemovedTotal = this.#counter(
    "cleanup_removed_total",
    "What the cleaner expunged by age, or removed for good.",
    ["kind"],
  );
  readonly cleanupDuration = this.#gauge(
    "cleanup_duration_seconds",
    "How long the last round of the cleaner took.",
    [],
  );
  readonly cleanupLastSuccess = this.#gauge(
    "cleanup_last_success_timestamp_seconds",
    "When the cleaner last came to the end of a round.",
    [],
  );

  /** operation: delivered | duplicate | appended | fetched | copied | moved | expunged; status: success | failure. */
  readonly messagesThroughputTotal = this.#counter(
    "messages_throughput_total",
    "Messages handled.",
    ["protocol", "operation", "status"],
  );
  /** direction: in | out. */
  readonly bytesThroughputTotal = this.#counter(
    "bytes_throughput_total",
    "Octets read from and written to clients.",
    ["protocol", "direction"],
  );
  readonly messageSizeBytes = this.#histogram(
    "message_size_bytes",
    "Size of the messages taken in.",
    ["protocol"],
    SIZES,
  );
  readonly deliveryDuration = this.#histogram(
    "delivery_duration_seconds",
    "Time from the last octet of a message to its reply for one recipient.",
    ["protocol"],
    SECONDS,
  );

  /** status: success | failure; role: write | read. */
  readonly dbQueriesTotal = this.#counter("db_queries_total", "Database queries.", [
    "operation",
    "status",
    "role",
  ]);
  readonly dbQueryDuration = this.#histogram(
    "db_query_duration_seconds",
    "Time of database queries, waiting for a client included.",
    ["operation", "role"],
    SECONDS,
  );
  /** status: commit | rollback | retry. */
  readonly dbTransactionsTotal = this.#counter(
    "db_transactions_total",
    "Database transactions.",
    ["status"],
  );
  readonly dbTransactionDuration = this.#histogram(
    "db_transaction_duration_seconds",
    "Time from BEGIN to COMMIT or ROLLBACK.",
    [],
    SECONDS,
  );
  readonly dbPoolTotalConns = this.#gauge("db_pool_total_conns", "Database connections open.", [
    "role",
  ]);
  readonly dbPoolIdleConns = this.#gauge("db_pool_idle_conns", "Database connections unused.", [
    "role",
  ]);
  readonly dbPoolInUseConns = this.#gauge("db_pool_in_use_conns", "Database connections in use.", [
    "role",
  ]);
  readonly dbPoolExhaustionTotal = this.#counter(
    "db_pool_exhaustion_total",
    "Times that a query had to wait for a database connection.",
    ["role"],
  );
  readonly dbConnectionPoolWait = this.#histogram(
    "db_connection_pool_wait_seconds",
    "Time that queries waited for a database connection.",
    [],
    SECONDS,
  );
  readonly dbConnectionAcquireTimeoutTotal = this.#counter(
    "db_connection_acquire_timeout_total",
    "Queries that got no database connection in time.",
    ["role"],
  );

  /** operation: get | range | head | list | put | copy | delete | delete_many | check; status: success | missing | refused | content | failure | cancelled | rejected. */
  readonly s3OperationsTotal = this.#counter(
    "s3_operations_total",
    "Requests to the object store; each attempt is one, rejected ones are those that an open circuit kept back.",
    ["operation", "status"],
  );
  readonly s3OperationDuration = this.#histogram(
    "s3_operation_duration_seconds",
    "Time of one attempt of a request to the object store, its body included.",
    ["operation"],
    SECONDS,
  );
  /** result: won | lost | failed. */
  readonly s3HedgesTotal = this.#counter(
    "s3_hedges_total",
    "Reads that were asked for a second time because the first answer was late.",
    ["result"],
  );
  /** circuit: get | put | delete. */
  readonly s3BreakerOpen = this.#gauge(
    "s3_breaker_open",
    "Isolates whose circuit breaker is not closed.",
    ["circuit"],
  );

  /** Messages whose bodies are in danger with this node: see `[uploader] durability`. */
  readonly bytesAtRisk = this.#gauge(
    "bytes_at_risk",
    "Octets of bodies that only the staging folder of this node has.",
    [],
  );
  /** where: staging (of this node) | database (of all nodes). */
  readonly uploadsPending = this.#gauge(
    "uploads_pending",
    "Bodies that the object store does not have yet.",
    ["where"],
  );
  readonly uploadsFailed = this.#gauge(
    "uploads_failed",
    "Of these, bodies that have failed max_attempts times.",
    ["where"],
  );
  readonly uploadOldestSeconds = this.#gauge(
    "upload_oldest_seconds",
    "How long the oldest of these bodies has waited.",
    ["where"],
  );
  /** result: uploaded | failed | deferred. */
  readonly uploadsTotal = this.#counter("uploads_total", "Attempts to upload a body.", ["result"]);
  readonly uploadDuration = this.#histogram(
    "upload_duration_seconds",
    "Time from reading a staged body to the answer of the object store.",
    [],
    SECONDS,
  );
  readonly stagingBytes = this.#gauge(
    "staging_bytes",
    "Octets in the staging folder, uploaded or not.",
    [],
  );
  readonly bodiesMissingTotal = this.#counter(
    "bodies_missing_total",
    "Bodies that were nowhere when they were to be read.",
    [],
  );
  readonly cacheBytes = this.#gauge("cache_bytes", "Octets in the local cache.", []);
  /** event: hits | misses | stored | evicted | damaged. */
  readonly cacheEvents = this.#gauge(
    "cache_events",
    "What happened in the local cache since the start.",
    ["event"],
  );

  readonly eventLoopStall = this.#histogram(
    "event_loop_stall_seconds",
    "Times that something held an isolate's event loop for more than 50 ms.",
    ["isolate"],
    STALL_SECONDS,
  );
  readonly eventLoopStallMax = this.#gauge(
    "event_loop_stall_max_seconds",
    "The longest time that an isolate's event loop was held since it started.",
    ["isolate"],
  );
  readonly isolateHeapBytes = this.#gauge(
    "isolate_heap_bytes",
    "JavaScript heap in use.",
    ["isolate"],
  );
  readonly processMemoryBytes = this.#gauge(
    "process_resident_memory_bytes",
    "Resident memory of the whole process.",
    [],
  );
  readonly workerRestartsTotal = this.#counter(
    "worker_restarts_total",
    "Protocol workers that were started again after a crash.",
    [],
  );
  readonly workersCurrent = this.#gauge("workers_current", "Protocol workers that serve now.", []);

  #counter<Label extends string>(name: string, help: string, labels: readonly Label[]) {
    return new Counter<Label>(this.#family(name, help, labels));
  }

  #gauge<Label extends string>(name: string, help: string, labels: readonly Label[]) {
    return new Gauge<Label>(this.#family(name, help, labels));
  }

  #histogram<Label extends string>(
    name: string,
    help: string,
    labels: readonly Label[],
    buckets: number[],
  ) {
    return new Histogram<Label>({ ...this.#family(name, help, labels), buckets });
  }

  #family<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
  ): Family<Label> {
    return { name: `sora_${name}`, help, labelNames, registers: [this.registry] };
  }
}

/** For callers whose numbers nobody reads: tests and sora-admin. */
export const nullMetrics: Metrics = new Metrics();
