import assert from "node:assert/strict";
import { DiskBlobs } from "../../src/blobs/disk_blobs.ts";
import { openObjectStore } from "../../src/blobs/open_object_store.ts";
import type { DatabaseConfig } from "../../src/config/config.ts";
import { type Verified, verifyStorage } from "../../src/jobs/verify_storage.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { Database } from "../../src/store/database.ts";
import { ScrubStore } from "../../src/store/scrubs.ts";
import type { S3Server } from "../support/s3_server.ts";
import type { TestServer } from "../support/server.ts";
import { age, type Bodies, checkBodies, leftOver, orphans } from "./check_bodies.ts";
import { checkStore } from "./check_store.ts";
import type { MailUser } from "./mail_user.ts";

/** Longer than anything has to wait before it is swept, and before it is anybody's orphan. */
const LONG_MS = 26 * 3_600_000;
/** For uploads, cleaner and sweeper to come to their end. */
const REST_MS = 90_000;

/** Whose server it is. */
export interface QuietEnd {
  /** Starts the server, with a cleaner that does not wait. */
  readonly start: () => Promise<TestServer>;
  readonly users: readonly MailUser[];
  readonly database: DatabaseConfig;
  readonly bucket: S3Server | null;
}

/**
 * The end of a fault test: all trouble is over, nobody works. What was acknowledged is there; uploads and cleaner
 * come to their end, a day goes by, and nothing is left but what messages need, each body in its place and whole.
 * Objects that crashes have left behind are found, and removed by `verify storage --fix`; answers how many.
 */
export async function quietEnd({ start, users, database, bucket }: QuietEnd): Promise<number> {
  await using db = await Database.open(database, { log: logger("test"), metrics: new Metrics() });
  const found = async (bodies: Bodies, more: () => Promise<string[]>) => [
    ...await checkStore(db),
    ...await checkBodies(db, bodies),
    ...await more(),
  ];
  let dataDir: string;
  {
    await using server = await start();
    dataDir = `${server.dataDir}/data`;
    for (const user of users) await user.check(server);
    const uploaded = async () => (await leftOver(db, { dataDir, bucket })).filter(isUpload);
    assert.deepEqual(await eventually(() => found({ dataDir, bucket }, uploaded)), []);
  }
  await age(dataDir, LONG_MS);
  bucket?.age(LONG_MS);
  await using server = await start();
  const bodies = { dataDir, bucket };
  const nothing = () => leftOver(db, bodies);
  assert.deepEqual(await eventually(() => found(bodies, nothing)), [], server.output());
  const { counts, orphansRemoved } = await verified(db, bodies);
  const { orphan, ...damage } = counts;
  assert.deepEqual(damage, { missing: 0, size: 0, hash: 0, unreadable: 0 });
  assert.equal(orphansRemoved, orphan);
  assert.deepEqual(await orphans(db, bodies), []);
  for (const user of users) await user.check(server);
  return orphansRemoved;
}

const isUpload = (what: string) => / uploads$/.test(what);

/** As `sora-admin verify storage --deep --fix` a day later. */
async function verified(database: Database, { dataDir, bucket }: Bodies): Promise<Verified> {
  using store = bucket ? await openObjectStore(bucket.loaded()) : null;
  return await verifyStorage({
    database,
    scrubs: new ScrubStore(database),
    blobs: store?.blobs ?? new DiskBlobs(`${dataDir}/bodies`),
    maySize: (stored, size) => stored === size,
    deep: true,
    fix: true,
    strangers: true,
    concurrency: 8,
  });
}

/** Asks until there is nothing, or for too long; the last answer. */
async function eventually(ask: () => Promise<string[]>): Promise<string[]> {
  for (const until = Date.now() + REST_MS;;) {
    const found = await ask();
    if (found.length === 0 || Date.now() > until) return found;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
