import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { DatabaseConfig } from "../../src/config/config.ts";
import type { Hash } from "../../src/lib/ids.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { Database, sql } from "../../src/store/database.ts";
import { unpackObjectKey } from "../../src/store/object_key.ts";
import { dice } from "../support/dice.ts";
import { testDatabase } from "../support/postgres.ts";
import { ACCESS_KEY, S3Server, SECRET_KEY } from "../support/s3_server.ts";
import { removeDataDir, startServer } from "../support/server.ts";
import { checkStore } from "./check_store.ts";
import { MailUser, PASSWORD } from "./mail_user.ts";

/** Many by hand: SORA_KILLS=200 deno task test tests/faults */
const KILLS = Number(Deno.env.get("SORA_KILLS") ?? 3);
const SEED = Number(Deno.env.get("SORA_SEED") ?? 1);
const USERS = 6;
/** The server works so long before it dies, at most. */
const LIFE_MS = 800;
/** For all bodies to be uploaded in the end. */
const UPLOADS_MS = 60_000;

/** Everything at once, and the cleaner at its heels. */
const RESTLESS = `[cleanup]
grace_period = "1s"
wake_interval = "1s"
`;

/** Where bodies go to; null: to the disk. */
const places: Readonly<Record<string, string | null>> = {
  "on disk": null,
  "staged on disk": "spool",
  "staged in the database": "database",
  "stored before the 250": "stored",
};

for (const [name, durability] of Object.entries(places)) {
  Deno.test(`kill -9 at any time, bodies ${name}: what was acknowledged is there, once and whole`, async () => {
    await using database = await testDatabase();
    await using bucket = S3Server.start();
    const dataDir = await Deno.makeTempDir({ prefix: "sora-kill-" });
    await Deno.chmod(dataDir, 0o755);
    const options = {
      dataDir,
      workers: 2,
      extra: databaseSection(database.config.write) + RESTLESS +
        (durability === null ? "" : s3Section(bucket) + uploaderSection(durability)),
    };
    const roll = dice(SEED);
    bucket.fault = () => roll(20) === 0 ? new Response(null, { status: 503 }) : undefined;
    const users = Array.from(
      { length: USERS },
      (_, n) => new MailUser(`user${n}@example.org`, dice(SEED * 1_000 + n)),
    );
    try {
      for (let kill = 0; kill < KILLS; kill++) {
        await using server = await startServer(options);
        if (kill === 0) {
          for (const { address } of users) await server.createAccount(address, PASSWORD);
        }
        for (const user of users) await user.check(server);
        const working = Promise.all(users.map((user) => user.work(server)));
        await new Promise((resolve) => setTimeout(resolve, 50 + roll(LIFE_MS)));
        await server.kill();
        await working;
        assert.deepEqual(await wrongIn(database.config), [], `after kill ${kill}`);
      }
      await using server = await startServer(options);
      for (const user of users) await user.check(server);
      if (durability !== null) {
        await uploaded(database.config);
        assert.deepEqual(await lostIn(database.config, bucket), []);
      }
      const acknowledged = users.reduce((sum, user) => sum + user.acknowledged, 0);
      assert.ok(acknowledged > KILLS * USERS, `only ${acknowledged} changes`);
    } finally {
      await removeDataDir(dataDir);
    }
  });
}

/** Resolves when nothing waits to be uploaded; throws after a while. */
async function uploaded(config: DatabaseConfig): Promise<void> {
  await using db = await open(config);
  for (const until = Date.now() + UPLOADS_MS; Date.now() < until;) {
    const pending = await db.query(
      sql`SELECT object_key, attempts, last_error FROM pending_uploads`,
    );
    if (pending.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail("uploads do not end");
}

/** Bodies of messages that the bucket does not have, or has wrong. */
async function lostIn(config: DatabaseConfig, bucket: S3Server): Promise<string[]> {
  await using db = await open(config);
  const rows = await db.query<{ hash: Hash; key: string }>(sql`
    SELECT DISTINCT encode(hash, 'hex') AS hash, object_key AS key
    FROM message_state JOIN messages USING (mailbox_id, uid)`);
  assert.ok(rows.length > 0);
  return rows.map(({ hash, key }) => ({ hash, key: unpackObjectKey(key, hash) }))
    .filter(({ hash, key }) => {
      const body = bucket.objects.get(key);
      return !body || createHash("sha256").update(body).digest("hex") !== hash;
    }).map(({ key }) => key);
}

function open(config: DatabaseConfig): Promise<Database> {
  return Database.open(config, { log: logger("test"), metrics: new Metrics() });
}

async function wrongIn(config: DatabaseConfig): Promise<string[]> {
  await using db = await open(config);
  return await checkStore(db);
}

function databaseSection({ hosts, port, user, password, name }: DatabaseConfig["write"]): string {
  return `[database.write]
hosts = ${JSON.stringify(hosts)}
port = ${port}
user = "${user}"
password = "${password}"
name = "${name}"
`;
}

function s3Section({ endpoint }: S3Server): string {
  return `[s3]
endpoint = "${endpoint}"
use_ssl = false
access_key = "${ACCESS_KEY}"
secret_key = "${SECRET_KEY}"
bucket = "mail"
`;
}

function uploaderSection(durability: string): string {
  return `[uploader]
durability = "${durability}"
retry_interval = "1s"
`;
}
