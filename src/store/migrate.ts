import { createHash } from "node:crypto";
import type { Log } from "../observe/log.ts";
import { type Database, sql, type Transaction } from "./database.ts";
import { type Migration, migrations } from "./migrations/list.ts";

/** Advisory lock of whoever migrates: "sora" in ASCII. */
const LOCK = 0x736f7261;

/** Where a database stands. */
export interface MigrationStatus {
  /** Version of the database; 0 = empty. */
  readonly current: number;
  /** Version this program brings. */
  readonly latest: number;
  /** Names of what `migrate` would run, in order. */
  readonly pending: readonly string[];
  readonly applied: readonly AppliedMigration[];
}

export interface AppliedMigration {
  readonly version: number;
  readonly name: string;
  readonly appliedAt: Date;
}

/** The database and this program do not fit; says why, and only an operator can help. */
export class SchemaError extends Error {
  override readonly name = "SchemaError";
}

/**
 * Brings the schema up to date; returns the names of the migrations that this call ran. Each one is
 * a transaction under an advisory lock: of several nodes that start together one migrates, and the
 * others wait for it (`timeoutMs`, then `unavailable`). Throws `SchemaError` for a database that a
 * newer program has migrated, or whose migrations are not ours.
 */
export async function migrate(
  database: Database,
  options: {
    readonly timeoutMs: number;
    readonly log: Log;
    /** Other migrations than Sora's own, for tests. */
    readonly migrations?: readonly Migration[];
  },
): Promise<string[]> {
  const wanted = options.migrations ?? migrations;
  const ran: string[] = [];
  for (;;) {
    const name = await database.transaction((tx) => step(tx, wanted), {
      // WHY: a migration may take long; only waiting for another node's has an end.
      timeoutMs: 0,
      plannedFreely: true,
      lockTimeoutMs: options.timeoutMs,
    });
    if (name === null) return ran;
    options.log.info("migrated", { migration: name });
    ran.push(name);
  }
}

/** What has been run and what has not; changes nothing. Throws `SchemaError` like `migrate`. */
export async function migrationStatus(
  database: Database,
  wanted: readonly Migration[] = migrations,
): Promise<MigrationStatus> {
  const applied = await database.transaction(readApplied, { readOnly: true });
  return {
    current: applied.at(-1)?.version ?? 0,
    latest: wanted.at(-1)?.version ?? 0,
    pending: check(applied, wanted).map(({ name }) => name),
    applied: applied.map(({ version, name, appliedAt }) => ({ version, name, appliedAt })),
  };
}

/** Runs the first migration that is missing; null when none is. */
async function step(tx: Transaction, wanted: readonly Migration[]): Promise<string | null> {
  await tx.query(sql`SELECT pg_advisory_xact_lock(${LOCK})`);
  const [next] = check(await readApplied(tx), wanted);
  if (!next) return null;
  await tx.script(TABLE);
  await tx.script(next.text);
  await tx.query(sql`
    INSERT INTO schema_migrations (version, name, checksum)
    VALUES (${next.version}, ${next.name}, ${checksum(next)})`);
  return next.name;
}

const TABLE = `
  CREATE TABLE IF NOT EXISTS schema_migrations (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
  )`;

interface Applied extends AppliedMigration {
  readonly checksum: string;
}

async function readApplied(tx: Transaction): Promise<Applied[]> {
  // WHY not to_regclass: it may remember that there was none before another node made it.
  const [there] = await tx.query<{ found: boolean }>(sql`
    SELECT EXISTS (SELECT 1 FROM pg_class
      WHERE relname = 'schema_migrations' AND pg_table_is_visible(oid)) AS found`);
  if (!there?.found) return [];
  return await tx.query<Applied>(sql`
    SELECT version, name, checksum, applied_at AS "appliedAt"
    FROM schema_migrations ORDER BY version`);
}

/** The migrations that are missing; throws when those that are there are not ours. */
function check(applied: readonly Applied[], wanted: readonly Migration[]): Migration[] {
  for (const [at, row] of applied.entries()) {
    const ours = wanted[at];
    if (!ours) {
      throw new SchemaError(
        `The database is at version ${applied.at(-1)?.version}, newer than this program's ` +
          `${wanted.at(-1)?.version ?? 0}: run a newer Sora`,
      );
    }
    if (ours.version !== row.version || checksum(ours) !== row.checksum) {
      throw new SchemaError(
        `Migration ${row.version} (${row.name}) of the database is not the one of this program`,
      );
    }
  }
  return wanted.slice(applied.length);
}

/** Of the text without regard to line ends, which a checkout may change. */
function checksum(migration: Migration): string {
  return createHash("sha256").update(migration.text.replaceAll("\r\n", "\n")).digest("hex");
}
