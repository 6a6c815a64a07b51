import type { DatabaseEndpoint } from "../../src/config/config.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { Database, sql } from "../../src/store/database.ts";
import { type Binaries, findBinaries } from "../../src/store/embedded/binaries.ts";
import { makeFolder, openPlace, type Place } from "../../src/store/embedded/place.ts";
import { command, run, until } from "../../src/store/embedded/process.ts";
import { startEmbeddedPostgres } from "../../src/store/embedded_postgres.ts";
import { configFor } from "./postgres.ts";

/** For the standby to have all that the primary has. */
const SYNC_MS = 60_000;

/** A standby of a PostgreSQL, on the same machine. */
export interface Standby extends AsyncDisposable {
  readonly endpoint: DatabaseEndpoint;
  /** Makes it a primary; resolves when it takes writes. */
  promote(): Promise<void>;
}

/**
 * A copy of the server at `primary` that follows it by streaming replication. From now on the primary acknowledges
 * no transaction before it can be seen here.
 */
export async function standbyOf(primary: DatabaseEndpoint): Promise<Standby> {
  const dataDir = await Deno.makeTempDir({ prefix: "sora-standby-" });
  const source = Deno.env.get("SORA_PG") ?? "auto";
  const place = await openPlace(dataDir);
  const binaries = await findBinaries({ source, made: null, place, remembered: null });
  await backUp(primary, { place, binaries });
  const log = logger("test");
  const running = await startEmbeddedPostgres({
    dataDir,
    source,
    log,
    fsync: false,
    restart: false,
  });
  await makeSynchronous(primary);
  return {
    endpoint: { ...primary, hosts: running.endpoint.hosts, port: running.endpoint.port },
    promote: async () => {
      const args = ["promote", "-w", "-D", place.data];
      await run(...command({ binaries, owner: place.owner, cwd: place.folder }, "pg_ctl", args));
    },
    async [Symbol.asyncDispose]() {
      await running.stop();
      await Deno.remove(dataDir, { recursive: true });
    },
  };
}

async function backUp(
  { hosts: [host = ""], port, user }: DatabaseEndpoint,
  { place, binaries }: { readonly place: Place; readonly binaries: Binaries },
): Promise<void> {
  await makeFolder(place.data, place.owner);
  const from = ["--host", host, "--port", String(port), "--username", user, "--no-password"];
  const to = ["--pgdata", place.data, "--write-recovery-conf", "--wal-method", "stream"];
  const args = [...from, ...to, "--checkpoint", "fast", "--no-sync"];
  await run(...command({ binaries, owner: place.owner, cwd: place.folder }, "pg_basebackup", args));
}

/** WHY only now: the copy must not wait for a standby of its own. */
async function makeSynchronous(primary: DatabaseEndpoint): Promise<void> {
  const observe = { log: logger("test"), metrics: new Metrics() };
  await using db = await Database.open(configFor(primary), observe);
  await db.query(sql`ALTER SYSTEM SET synchronous_standby_names = '*'`);
  // WHY for the role: the server's command line says something else, and would win otherwise.
  await db.query(sql`ALTER ROLE CURRENT_USER SET synchronous_commit = 'remote_apply'`);
  await db.query(sql`SELECT pg_reload_conf()`);
  const isSynchronous = await until(SYNC_MS, async () => {
    const [row] = await db.query<{ state: string }>(
      sql`SELECT sync_state AS state FROM pg_stat_replication WHERE state = 'streaming'`,
    );
    return row?.state === "sync" || undefined;
  });
  if (!isSynchronous) throw new Error("The standby does not follow");
}
