import { AggregatorRegistry, type MetricObjectWithValues, type MetricValue } from "prom-client";

/** What `registry.getMetricsAsJSON()` gives: plain data, so that a worker can send it. */
export type MetricsSnapshot = MetricObjectWithValues<MetricValue<string>>[];

/**
 * Snapshots of several isolates as one Prometheus text: counters, gauges and histograms with equal
 * labels are added up. Every series gets the labels in `common`.
 */
export function sumMetrics(
  snapshots: readonly MetricsSnapshot[],
  common: Readonly<Record<string, string>> = {},
): Promise<string> {
  const registry = AggregatorRegistry.aggregate([...snapshots]);
  registry.setDefaultLabels({ ...common });
  return registry.metrics();
}

/** The media type of that text. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";
