import type { MetricsServerConfig } from "../config/config.ts";
import { logger } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import { sumMetrics } from "../observe/sum_metrics.ts";
import type { Database } from "../store/database.ts";
import type { WorkerPool } from "./worker_pool.ts";

/** What there is to be told of. */
export interface MetricsParts {
  /** Who serves clients. */
  readonly pool: WorkerPool;
  /** All who have numbers. */
  readonly pools: readonly WorkerPool[];
  readonly database: Database;
  readonly metrics: Metrics;
  readonly hostname: string;
}

/** Serves the numbers of all isolates, and whether Sora is well. */
export async function openMetrics(
  config: MetricsServerConfig,
  { pool, pools, database, metrics, hostname }: MetricsParts,
): Promise<AsyncDisposable> {
  // WHY: most installations have no metrics server, and need not load one.
  const { serveMetrics } = await import("../http/metrics_server.ts");
  const collect = async () => {
    const { rss, heapUsed } = Deno.memoryUsage();
    metrics.processMemoryBytes.set(rss);
    metrics.isolateHeapBytes.set({ isolate: "supervisor" }, heapUsed);
    const own = await metrics.registry.getMetricsAsJSON();
    const others = await Promise.all(pools.map((one) => one.snapshots()));
    return await sumMetrics([own, ...others.flat()], { hostname });
  };
  const healthy = async () => {
    if (pool.isStopping || pool.serving.length === 0) return false;
    return await database.ping().then(() => true, () => false);
  };
  return serveMetrics({ config, collect, healthy }, logger("http"));
}
