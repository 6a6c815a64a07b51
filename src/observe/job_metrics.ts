import type { MetricFamilies } from "./metric_families.ts";

/** What background jobs count: search index, scrub, manifests, cleaner. */
export function jobMetrics(families: MetricFamilies) {
  return {
    searchIndexLag: families.gauge(
      "search_index_lag_messages",
      "Messages whose text is not in the search index yet.",
      [],
    ),
    searchIndexedTotal: families.counter(
      "search_indexed_total",
      "Messages taken up into the search index.",
      [],
    ),
    searchIndexErrorsTotal: families.counter(
      "search_index_errors_total",
      "Batches of messages that could not be indexed, and are tried again.",
      [],
    ),
    scrubbedBodiesTotal: families.counter(
      "scrubbed_bodies_total",
      "Bodies that were read again. result: ok | missing | size | hash | unreadable.",
      ["result"],
    ),
    scrubbedBytesTotal: families.counter(
      "scrubbed_bytes_total",
      "Octets of bodies that were read again.",
      [],
    ),
    scrubVerifiedRatio: families.gauge(
      "scrub_verified_ratio",
      "Share of all messages whose mailbox was read again whole within 30 days.",
      [],
    ),
    scrubDamagedBodies: families.gauge(
      "scrub_damaged_bodies",
      "Bodies that were missing or not what they have to be when they were read last.",
      [],
    ),
    manifestsBehind: families.gauge(
      "manifests_behind",
      "Mailboxes that have changed since their manifest in the object store was written.",
      [],
    ),
    manifestOldestSeconds: families.gauge(
      "manifest_oldest_seconds",
      "Age of the oldest manifest of a mailbox that has changed since.",
      [],
    ),
    manifestsLastSuccess: families.gauge(
      "manifests_last_success_timestamp_seconds",
      "When all manifests that were due were last written.",
      [],
    ),
    /** kind: base | delta | account. */
    manifestsWrittenTotal: families.counter(
      "manifests_written_total",
      "Manifests that were put into the object store.",
      ["kind"],
    ),
    manifestBytesTotal: families.counter(
      "manifest_bytes_total",
      "Octets of manifests that were put into the object store.",
      [],
    ),
    /** result: done | partial | elsewhere | failed. */
    cleanupRoundsTotal: families.counter("cleanup_rounds_total", "Rounds of the cleaner.", [
      "result",
    ]),
    /** kind: expunged | message | object | mailbox | account | tombstone | orphan. */
    cleanupRemovedTotal: families.counter(
      "cleanup_removed_total",
      "What the cleaner expunged by age, or removed for good.",
      ["kind"],
    ),
    cleanupDuration: families.gauge(
      "cleanup_duration_seconds",
      "How long the last round of the cleaner took.",
      [],
    ),
    cleanupLastSuccess: families.gauge(
      "cleanup_last_success_timestamp_seconds",
      "When the cleaner last came to the end of a round.",
      [],
    ),
    cleanupOrphansLastSweep: families.gauge(
      "cleanup_orphans_last_sweep_timestamp_seconds",
      "When all objects had last been looked through for those that no message needs.",
      [],
    ),
  };
}
