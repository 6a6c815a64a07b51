import { type MetricFamilies, SECONDS } from "./metric_families.ts";

/** What the store counts of the database. */
export function databaseMetrics(families: MetricFamilies) {
  return {
    /** status: success | failure; role: write | read. */
    dbQueriesTotal: families.counter("db_queries_total", "Database queries.", [
      "operation",
      "status",
      "role",
    ]),
    dbQueryDuration: families.histogram(
      "db_query_duration_seconds",
      "Time of database queries, waiting for a client included.",
      ["operation", "role"],
      SECONDS,
    ),
    /** status: commit | rollback | retry. */
    dbTransactionsTotal: families.counter(
      "db_transactions_total",
      "Database transactions.",
      ["status"],
    ),
    dbTransactionDuration: families.histogram(
      "db_transaction_duration_seconds",
      "Time from BEGIN to COMMIT or ROLLBACK.",
      [],
      SECONDS,
    ),
    dbPoolTotalConns: families.gauge("db_pool_total_conns", "Database connections open.", [
      "role",
    ]),
    dbPoolIdleConns: families.gauge("db_pool_idle_conns", "Database connections unused.", [
      "role",
    ]),
    dbPoolInUseConns: families.gauge("db_pool_in_use_conns", "Database connections in use.", [
      "role",
    ]),
    dbPoolExhaustionTotal: families.counter(
      "db_pool_exhaustion_total",
      "Times that a query had to wait for a database connection.",
      ["role"],
    ),
    dbConnectionPoolWait: families.histogram(
      "db_connection_pool_wait_seconds",
      "Time that queries waited for a database connection.",
      [],
      SECONDS,
    ),
    dbConnectionAcquireTimeoutTotal: families.counter(
      "db_connection_acquire_timeout_total",
      "Queries that got no database connection in time.",
      ["role"],
    ),
  };
}
