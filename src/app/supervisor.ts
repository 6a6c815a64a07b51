import type { Config, DatabaseConfig } from "../config/config.ts";
import { VERSION } from "../lib/version.ts";
import { type Log, logger } from "../observe/log.ts";
import type { LogLevel } from "../observe/log_level.ts";
import { startLogging, stopLogging } from "../observe/logging.ts";
import { Metrics } from "../observe/metrics.ts";
import { StallMonitor } from "../observe/stall_monitor.ts";
import type { Database } from "../store/database.ts";
import { DataDirInUse, lockDataDir } from "../store/data_lock.ts";
import { catchBugs } from "./catch_bugs.ts";
import { checkBucket } from "./check_bucket.ts";
import { connectionsNeeded, divideConnections } from "./connection_shares.ts";
import { type DataFolder, openDataFolder } from "./data_folder.ts";
import { type DemoAccount, makeDemoAccount } from "./demo_account.ts";
import { type ExitCode, exitCodes, StartFailure } from "./exit_codes.ts";
import { HashWorkers } from "./hash_workers.ts";
import { LogWriter } from "./log_writer.ts";
import { openDatabase, startDatabase } from "./open_database.ts";
import { openMetrics } from "./open_metrics.ts";
import { changedKeys } from "./reload.ts";
import { settleAddresses } from "./settle_addresses.ts";
import { forgetWorker, sessionCounts } from "./shared_admission.ts";
import { Signals } from "./signals.ts";
import { openStagingSettings, type StagingSettings } from "./staging_settings.ts";
import { makeUploadPool } from "./upload_pool.ts";
import { workerUrl } from "./worker_entries.ts";
import { workerPermissions } from "./worker_permissions.ts";
import { WorkerPool } from "./worker_pool.ts";

export interface SupervisorOptions {
  readonly config: Config;
  /** No configuration file: one worker by default, and a demo account at the first start. */
  readonly embedded: boolean;
  /** Which private PostgreSQL: "auto", "system", "bundled" or a folder. */
  readonly postgresSource: string;
  readonly hostname: string;
  /** Everything listens: for the person at the terminal. */
  readonly onReady: (ready: Ready) => void;
  /** The configuration as it is now, after SIGHUP; null when it cannot be used (already told). */
  readonly reread: (log: Log) => Config | null;
}

export interface Ready {
  readonly config: Config;
  readonly dataDir: string;
  readonly workers: number;
  readonly database: string;
  readonly demo: DemoAccount | null;
}

/** WHY: what is not sent now is sent after the next start; it is safe where it is. */
const UPLOADS_DRAIN_MS = 5_000;

type WithDatabase = Config & { readonly database: DatabaseConfig };

/**
 * The whole server, wired by hand. The order of the lines is the order of the start, `await using`
 * the order of the stop.
 *
 * @throws {StartFailure} when it cannot start
 */
