import type { MetricFamilies } from "./metric_families.ts";

/** Seconds; 0.05 is where a held event loop becomes a bug. */
const STALL_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** What every isolate says of itself, and the supervisor of all. */
export function isolateMetrics(families: MetricFamilies) {
  return {
    eventLoopStall: families.histogram(
      "event_loop_stall_seconds",
      "Times that something held an isolate's event loop for more than 50 ms.",
      ["isolate"],
      STALL_SECONDS,
    ),
    eventLoopStallMax: families.gauge(
      "event_loop_stall_max_seconds",
      "The longest time that an isolate's event loop was held since it started.",
      ["isolate"],
    ),
    isolateHeapBytes: families.gauge(
      "isolate_heap_bytes",
      "JavaScript heap in use.",
      ["isolate"],
    ),
    processMemoryBytes: families.gauge(
      "process_resident_memory_bytes",
      "Resident memory of the whole process.",
      [],
    ),
    workerRestartsTotal: families.counter(
      "worker_restarts_total",
      "Workers that were started again after a crash.",
      [],
    ),
    workersCurrent: families.gauge("workers_current", "Protocol workers that serve now.", []),
  };
}
