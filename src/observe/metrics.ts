import { Registry } from "prom-client";
import { bodyMetrics } from "./body_metrics.ts";
import { databaseMetrics } from "./database_metrics.ts";
import { isolateMetrics } from "./isolate_metrics.ts";
import { jobMetrics } from "./job_metrics.ts";
import { MetricFamilies } from "./metric_families.ts";
import { sessionMetrics } from "./session_metrics.ts";

function allMetrics(families: MetricFamilies) {
  return {
    ...sessionMetrics(families),
    ...databaseMetrics(families),
    ...bodyMetrics(families),
    ...jobMetrics(families),
    ...isolateMetrics(families),
  };
}

type AllMetrics = Readonly<ReturnType<typeof allMetrics>>;

/**
 * The metric families of one isolate, in a registry of their own; the supervisor sums the isolates
 * (`sum_metrics.ts`). Names and labels are those of the Go implementation under the prefix `sora_`;
 * its label `hostname` is added by the sum, its label `ip` nowhere. A label that the caller does not
 * know may be left out.
 */
export class Metrics {
  readonly registry: Registry = new Registry();

  constructor() {
    Object.assign(this, allMetrics(new MetricFamilies(this.registry)));
  }
}

// WHY: what the constructor assigns; to name each of them again would say nothing more.
export interface Metrics extends AllMetrics {}

/** For callers whose numbers nobody reads: tests and sora-admin. */
export const nullMetrics: Metrics = new Metrics();