export async function runSupervisor(options: SupervisorOptions): Promise<ExitCode> {
  await using writer = new LogWriter(options.config.logging);
  const { level } = options.config.logging;
  startLogging(level, (entry) => writer.write(entry));
  using _silence = { [Symbol.dispose]: stopLogging };
  const log = logger("supervisor");
  const metrics = new Metrics();
  using _net = catchBugs(log);

  const folder = await openDataFolder(options.config.dataDir);
  using _lock = await lock(folder);
  const settled = settleAddresses(options.config);
  let hangups = 0;
  let reload = (): void => void hangups++;
  let reconnect = (_worker: number): void => {};
  using signals = new Signals(() => reload(), () => Deno.exit(exitCodes.failure));

  using hashers = new HashWorkers({
    cores: navigator.hardwareConcurrency,
    onReplaced: (user) => reconnect(user),
    log,
  });
  await using running = await startDatabase(settled, {
    dataDir: folder.root,
    source: options.postgresSource,
  });
  const config: WithDatabase = { ...settled, dataDir: folder.root, database: running.config };
  const { workers } = config.runtime;
  const uploads = config.s3 !== null;
  const shares = divideConnections(config.database, workers, { uploads });
  const staging = await openStagingSettings(config, folder.root);
  warnOfConnections(config, log);
  const hung = Promise.withResolvers<"hung">();
  const live: Live = { level };
  // WHY before the migrations: the workers load their modules meanwhile.
  const forWorkers = { ...config, database: shares.worker };
  const parts = { folder, staging, hashers, writer, log, metrics, hung, live };
  await using pool = makePool(forWorkers, parts);
  const uploader = { ...config, database: shares.uploader };
  // WHY disposed of behind the protocol workers: what they took in at the end may still be sent.
  await using uploadPool = staging && makeUploads(uploader, { ...parts, staging });
  // WHY also before they serve: a worker that starts has a hash worker already.
  reconnect = (worker) => void told(pool.remote(worker)?.useHasher(hashers.connect(worker)), log);
  await using database = await openDatabase(shares.supervisor, metrics);
  await using services = new AsyncDisposableStack();
  // WHY before the workers: a probe that waits for /health gets its 503 meanwhile.
  for (const server of config.servers) {
    if (server.type !== "metrics") continue;
    const { hostname } = options;
    const pools = uploadPool ? [pool, uploadPool] : [pool];
    services.use(await openMetrics(server, { pools, pool, database, metrics, hostname }));
  }
  if (config.s3) await checkBucket(config.s3, log);
  const [demo] = await Promise.all([
    options.embedded ? demoAccount(database, config, hashers) : null,
    startWorkers(pool),
    uploadPool && startWorkers(uploadPool),
  ]);
  for (const { type: protocol, name: server, addr } of config.servers) {
    if (protocol !== "metrics") log.info("listening", { server, protocol, ...addr });
  }
  services.use(await housekeeping(database, folder));
  if (config.s3 && config.s3.manifestIntervalMs > 0) {
    // WHY: most installations have no bucket, and need not load what writes to one.
    const { startManifests } = await import("./manifest_job.ts");
    services.use(await startManifests(config.s3, { database, spoolDir: folder.spool, metrics }));
  }
  reload = () => reloadConfig(options, { writer, pool, log, live });
  if (hangups > 0) reload();

  // WHY only now: loading modules holds the event loop, and nobody waits for it.
  using _monitor = new StallMonitor({ isolate: "supervisor", log, metrics });
  log.info("started", { version: VERSION, workers: pool.size, database: running.title });
  const { title } = running;
  options.onReady({ config, dataDir: folder.root, workers, database: title, demo });

  const why = await Promise.race([signals.stop, hung.promise]);
  log.info("stopping", { why, timeoutMs: config.runtime.shutdownTimeoutMs });
  const drained = await pool.drain(config.runtime.shutdownTimeoutMs);
  await uploadPool?.drain(UPLOADS_DRAIN_MS);
  log.info("stopped", { ...drained });
  return why === "hung" ? exitCodes.internal : exitCodes.ok;
}

async function lock(folder: DataFolder): Promise<Disposable> {
  try {
    return await lockDataDir(folder.root);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const message = error instanceof DataDirInUse
      ? why
      : `Cannot use the data folder ${folder.root}: ${why}`;
    throw new StartFailure(exitCodes.cannotCreate, message, { cause: error });
  }
}

/** WHY: every worker gets what it needs to work at all; PostgreSQL's own limit has to allow for it. */
function warnOfConnections({ database, s3, runtime: { workers } }: WithDatabase, log: Log): void {
  const needed = connectionsNeeded(workers, { uploads: s3 !== null });
  const { maxConnections } = database.write;
  if (maxConnections < needed) log.warning("max-connections-too-low", { maxConnections, needed });
}

/** What SIGHUP has changed: a worker that is started again begins with it. */
interface Live {
  level: LogLevel;
}

interface PoolParts {
  readonly folder: DataFolder;
  readonly staging: StagingSettings | null;
  readonly hashers: HashWorkers;
  readonly writer: LogWriter;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly hung: PromiseWithResolvers<"hung">;
  readonly live: Live;
}

