import { logger } from "../../observe/log.ts";
import { migrate, migrationStatus } from "../../store/migrate.ts";
import type { Command } from "../command.ts";
import { MIGRATION_WAIT_MS, withDatabase } from "../open_database.ts";
import { moment, table } from "../table.ts";

/** Says where the schema stands; changes nothing. */
export const migrateStatus: Command = {
  name: "migrate status",
  summary: "say where the schema of the database stands",
  options: {},
  example: "sora-admin migrate status --config config.toml",
  async run(request) {
    const status = await withDatabase(request, (database) => migrationStatus(database));
    const rows = [
      ...status.applied.map(({ name, appliedAt }) => [name, moment(appliedAt)]),
      ...status.pending.map((name) => [name, "pending"]),
    ];
    const head = `Database at version ${status.current}, this program at ${status.latest}\n`;
    return { text: head + table(["MIGRATION", "APPLIED"], rows), json: status };
  },
};

/** Brings the schema up to date. */
export const migrateUp: Command = {
  name: "migrate up",
  summary: "bring the schema of the database up to date",
  details: "sora does the same when it starts; one node migrates, the others wait.",
  options: {},
  example: "sora-admin migrate up --config config.toml",
  async run(request) {
    const { ran, current } = await withDatabase(request, async (database, { config }) => {
      const timeoutMs = config.database?.migrationTimeoutMs ?? MIGRATION_WAIT_MS;
      const ran = await migrate(database, { timeoutMs, log: logger("admin") });
      return { ran, current: (await migrationStatus(database)).current };
    }, { creates: true });
    const done = ran.map((name) => `Applied ${name}\n`).join("");
    return { text: `${done}Database at version ${current}\n`, json: { applied: ran, current } };
  },
};
