import type { Config, DatabaseConfig } from "../config/config.ts";
import { defaultDatabase } from "../config/embedded.ts";
import { formatListenAddress } from "../config/listen_address.ts";
import { logger } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Database } from "../store/database.ts";
import { connectionsNeeded } from "./connection_shares.ts";
import { exitCodes, StartFailure } from "./exit_codes.ts";

/** Sessions that the private PostgreSQL takes; more only where many workers need more. */
const PRIVATE_CONNECTIONS_MIN = 60;
/** Of them for sora-admin, psql and what PostgreSQL keeps for itself. */
const SPARE_CONNECTIONS = 20;

/** A database that runs: the configured one, or the private one, which stops when disposed of. */
export interface RunningDatabase extends AsyncDisposable {
  readonly config: DatabaseConfig;
  /** What it is, for the person at the terminal. */
  readonly title: string;
}

/**
 * Starts the private PostgreSQL where no database is configured.
 *
 * @throws {StartFailure} unavailable
 */
export async function startDatabase(
  config: Config,
  { dataDir, source }: { readonly dataDir: string; readonly source: string },
): Promise<RunningDatabase> {
  if (config.database) {
    const { hosts: [host = ""], port, name } = config.database.write;
    const title = `PostgreSQL, ${name} at ${formatListenAddress({ host, port })}`;
    return { config: config.database, title, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  try {
    // WHY: the code that manages a private server is not needed where a database is configured.
    const { startEmbeddedPostgres } = await import("../store/embedded_postgres.ts");
    const needed = connectionsNeeded(config.runtime.workers, { uploads: config.s3 !== null });
    const server = await startEmbeddedPostgres({
      dataDir,
      source,
      log: logger("postgres"),
      maxConnections: Math.max(PRIVATE_CONNECTIONS_MIN, needed + SPARE_CONNECTIONS),
    });
    return {
      config: defaultDatabase(server.endpoint),
      title: `PostgreSQL ${server.version}, private (${server.source})`,
      [Symbol.asyncDispose]: () => server.stop(),
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StartFailure(exitCodes.unavailable, `The private PostgreSQL does not start: ${why}`, {
      cause: error,
    });
  }
}

/**
 * Connects the supervisor and brings the schema up to date; other nodes wait meanwhile.
 *
 * @throws {StartFailure} unavailable
 */
export async function openDatabase(config: DatabaseConfig, metrics: Metrics): Promise<Database> {
  const log = logger("store");
  const [{ Database }, { migrate }] = await Promise.all([
    import("../store/database.ts"),
    import("../store/migrate.ts"),
  ]);
  const { hosts: [host = ""], port } = config.write;
  let database: Database | undefined;
  try {
    database = await Database.open(config, { log, metrics });
    await migrate(database, { timeoutMs: config.migrationTimeoutMs, log });
    return database;
  } catch (error) {
    await database?.[Symbol.asyncDispose]();
    const message = `The database at ${formatListenAddress({ host, port })} cannot be used: ${
      reason(error)
    }`;
    throw new StartFailure(exitCodes.unavailable, message, { cause: error });
  }
}

/** The innermost cause: "unavailable" alone tells an operator nothing. */
function reason(error: unknown): string {
  if (error instanceof AggregateError && error.message === "" && error.errors.length > 0) {
    return reason(error.errors[0]);
  }
  if (error instanceof Error && error.cause !== undefined) return reason(error.cause);
  return error instanceof Error ? error.message : String(error);
}
