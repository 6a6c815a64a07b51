import { createHash } from "node:crypto";
// @ts-types="npm:@types/pg@8.23.1"
import { Client } from "pg";
import type { DatabaseConfig, DatabaseEndpoint } from "../../src/config/config.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { Database } from "../../src/store/database.ts";
import { startEmbeddedPostgres } from "../../src/store/embedded_postgres.ts";
import { migrate } from "../../src/store/migrate.ts";
import { findTestServer } from "./test_server.ts";

/** Where the schema comes from: another set of files means another template. */
const MIGRATIONS = new URL("../../src/store/migrations/", import.meta.url);
/** Advisory lock on the maintenance database: one process makes the template, the others wait. */
const TEMPLATE_LOCK = 0x736f7261;
const MIGRATION_MS = 120_000;

const server = await findTestServer();
let template: Promise<string> | undefined;

/** A database of one test: the schema is there, nothing else; dropped at the end of the test. */
export interface TestDatabase extends AsyncDisposable {
  readonly config: DatabaseConfig;
}

/** A fresh migrated database on the shared test server: a copy of a template, some 20 ms. */
export async function testDatabase(): Promise<TestDatabase> {
  template ??= findTemplate();
  const name = `sora_test_${crypto.randomUUID().replaceAll("-", "")}`;
  const source = await template;
  await administer((client) => client.query(`CREATE DATABASE ${name} TEMPLATE ${source}`));
  return {
    config: configFor({ ...server, name }),
    async [Symbol.asyncDispose]() {
      await administer((client) => client.query(`DROP DATABASE ${name} WITH (FORCE)`));
    },
  };
}

/** A PostgreSQL of one test, which may kill it; everything is gone at the end. */
export interface ThrowawayPostgres extends TestDatabase {
  /** The server's main process. */
  readonly pid: number;
  /** Ends the server: SIGINT as an operator does, SIGKILL as the kernel does. Sessions are cut. */
  stop(signal?: "SIGINT" | "SIGQUIT" | "SIGKILL"): Promise<void>;
  /** Starts it again on the same data and the same socket. */
  start(): Promise<void>;
}

/** Starts a server of its own with an empty (`migrated: false`) or migrated database. */
export async function throwawayPostgres(
  { fsync = false, migrated = true } = {},
): Promise<ThrowawayPostgres> {
  const dataDir = await Deno.makeTempDir({ prefix: "sora-throwaway-" });
  const source = Deno.env.get("SORA_PG") ?? "auto";
  const log = logger("test");
  const launch = () => startEmbeddedPostgres({ dataDir, source, log, fsync, restart: false });
  let running = await launch();
  const config = configFor(running.endpoint);
  if (migrated) await migrateAt(config);
  return {
    config,
    get pid() {
      return running.pid;
    },
    async stop(signal = "SIGINT") {
      if (signal !== "SIGINT") Deno.kill(running.pid, signal);
      await running.stop();
    },
    async start() {
      running = await launch();
    },
    async [Symbol.asyncDispose]() {
      await running.stop();
      await Deno.remove(dataDir, { recursive: true });
    },
  };
}

/** The configuration of a database with the endpoint for everything and patient timeouts. */
export function configFor(endpoint: DatabaseEndpoint): DatabaseConfig {
  return {
    write: { ...endpoint, maxConnections: 4, minConnections: 0 },
    read: [],
    queryTimeoutMs: 20_000,
    searchTimeoutMs: 60_000,
    writeTimeoutMs: 20_000,
    lockTimeoutMs: 10_000,
    migrationTimeoutMs: MIGRATION_MS,
    debug: false,
  };
}

/** Name of the migrated template for this set of migration files; made by whoever comes first. */
async function findTemplate(): Promise<string> {
  const name = `sora_template_${await fingerprint()}`;
  await administer(async (client) => {
    await client.query("SELECT pg_advisory_lock($1)", [TEMPLATE_LOCK]);
    const { rows } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [name]);
    if (rows.length > 0) return;
    const fresh = `${name}_new`;
    await client.query(`DROP DATABASE IF EXISTS ${fresh} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${fresh}`);
    await migrateAt(configFor({ ...server, name: fresh }));
    await client.query(`ALTER DATABASE ${fresh} RENAME TO ${name}`);
  });
  return name;
}

async function migrateAt(config: DatabaseConfig): Promise<void> {
  const log = logger("test");
  await using database = await Database.open(config, { log, metrics: new Metrics() });
  await migrate(database, { timeoutMs: MIGRATION_MS, log });
}

async function fingerprint(): Promise<string> {
  const hash = createHash("sha256");
  const names: string[] = [];
  for await (const { name } of Deno.readDir(MIGRATIONS)) {
    if (name.endsWith(".sql")) names.push(name);
  }
  for (const name of names.sort()) {
    hash.update(name).update(await Deno.readFile(new URL(name, MIGRATIONS)));
  }
  return hash.digest("hex").slice(0, 16);
}

/** Runs statements on the server's maintenance database, over a connection that ends with them. */
async function administer(work: (client: Client) => Promise<unknown>): Promise<void> {
  const { hosts: [host], port, user, password, name: database } = server;
  const client = new Client({ host, port, user, password, database });
  client.on("error", () => {}); // WHY: pg throws it at the process otherwise; the query rejects too.
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
