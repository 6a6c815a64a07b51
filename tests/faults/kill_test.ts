import assert from "node:assert/strict";
import type { DatabaseConfig } from "../../src/config/config.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { Database } from "../../src/store/database.ts";
import { dice } from "../support/dice.ts";
import { testDatabase } from "../support/postgres.ts";
import { S3Server } from "../support/s3_server.ts";
import { removeDataDir, startServer } from "../support/server.ts";
import { checkStore } from "./check_store.ts";
import { MailUser, PASSWORD } from "./mail_user.ts";
import { quietEnd } from "./quiet_end.ts";
import { restless } from "./restless.ts";
import { S3Storm } from "./s3_storm.ts";

/** Many by hand, in all places: SORA_KILLS=50 deno task test tests/faults */
const IS_LONG = Deno.env.has("SORA_KILLS");
const KILLS = Number(Deno.env.get("SORA_KILLS") ?? 2);
const SEED = Number(Deno.env.get("SORA_SEED") ?? 1);
const USERS = 6;
/** The server dies after so many changes at most, or in the midst of what comes then. */
const CHANGES = 80;
const MIDST_MS = 100;
/** Longest life, when nothing goes on: the object store may be down. */
const LIFE_MS = 3_000;
/** In one life of so many the object store is down. */
const DOWN_ONE_IN = 4;
/** WHY: a crash may leave behind what it was about to name: one body of each user. */
const ORPHANS_PER_KILL = USERS;

/** Where bodies go to; null: to the disk. WHY not always all: tests/e2e kills in the other places, too. */
const places: Readonly<Record<string, string | null>> = {
  "staged on disk": "spool",
  "stored before the 250": "stored",
  ...(IS_LONG ? { "on disk": null, "staged in the database": "database" } : {}),
};

for (const [name, durability] of Object.entries(places)) {
  Deno.test(`kill -9 at any time, bodies ${name}: what was acknowledged is there, once and whole`, async () => {
    await using database = await testDatabase();
    await using bucket = S3Server.start();
    const dataDir = await Deno.makeTempDir({ prefix: "sora-kill-" });
    await Deno.chmod(dataDir, 0o755);
    const stored = durability === null ? null : { bucket, durability };
    const extra = restless(database.config.write, stored);
    const start = () => startServer({ dataDir, workers: 2, extra });
    const roll = dice(SEED);
    const storm = new S3Storm(bucket, dice(SEED + 1));
    const users = Array.from(
      { length: USERS },
      (_, n) => new MailUser(`user${n}@example.org`, dice(SEED * 1_000 + n)),
    );
    const leaver = new MailUser("leaver@example.org", dice(SEED * 1_000 + USERS));
    try {
      for (let kill = 0; kill < KILLS; kill++) {
        await using server = await start();
        const working = kill < KILLS / 2 ? [...users, leaver] : users;
        if (kill === 0) {
          for (const { address } of working) await server.createAccount(address, PASSWORD);
        }
        for (const user of working) await user.check(server);
        if (working === users && !leaver.isGone) await leaver.leave(server);
        storm.begin();
        const stop = new AbortController();
        const work = Promise.all(working.map((user) => user.work(server, stop.signal)));
        const until = performance.now() + LIFE_MS;
        const enough = sumOf(working) + roll(CHANGES);
        storm.isDown = roll(DOWN_ONE_IN) === 0;
        while (sumOf(working) < enough && performance.now() < until) await pause(1);
        await pause(roll(MIDST_MS));
        await server.kill();
        stop.abort();
        await work;
        storm.end();
        assert.deepEqual(await wrongIn(database.config), [], `after kill ${kill}`);
      }
      const end = { start, users, database: database.config };
      const orphans = await quietEnd({ ...end, bucket: stored && bucket });
      assert.ok(orphans <= KILLS * ORPHANS_PER_KILL, `${orphans} bodies that nobody needed`);
      const acknowledged = sumOf(users);
      assert.ok(acknowledged > KILLS * USERS, `only ${acknowledged} changes`);
      report(name, { kills: KILLS, seed: SEED, acknowledged, orphans });
    } finally {
      await removeDataDir(dataDir);
    }
  });
}

/** WHY only of long runs: what a test prints is for those who look for something. */
function report(name: string, facts: Readonly<Record<string, number>>): void {
  if (!IS_LONG) return;
  Deno.stderr.writeSync(new TextEncoder().encode(`${name}: ${JSON.stringify(facts)}\n`));
}

function sumOf(users: readonly MailUser[]): number {
  return users.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function wrongIn(config: DatabaseConfig): Promise<string[]> {
  await using db = await Database.open(config, { log: logger("test"), metrics: new Metrics() });
  return await checkStore(db);
}
