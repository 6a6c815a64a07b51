import { exitCodes } from "../app/exit_codes.ts";
import type { DatabaseConfig } from "../config/config.ts";
import { defaultDatabase } from "../config/embedded.ts";
import { Refused } from "../lib/refused.ts";
import { logger } from "../observe/log.ts";
import { Metrics } from "../observe/metrics.ts";
import { Database } from "../store/database.ts";
import { lockDataDir } from "../store/data_lock.ts";
import { findEmbeddedPostgres, startEmbeddedPostgres } from "../store/embedded_postgres.ts";
import { migrate, migrationStatus } from "../store/migrate.ts";
import type { Request } from "./command.ts";
import { Failure, oneLine } from "./failure.ts";
import type { Setup } from "./setup.ts";

/** Connections of one command. */
const CONNECTIONS = 2;

/**
 * Runs `work` on the database of the setup. A private PostgreSQL that Sora runs is used as it runs;
 * one that does not run is started for as long as the command takes.
 */
export async function withDatabase<T>(
  { setup, terminal }: Request,
  work: (database: Database, setup: Setup) => Promise<T>,
  { creates = false }: {
    /** The command may make the private database of an empty data folder. */
    readonly creates?: boolean;
  } = {},
): Promise<T> {
  const { config } = setup();
  if (config.database) return await connected(config.database, work, setup());
  const running = await findEmbeddedPostgres(config.dataDir);
  if (running) return await connected(defaultDatabase(running), work, setup());
  if (!creates) await mustExist(config.dataDir);
  using _lock = await lockDataDir(config.dataDir);
  await using postgres = await startEmbeddedPostgres({
    dataDir: config.dataDir,
    source: terminal.env["SORA_PG"] ?? "auto",
    log: logger("admin"),
    restart: false,
  });
  return await connected(defaultDatabase(postgres.endpoint), work, setup());
}

/**
 * A database for accounts: with our schema. An empty one gets it, and so does a private one that is
 * older; another one that is older stays as it is, because a running server may not be.
 */
export function withAccounts<T>(
  request: Request,
  work: (database: Database, setup: Setup) => Promise<T>,
  options: { readonly creates?: boolean } = {},
): Promise<T> {
  return withDatabase(request, async (database, setup) => {
    const { current, pending } = await migrationStatus(database);
    if (pending.length > 0) {
      if (current > 0 && setup.config.database) {
        const message = `the schema is at version ${current}: run sora-admin migrate up first`;
        throw new Failure(exitCodes.failure, message);
      }
      const timeoutMs = setup.config.database?.migrationTimeoutMs ?? MIGRATION_WAIT_MS;
      await migrate(database, { timeoutMs, log: logger("admin") });
    }
    return await work(database, setup);
  }, options);
}

/** How long to wait for another process that migrates the private database. */
export const MIGRATION_WAIT_MS = 60_000;

async function connected<T>(
  database: DatabaseConfig,
  work: (database: Database, setup: Setup) => Promise<T>,
  setup: Setup,
): Promise<T> {
  const write = { ...database.write, maxConnections: CONNECTIONS, minConnections: 0 };
  const observe = { log: logger("admin"), metrics: new Metrics() };
  let opened: Database;
  try {
    opened = await Database.open({ ...database, write, read: [] }, observe);
  } catch (error) {
    throw unreachable(error, database);
  }
  await using open = opened;
  return await work(open, setup);
}

/** Says what an operator can check. */
function unreachable(error: unknown, { write }: DatabaseConfig): unknown {
  if (!(error instanceof Refused) || error.refusal.kind !== "unavailable") return error;
  const cause = error.cause instanceof Error ? error.cause : new Error("no answer");
  const where = write.hosts.map((host) => host.startsWith("/") ? host : `${host}:${write.port}`);
  const message =
    `cannot use the database ${write.name} at ${where.join(", ")} as ${write.user}: ` +
    `${oneLine(cause.message) || "no answer"}; ${advice(cause)}`;
  return new Failure(exitCodes.unavailable, message, { cause: error });
}

function advice(cause: Error): string {
  const code = deepCode(cause);
  if (code.startsWith("28")) return "check user and password in [database.write], and pg_hba.conf";
  if (code === "3D000") return "create this database first (CREATE DATABASE … ENCODING 'UTF8')";
  if (code === "53300") return "PostgreSQL has no connection left: see its max_connections";
  return "check that PostgreSQL runs there, and hosts and port in [database.write]";
}

/** SQLSTATE or system error, of the error or what caused it. */
function deepCode(error: unknown, depth = 0): string {
  if (!(error instanceof Error) || depth > 5) return "";
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return code || deepCode(error.cause, depth + 1);
}

async function mustExist(dataDir: string): Promise<void> {
  try {
    await Deno.stat(dataDir);
  } catch {
    const message =
      `there is no data folder ${dataDir}: start sora first, or give --config or --data`;
    throw new Failure(exitCodes.failure, message);
  }
}
