import assert from "node:assert/strict";
import { divideConnections } from "../../src/app/connection_shares.ts";
import { openBlobs } from "../../src/app/open_blobs.ts";
import { sessionCounts } from "../../src/app/shared_admission.ts";
import { openStagingSettings } from "../../src/app/staging_settings.ts";
import { WorkerPool } from "../../src/app/worker_pool.ts";
import type { WorkerSettings } from "../../src/app/worker_protocol.ts";
import { isBodyKey, objectKey } from "../../src/blobs/blobs.ts";
import type { DatabaseConfig } from "../../src/config/config.ts";
import { loadConfig } from "../../src/config/load.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { AccountStore } from "../../src/store/accounts.ts";
import { Database, sql } from "../../src/store/database.ts";
import { MailboxStore } from "../../src/store/mailboxes.ts";
import { MessageStore } from "../../src/store/messages.ts";
import { Notices } from "../../src/store/notices.ts";
import { spooled } from "../blobs/contract.ts";
import { someMessage } from "../store/fixture.ts";
import { dice } from "../support/dice.ts";
import { type TestDatabase, testDatabase } from "../support/postgres.ts";
import { untilGone } from "../support/s3_faults.ts";
import { S3Server } from "../support/s3_server.ts";
import { checkBodies } from "./check_bodies.ts";

const ADDRESS = "owner@example.com";
/** Deaths at any moment, beside those in the midst of an upload. */
const DEATHS = 4;
const BODIES = 40;
const MOMENT_MS = 60;
/** WHY less than a lease: what the dead one had taken on is free at once. */
const SOON_MS = 20_000;

Deno.test("an upload worker that dies is started again, and takes up at once what it had left", async () => {
  await using test = await testDatabase();
  await using bucket = S3Server.start();
  await using site = await openSite(test, bucket);
  const { pool, workers, db, restarts } = site;
  // In the midst of uploads that are never answered.
  bucket.fault = ({ method }) => method === "PUT" ? untilGone() : undefined;
  await site.deliver(BODIES);
  await pool.start();
  const puts = () => bucket.requests.filter((request) => request.startsWith("PUT")).length;
  await soon("uploads are under way", () => puts() >= 10);
  const leased = await db.query(sql`
    SELECT FROM pending_uploads WHERE lease_until > now() + interval '30 s'`);
  assert.ok(leased.length >= 10);
  workers.at(-1)?.postMessage("crash");
  await soon("another one works", () => restarts() === 1);
  bucket.fault = () => undefined;
  await site.uploaded();
  assert.equal(bodiesIn(bucket), BODIES);
  // At any moment.
  const roll = dice(1);
  for (let death = 1; death <= DEATHS; death++) {
    await site.deliver(BODIES);
    await new Promise((resolve) => setTimeout(resolve, roll(MOMENT_MS)));
    workers.at(-1)?.postMessage("crash");
    await soon("another one works", () => restarts() === 1 + death);
  }
  await site.uploaded();
  assert.equal(bodiesIn(bucket), BODIES * (1 + DEATHS));
  assert.deepEqual(await checkBodies(db, { dataDir: site.dataDir, bucket }), []);
});

interface Site extends AsyncDisposable {
  readonly db: Database;
  readonly dataDir: string;
  readonly pool: WorkerPool;
  /** All that ever lived. */
  readonly workers: readonly Worker[];
  restarts(): number;
  /** Stages so many new bodies with their messages. */
  deliver(count: number): Promise<void>;
  /** Resolves when nothing waits. */
  uploaded(): Promise<void>;
}

/** What the supervisor does for its upload worker, and who puts something in its way. */
async function openSite({ config: database }: TestDatabase, bucket: S3Server): Promise<Site> {
  await using opened = new AsyncDisposableStack();
  const observe = { log: logger("test"), metrics: new Metrics() };
  const db = opened.use(await Database.open(database, observe));
  const dataDir = await Deno.makeTempDir({ prefix: "sora-test-" });
  opened.defer(() => Deno.remove(dataDir, { recursive: true }));
  const settings = await settingsOf(database, { bucket, dataDir });
  const { blobs } = opened.use(await openBlobs(settings, { ...observe, database: db }));
  const notices = new Notices(db, { workerId: "test" });
  const accounts = new AccountStore(db);
  const account = await accounts.create({ address: ADDRESS, passwordHash: "{X}" });
  const inbox = await new MailboxStore(db, notices).find(account.id, "INBOX");
  const messages = new MessageStore(db, notices);
  const workers: Worker[] = [];
  const pool = opened.use(poolOf(settings, { workers, metrics: observe.metrics }));
  let next = 0;
  const closing = opened.move();
  return {
    db,
    dataDir,
    pool,
    workers,
    restarts: () => workers.length - 1 - Number(pool.serving.length === 0),
    async deliver(count) {
      for (let i = 0; i < count; i++) {
        const body = await spooled(`Subject: ${next++}\r\n\r\n${"x".repeat(999)}`);
        const { hash } = body;
        const key = objectKey(ADDRESS, hash);
        const pending = await blobs.put(key, body);
        await messages.append(someMessage(inbox, { hash, objectKey: key, pending }));
      }
    },
    uploaded: () =>
      soon("everything is uploaded", async () => {
        return (await db.query(sql`SELECT FROM pending_uploads`)).length === 0;
      }),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

async function settingsOf(
  database: DatabaseConfig,
  { bucket, dataDir }: { readonly bucket: S3Server; readonly dataDir: string },
): Promise<WorkerSettings> {
  const loaded = loadConfig(`data_dir = "${dataDir}"\n${bucket.section()}`, "config.toml");
  if ("problems" in loaded) throw new Error("Cannot load the configuration");
  const folders = { bodies: `${dataDir}/bodies`, spool: `${dataDir}/spool` };
  for (const folder of Object.values(folders)) await Deno.mkdir(folder);
  const shares = divideConnections(database, 1, { uploads: true });
  const config = { ...loaded.config, dataDir, database: shares.uploader };
  const staging = await openStagingSettings(config, dataDir);
  return { number: 1, workers: 1, config, folders, staging, counts: sessionCounts(1, 0) };
}

/** As `makeUploadPool`, with a worker that can be told to die. */
function poolOf(
  settings: WorkerSettings,
  { workers, metrics }: { readonly workers: Worker[]; readonly metrics: Metrics },
): WorkerPool {
  return new WorkerPool({
    size: 1,
    serves: false,
    restartMinMs: 10,
    spawn: () => {
      const url = new URL("./dying_upload_worker.ts", import.meta.url);
      const worker = new Worker(url, { type: "module" });
      workers.push(worker);
      return worker;
    },
    start: (worker) => worker.start(settings, null),
    onGone: () => {},
    onHung: () => assert.fail("the upload worker hangs"),
    onLog: () => {},
    log: logger("test"),
    metrics,
  });
}

function bodiesIn({ objects }: S3Server): number {
  return [...objects.keys()].filter(isBodyKey).length;
}

async function soon(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + SOON_MS; !await isSo();) {
    if (Date.now() > end) assert.fail(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
