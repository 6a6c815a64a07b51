import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseEndpoint } from "../../src/config/config.ts";
import { logger } from "../../src/observe/log.ts";
import {
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from "../../src/store/embedded_postgres.ts";

/** URL of the PostgreSQL that tests may make databases on: a superuser, any existing database. */
export const SERVER_VARIABLE = "SORA_TEST_DATABASE_URL";

/** Every test file in parallel with a few pools each. */
const MAX_CONNECTIONS = 300;

/** A server without fsync stops in a tenth of that. */
const STOP_MS = 5000;

/** How the server that tests share is run: its data need not survive a power failure. */
export function sharedServerOptions(): Omit<EmbeddedPostgresOptions, "dataDir" | "log"> {
  const source = Deno.env.get("SORA_PG") ?? "auto";
  return { source, fsync: false, restart: false, maxConnections: MAX_CONNECTIONS };
}

/**
 * The server of `deno task test`, or the one that the variable names, or, when a test file is run on
 * its own, one in the temporary folder: started by the first test process, stopped by the last.
 * Call it at the top level of a module, outside the reach of the leak sanitizers.
 */
export async function findTestServer(): Promise<DatabaseEndpoint> {
  const url = Deno.env.get(SERVER_VARIABLE);
  if (url) return endpointOfUrl(url);
  const dataDir = join(tmpdir(), `sora-test-postgres-${Deno.uid()}`);
  await Deno.mkdir(dataDir, { recursive: true, mode: 0o711 });
  const users = await Deno.open(join(dataDir, "users.lock"), { create: true, write: true });
  await users.lock(false);
  using starting = await Deno.open(join(dataDir, "start.lock"), { create: true, write: true });
  await starting.lock(true);
  const log = logger("test");
  const server = await startEmbeddedPostgres({ ...sharedServerOptions(), dataDir, log });
  const pidFile = join(dataDir, "postgres", "data", "postmaster.pid");
  addEventListener("unload", () => stopWhenLast(users, { pid: server.pid, pidFile }));
  return server.endpoint;
}

/** An endpoint as `postgres://user:password@host:port/name`; a socket folder is the encoded host. */
export function urlOf({ user, password, hosts, port, name }: DatabaseEndpoint): string {
  const host = encodeURIComponent(hosts[0] ?? "");
  return `postgres://${user}${
    password ? `:${encodeURIComponent(password)}` : ""
  }@${host}:${port}/${name}`;
}

function endpointOfUrl(text: string): DatabaseEndpoint {
  const url = new URL(text);
  return {
    hosts: [decodeURIComponent(url.hostname)],
    port: Number(url.port || 5432),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    name: url.pathname.slice(1) || "postgres",
    tls: false,
    maxConnections: 10,
    minConnections: 0,
    maxConnLifetimeMs: 3_600_000,
    maxConnIdleMs: 600_000,
  };
}

/**
 * WHY synchronous: the event allows nothing else. WHY it waits: whoever gets the lock next must not
 * find a server that has been told to stop and still answers.
 */
function stopWhenLast(users: Deno.FsFile, server: { pid: number; pidFile: string }): void {
  users.unlockSync();
  if (users.tryLockSync(true)) {
    try {
      Deno.kill(server.pid, "SIGINT");
      for (let waitedMs = 0; waitedMs < STOP_MS; waitedMs += 5) {
        Deno.statSync(server.pidFile);
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  users.close();
}
