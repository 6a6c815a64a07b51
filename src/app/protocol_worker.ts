import { RemoteHasher } from "../auth/hasher.ts";
import type { Listener } from "../net/listener.ts";
import { logger } from "../observe/log.ts";
import { Metrics } from "../observe/metrics.ts";
import { runWorker } from "./run_worker.ts";
import { openListeners } from "./worker_listeners.ts";
import type { Drained, WorkerSettings } from "./worker_protocol.ts";
import { openServices } from "./worker_services.ts";

/** Entry point of a protocol worker: waits for `start`, serves mail clients, ends after `drain`. */

const metrics = new Metrics();
const draining = new AbortController();
let hasher: RemoteHasher | undefined;
let listeners: readonly Listener[] = [];
let services: AsyncDisposable | undefined;

runWorker({
  log: logger("worker"),
  metrics,
  nameOf: ({ number }) => `worker-${number}`,
  open,
  drain,
  useHasher: (port) => hasher?.reconnect(port),
});

async function open(settings: WorkerSettings, hashPort: MessagePort | null): Promise<void> {
  if (!hashPort) throw new Error("Cannot serve without a hash worker");
  hasher = new RemoteHasher(hashPort, { scheme: "bcrypt", cost: settings.config.bcryptCost });
  const opened = await openServices(settings, { hasher, metrics });
  services = opened;
  listeners = openListeners({ settings, services: opened, metrics, draining: draining.signal });
}

async function drain(timeoutMs: number): Promise<Drained> {
  for (const listener of listeners) listener.close();
  const sessions = count();
  draining.abort();
  await settled(Promise.all(listeners.map((listener) => listener.finished())), timeoutMs);
  const cut = count();
  await Promise.all(listeners.map((listener) => listener[Symbol.asyncDispose]()));
  await services?.[Symbol.asyncDispose]();
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