function makePool(config: WithDatabase, parts: PoolParts): WorkerPool {
  const { folder, staging, hashers, writer, log, metrics, hung, live } = parts;
  const { bodies, spool } = folder;
  const folders = { bodies, spool };
  const size = config.runtime.workers;
  const servers = config.servers.filter(({ type }) => type !== "metrics").length;
  const counts = sessionCounts(size, servers);
  const permissions = workerPermissions(config, folders, staging);
  return new WorkerPool({
    size,
    spawn: (number) =>
      new Worker(workerUrl("protocol"), {
        type: "module",
        name: `worker-${number}`,
        deno: { permissions },
      }),
    start: (worker, number) => {
      const logging = { ...config.logging, level: live.level };
      const own = { number, workers: size, config: { ...config, logging } };
      return worker.start({ ...own, folders, staging, counts }, hashers.connect(number));
    },
    onGone: (number) => forgetWorker(counts, number - 1, servers),
    onHung: () => hung.resolve("hung"),
    onLog: (entries) => entries.forEach((entry) => writer.write(entry)),
    log,
    metrics,
  });
}

function makeUploads(
  config: WithDatabase,
  { folder, staging, writer, log, metrics, hung, live }: PoolParts & {
    readonly staging: StagingSettings;
  },
): WorkerPool {
  return makeUploadPool({
    config: () => ({ ...config, logging: { ...config.logging, level: live.level } }),
    folders: { bodies: folder.bodies, spool: folder.spool },
    staging,
    onHung: () => hung.resolve("hung"),
    onLog: (entries) => entries.forEach((entry) => writer.write(entry)),
    log,
    metrics,
  });
}

/** All workers failed in the same way: the first one's words tell the operator why. */
async function startWorkers(pool: WorkerPool): Promise<void> {
  try {
    await pool.start();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const message = `No worker can be started: ${why}`;
    throw new StartFailure(exitCodes.internal, message, { cause: error });
  }
}

function demoAccount(
  database: Database,
  config: Config,
  hashers: HashWorkers,
): Promise<DemoAccount | null> {
  return makeDemoAccount(database, (password) => hashers.hash(password, config.bcryptCost));
}

async function housekeeping(database: Database, folders: DataFolder): Promise<Disposable> {
  const [{ Housekeeping }, { MessageStore }, { Notices }] = await Promise.all([
    import("./housekeeping.ts"),
    import("../store/messages.ts"),
    import("../store/notices.ts"),
  ]);
  const messages = new MessageStore(database, new Notices(database, { workerId: "supervisor" }));
  return new Housekeeping({ folders, messages, log: logger("jobs") });
}

interface ReloadParts {
  readonly writer: LogWriter;
  readonly pool: WorkerPool;
  readonly log: Log;
  readonly live: Live;
}

/** What can change while sessions go on: the log file (reopened) and the log level. */
function reloadConfig(options: SupervisorOptions, parts: ReloadParts): void {
  const { writer, pool, log, live } = parts;
  try {
    writer.reopen();
  } catch (error) {
    log.error("log-file-not-reopened", { error });
  }
  const fresh = options.reread(log);
  if (!fresh) return log.error("reload-failed", { kept: "the configuration as it was" });
  const { level } = fresh.logging;
  live.level = level;
  startLogging(level, (entry) => writer.write(entry));
  for (const worker of pool.serving) void told(worker.setLogLevel(level), log);
  const needRestart = changedKeys(options.config, fresh).filter((key) => key !== "logging.level");
  log.info("reloaded", { level });
  if (needRestart.length > 0) log.warning("restart-needed", { changed: needRestart });
}

/** A worker that dies while it is told something gets it with its next start. */
async function told(telling: Promise<void> | undefined, log: Log): Promise<void> {
  try {
    await telling;
  } catch (error) {
    log.warning("worker-not-told", { error });
  }
}
