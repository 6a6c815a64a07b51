import { type Port, Rpc } from "../lib/rpc.ts";
import type { Log } from "../observe/log.ts";
import { startLogging } from "../observe/logging.ts";
import type { Metrics } from "../observe/metrics.ts";
import { StallMonitor } from "../observe/stall_monitor.ts";
import { catchBugs } from "./catch_bugs.ts";
import { LogForwarder } from "./log_forwarder.ts";
import {
  BEAT_MS,
  type Drained,
  type SupervisorProcedures,
  type WorkerProcedures,
  type WorkerSettings,
} from "./worker_protocol.ts";

/** What is special to one kind of worker. */
export interface WorkerWork {
  readonly log: Log;
  readonly metrics: Metrics;
  /** Of this isolate, in metrics. */
  nameOf(settings: WorkerSettings): string;
  open(settings: WorkerSettings, hasher: MessagePort | null): Promise<void>;
  /** Takes up nothing new, ends what there is within the time, closes everything. */
  drain(timeoutMs: number): Promise<Drained>;
  useHasher?(port: MessagePort): void;
}

/** What every worker of the supervisor does: answers it, tells it what is logged, and beats for it. */
export function runWorker({ log, metrics, nameOf, open, drain, useHasher }: WorkerWork): void {
  let isolate = "worker";
  const supervisor = new Rpc<WorkerProcedures, SupervisorProcedures>(
    globalThis as unknown as Port,
    {
      async start(settings, hasher) {
        isolate = nameOf(settings);
        startLogging(settings.config.logging.level, (entry) => forwarder.write(entry));
        await open(settings, hasher);
        // WHY only now: loading modules holds the event loop, and nobody waits for it.
        new StallMonitor({ isolate, log, metrics });
        log.debug("serving", { isolate });
      },
      async drain(timeoutMs) {
        const drained = await drain(timeoutMs);
        forwarder.flush();
        return drained;
      },
      useHasher: (port) => useHasher?.(port),
      setLogLevel: (level) => startLogging(level, (entry) => forwarder.write(entry)),
      metrics() {
        metrics.isolateHeapBytes.set({ isolate }, Deno.memoryUsage().heapUsed);
        return metrics.registry.getMetricsAsJSON();
      },
    },
  ).remote;
  const forwarder = new LogForwarder((entries) => void supervisor.log(entries));
  catchBugs(log);
  setInterval(() => void supervisor.beat(), BEAT_MS);
}
