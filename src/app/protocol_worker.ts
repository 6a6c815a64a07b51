import { RemoteHasher } from "../auth/hasher.ts";
import { type Port, Rpc } from "../lib/rpc.ts";
import type { Listener } from "../net/listener.ts";
import { logger } from "../observe/log.ts";
import { startLogging } from "../observe/logging.ts";
import { Metrics } from "../observe/metrics.ts";
import { StallMonitor } from "../observe/stall_monitor.ts";
import { LogForwarder } from "./log_forwarder.ts";
import { openListeners } from "./worker_listeners.ts";
import { openServices } from "./worker_services.ts";
import {
  BEAT_MS,
  type Drained,
  type SupervisorProcedures,
  type WorkerProcedures,
  type WorkerSettings,
} from "./worker_protocol.ts";

/** Entry point of a protocol worker: waits for `start`, serves mail clients, ends after `drain`. */

const log = logger("worker");
const metrics = new Metrics();
const draining = new AbortController();
let isolate = "worker";
let hasher: RemoteHasher | undefined;
let listeners: readonly Listener[] = [];
let services: AsyncDisposable | undefined;

const supervisor = new Rpc<WorkerProcedures, SupervisorProcedures>(globalThis as unknown as Port, {
  start,
  drain,
  useHasher: (port) => hasher?.reconnect(port),
  setLogLevel: (level) => startLogging(level, (entry) => forwarder.write(entry)),
  metrics: () => {
    metrics.isolateHeapBytes.set({ isolate }, Deno.memoryUsage().heapUsed);
    return metrics.registry.getMetricsAsJSON();
  },
}).remote;

const forwarder = new LogForwarder((entries) => void supervisor.log(entries));

// WHY: one session's bug must not end the others; what is caught here is a bug all the same.
globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  log.error("unhandled-rejection", { error: event.reason });
});
globalThis.addEventListener("error", (event) => {
  event.preventDefault();
  log.error("uncaught-error", { error: event.error });
});

setInterval(() => void supervisor.beat(), BEAT_MS);

async function start(settings: WorkerSettings, hashPort: MessagePort | null): Promise<void> {
  if (!hashPort) throw new Error("Cannot serve without a hash worker");
  isolate = `worker-${settings.number}`;
  startLogging(settings.config.logging.level, (entry) => forwarder.write(entry));
  hasher = new RemoteHasher(hashPort, { scheme: "bcrypt", cost: settings.config.bcryptCost });
  const opened = await openServices(settings, { hasher, metrics });
  services = opened;
  listeners = openListeners({ settings, services: opened, metrics, draining: draining.signal });
  // WHY only now: loading modules holds the event loop, and nobody waits for it.
  new StallMonitor({ isolate, log, metrics });
  log.debug("serving", { isolate });
}

async function drain(timeoutMs: number): Promise<Drained> {
  for (const listener of listeners) listener.close();
  const sessions = count();
  draining.abort();
  await settled(Promise.all(listeners.map((listener) => listener.finished())), timeoutMs);
  const cut = count();
  await Promise.all(listeners.map((listener) => listener[Symbol.asyncDispose]()));
  await services?.[Symbol.asyncDispose]();
  forwarder.flush();
  return { ended: sessions - cut, cut };
}

function count(): number {
  return listeners.reduce((sum, { connections }) => sum + connections.size, 0);
}

/** Resolves with the promise, or after so many milliseconds. */
async function settled(promise: Promise<unknown>, ms: number): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  await Promise.race([promise, late.promise]);
  clearTimeout(timer);
}
