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
