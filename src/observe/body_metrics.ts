import { type MetricFamilies, SECONDS } from "./metric_families.ts";

/** What is counted of bodies: object store, uploads, staging folder, cache. */
export function bodyMetrics(families: MetricFamilies) {
  return {
    /** operation: get | range | head | list | put | copy | delete | delete_many | check; status: success | missing | refused | content | failure | cancelled | rejected. */
    s3OperationsTotal: families.counter(
      "s3_operations_total",
      "Requests to the object store; each attempt is one, rejected ones are those that an open circuit kept back.",
      ["operation", "status"],
    ),
    s3OperationDuration: families.histogram(
      "s3_operation_duration_seconds",
      "Time of one attempt of a request to the object store, its body included.",
      ["operation"],
      SECONDS,
    ),
    /** result: won | lost | failed. */
    s3HedgesTotal: families.counter(
      "s3_hedges_total",
      "Reads that were asked for a second time because the first answer was late.",
      ["result"],
    ),
    /** circuit: get | put | delete. */
    s3BreakerOpen: families.gauge(
      "s3_breaker_open",
      "Isolates whose circuit breaker is not closed.",
      ["circuit"],
    ),
    /** Messages whose bodies are in danger with this node: see `[uploader] durability`. */
    bytesAtRisk: families.gauge(
      "bytes_at_risk",
      "Octets of bodies that only the staging folder of this node has.",
      [],
    ),
    /** where: staging (of this node) | database (of all nodes). */
    uploadsPending: families.gauge(
      "uploads_pending",
      "Bodies that the object store does not have yet.",
      ["where"],
    ),
    uploadsFailed: families.gauge(
      "uploads_failed",
      "Of these, bodies that have failed max_attempts times.",
      ["where"],
    ),
    uploadOldestSeconds: families.gauge(
      "upload_oldest_seconds",
      "How long the oldest of these bodies has waited.",
      ["where"],
    ),
    /** result: uploaded | failed | deferred. */
    uploadsTotal: families.counter("uploads_total", "Attempts to upload a body.", ["result"]),
    uploadDuration: families.histogram(
      "upload_duration_seconds",
      "Time from reading a staged body to the answer of the object store.",
      [],
      SECONDS,
    ),
    stagingBytes: families.gauge(
      "staging_bytes",
      "Octets in the staging folder, uploaded or not.",
      [],
    ),
    bodiesMissingTotal: families.counter(
      "bodies_missing_total",
      "Bodies that were nowhere when they were to be read.",
      [],
    ),
    cacheBytes: families.gauge("cache_bytes", "Octets in the local cache.", []),
    /** event: hits | misses | stored | evicted | damaged. */
    cacheEvents: families.gauge(
      "cache_events",
      "What happened in the local cache since the start.",
      ["event"],
    ),
  };
}
