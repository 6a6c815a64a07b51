/**
 * Stands in for a protocol worker: speaks its protocol, and does on `setLogLevel` what the pool
 * must survive. "debug" = throw, "warning" = reject, "error" = hang for ever.
 */
import type {
  SupervisorProcedures,
  WorkerProcedures,
  WorkerSettings,
} from "../../src/app/worker_protocol.ts";
import { type Port, Rpc } from "../../src/lib/rpc.ts";
import { Metrics } from "../../src/observe/metrics.ts";

const metrics = new Metrics();
let listener: Deno.TcpListener | undefined;

const supervisor = new Rpc<WorkerProcedures, SupervisorProcedures>(globalThis as unknown as Port, {
  start,
  drain: () => Promise.resolve({ ended: 2, cut: 1 }),
  useHasher() {},
  setLogLevel(level) {
    if (level === "debug") setTimeout(() => fail("thrown on demand"), 0);
    if (level === "warning") void Promise.reject(new Error("rejected on demand"));
    if (level === "error") { for (;;); }
  },
  metrics: () => metrics.registry.getMetricsAsJSON(),
}).remote;

function start({ number, config }: WorkerSettings): Promise<void> {
  if (config.dataDir === `fail-${number}` || config.dataDir === "fail") {
    return Promise.reject(new Error("failed on demand"));
  }
  const [server] = config.servers;
  if (server) {
    const { host: hostname, port } = server.addr;
    listener = Deno.listen({ hostname, port, reusePort: true });
    void serve(listener);
  }
  metrics.commandsTotal.inc({ protocol: "imap", command: "NOOP", status: "ok" }, number);
  void supervisor.log([
    { time: 0, level: "info", category: "probe", event: "started", fields: { number } },
  ]);
  return supervisor.beat();
}

async function serve(socket: Deno.TcpListener): Promise<void> {
  for await (const connection of socket) await connection.write(new Uint8Array([33]));
}

function fail(message: string): never {
  throw new Error(message);
}
