import assert from "node:assert/strict";
import type { DatabaseConfig } from "../../src/config/config.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { Database, sql } from "../../src/store/database.ts";
import { dice, type Roll } from "../support/dice.ts";
import { S3Server } from "../support/s3_server.ts";
import { removeDataDir, startServer } from "../support/server.ts";
import { MailUser, PASSWORD } from "./mail_user.ts";
import { quietEnd } from "./quiet_end.ts";
import { restless } from "./restless.ts";
import { S3Storm } from "./s3_storm.ts";

const SEED = Number(Deno.env.get("SORA_SEED") ?? 1);
const USERS = 6;
/** Changes between two troubles: uploads and cleaner are at work then. */
const CHANGES = 100;
/** For that many changes, and for uploads to be taken up again. */
const PATIENCE_MS = 60_000;
/** WHY less than a lease of uploads: nobody may have to wait for one to run out. */
const UPLOADS_MS = 20_000;

/** What happens to the database while everybody works. */
export interface DatabaseTrouble {
  /** With all hosts. */
  readonly database: DatabaseConfig;
  /** Where bodies go to; null: to the disk. */
  readonly durability: string | null;
  /** One after the other; each ends when the database can be used again. */
  readonly troubles: readonly ((roll: Roll) => Promise<void>)[];
}

/**
 * Users work on one server, with uploads and a restless cleaner, while the database is in trouble: the server goes
 * on by itself, and everything that was acknowledged is there, once and whole.
 */
export async function workThrough(
  { database, durability, troubles }: DatabaseTrouble,
): Promise<void> {
  await using bucket = S3Server.start();
  const dataDir = await Deno.makeTempDir({ prefix: "sora-trouble-" });
  await Deno.chmod(dataDir, 0o755);
  const stored = durability === null ? null : { bucket, durability };
  const extra = restless(database.write, stored);
  const start = () => startServer({ dataDir, workers: 2, extra });
  const roll = dice(SEED);
  const storm = new S3Storm(bucket, dice(SEED + 1));
  const users = Array.from(
    { length: USERS },
    (_, n) => new MailUser(`user${n}@example.org`, dice(SEED * 1_000 + n)),
  );
  const stop = new AbortController();
  try {
    {
      await using server = await start();
      for (const { address } of users) await server.createAccount(address, PASSWORD);
      storm.begin();
      const work = Promise.all(users.map((user) => user.work(server, stop.signal)));
      try {
        for (const trouble of troubles) {
          await Promise.race([changes(users), work]);
          await trouble(roll);
        }
        await Promise.race([changes(users), work]);
      } catch (error) {
        throw new Error(server.output().slice(-20_000), { cause: error });
      } finally {
        stop.abort();
        await work;
      }
      storm.end();
      for (const user of users) await user.check(server);
      await uploaded(database, server.output);
      assert.doesNotMatch(server.output(), /uncaught-error|unhandled-rejection|worker-crashed/);
      assert.ok(users.some((user) => user.troubles > 0), "nobody noticed any trouble");
    }
    await quietEnd({ start, users, database, bucket: stored && bucket });
  } finally {
    await removeDataDir(dataDir);
  }
}

/** Resolves when so much more was acknowledged. */
async function changes(users: readonly MailUser[]): Promise<void> {
  const done = () => users.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  const enough = done() + CHANGES;
  for (const until = Date.now() + PATIENCE_MS; done() < enough;) {
    if (Date.now() > until) assert.fail(`work does not go on: ${done()} of ${enough} changes`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Resolves when nothing waits for its upload. */
async function uploaded(config: DatabaseConfig, output: () => string): Promise<void> {
  await using db = await Database.open(config, { log: logger("test"), metrics: new Metrics() });
  for (const until = Date.now() + UPLOADS_MS;;) {
    const waiting = await db.query(sql`
      SELECT object_key, leased_by, lease_until, attempts, last_error FROM pending_uploads`);
    if (waiting.length === 0) return;
    if (Date.now() > until) {
      assert.fail(`${JSON.stringify(waiting.slice(0, 5))}\n${output().slice(-10_000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
