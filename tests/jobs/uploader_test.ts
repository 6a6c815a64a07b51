import assert from "node:assert/strict";
import { type ObjectKey, objectKey } from "../../src/blobs/blobs.ts";
import { StagedBlobs } from "../../src/blobs/staged_blobs.ts";
import { UploadBatch } from "../../src/jobs/upload_batch.ts";
import { backoff } from "../../src/jobs/upload_backoff.ts";
import { UploadReport } from "../../src/jobs/upload_report.ts";
import { Uploader, type UploaderOptions } from "../../src/jobs/uploader.ts";
import { unavailable } from "../../src/lib/refused.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { Database, sql } from "../../src/store/database.ts";
import { tryObjectLocks } from "../../src/store/object_lock.ts";
import { PurgeStore } from "../../src/store/purge.ts";
import { UploadStore } from "../../src/store/uploads.ts";
import { spooled } from "../blobs/contract.ts";
import {
  filesIn,
  FragileBlobs,
  MemoryPending,
  type StagedBench,
  stagedBench,
} from "../blobs/staged.ts";
import { EVERY_UID, type Fixture, openFixture, someMessage } from "../store/fixture.ts";
import { throwawayPostgres } from "../support/postgres.ts";
import { whichArePending } from "../../src/store/stored_bodies.ts";

interface Node extends AsyncDisposable {
  readonly bench: StagedBench;
  readonly blobs: StagedBlobs;
  readonly uploads: UploadStore;
  readonly metrics: Metrics;
  readonly instanceId: string;
  uploader(options?: Partial<UploaderOptions>): Uploader;
}

async function openNode(
  { db, notices }: Pick<Fixture, "db" | "notices">,
  remote: FragileBlobs,
  { instanceId = "here", verify = true, batchSize = 20 } = {},
): Promise<Node> {
  const bench = await stagedBench({ instanceId }, { remote, pending: new MemoryPending() });
  const { staging, cache } = bench;
  const metrics = new Metrics();
  const uploads = new UploadStore(db);
  const blobs = new StagedBlobs({
    staging,
    remote,
    cache,
    pending: uploads,
    durability: "spool",
    instanceId,
    graceMs: 3_600_000,
    metrics,
  });
  const batch = new UploadBatch({
    db,
    uploads,
    staging,
    cache,
    remote,
    concurrency: 8,
    verify,
    metrics,
  });
  const uploader = (options: Partial<UploaderOptions> = {}) =>
    new Uploader({
      uploads,
      batch,
      notices,
      isStaged: async ({ objectKey }) => await staging.size(objectKey as ObjectKey) !== null,
      instanceId,
      batchSize,
      concurrency: 8,
      retryIntervalMs: 0,
      log: logger("test"),
      metrics,
      ...options,
    });
  return {
    bench,
    blobs,
    uploads,
    metrics,
    instanceId,
    uploader,
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
}

/** What S3Blobs throw for an answer of the object store. */
function refused(status: number): Error {
  const answer = Object.assign(new Error("X"), { $metadata: { httpStatusCode: status } });
  return unavailable("bodies", new Error(`answer ${status}`, { cause: answer }));
}

/** A message with that body. */
async function deliver(
  it: Fixture,
  { blobs }: Node,
  body: string | Uint8Array,
  options: Parameters<StagedBlobs["put"]>[2] = {},
): Promise<ObjectKey> {
  const message = await spooled(body);
  const key = objectKey("owner@example.com", message.hash);
  const pending = await blobs.put(key, message, options);
  await it.messages.append(someMessage(it.inbox, { hash: message.hash, objectKey: key, pending }));
  return key;
}

function count(db: Database): Promise<number> {
  return db.query<{ count: number }>(sql`SELECT count(*) FROM pending_uploads`)
    .then(([row]) => row?.count ?? -1);
}

async function finish(uploader: Uploader): Promise<void> {
  while (await uploader.round() > 0);
}

Deno.test("Uploader sends what is staged and what the database holds, small and large", async () => {
  await using it = await openFixture();
  const remote = new FragileBlobs();
  await using node = await openNode(it, remote);
  const keys = await Promise.all([
    ...Array.from({ length: 50 }, (_, n) => deliver(it, node, `body ${n}`)),
    deliver(it, node, new Uint8Array(3_000_000).map((_, i) => i % 251)),
    deliver(it, node, "in the database", { durability: "database" }),
    deliver(it, node, "stored", { durability: "stored" }),
    deliver(it, node, "body 1"),
  ]);
  assert.equal(await count(it.db), 53);
  await using uploader = node.uploader();
  await finish(uploader);
  assert.equal(await count(it.db), 0);
  for (const key of keys) assert.ok(await remote.get(key));
});

Deno.test("Uploader works on its own when messages come", async () => {
  await using it = await openFixture();
  const remote = new FragileBlobs();
  await using node = await openNode(it, remote);
  await deliver(it, node, "left by a former process");
  await it.db.write(
    sql`UPDATE pending_uploads SET leased_by = 'here/1', lease_until = now() + interval '1 h'`,
  );
  const uploaded = Promise.withResolvers<void>();
  const put = remote.put.bind(remote);
  let puts = 0;
  remote.put = async (...args) => {
    const result = await put(...args);
    if (++puts === 2) uploaded.resolve();
    return result;
  };
  {
    await using uploader = node.uploader();
    await uploader.start();
    await deliver(it, node, "comes now");
    await uploaded.promise;
  }
  assert.equal(await count(it.db), 0);
});

Deno.test("Uploader tries again what fails, tells why, and loses nothing", async () => {
  await using it = await openFixture();
  const remote = new FragileBlobs();
  await using node = await openNode(it, remote);
  const { uploads, metrics } = node;
  const key = await deliver(it, node, "a body");
  await using uploader = node.uploader();
  const put = remote.put.bind(remote);
  remote.put = () => Promise.reject(refused(400));
  for (let n = 1; n <= 5; n++) {
    assert.equal(await uploader.round(), 1);
    const [failed] = await uploads.failed(n, 10);
    assert.equal(failed?.lastError, "answer 400");
  }
  remote.put = put;
  const report = { staging: node.bench.staging.counts, cache: null, log: logger("test"), metrics };
  {
    await using reporting = new UploadReport({
      uploads,
      instanceId: "here",
      maxAttempts: 5,
      ...report,
    });
    await reporting.round();
  }
  const value = async (of: { get(): Promise<{ values: { value: number }[] }> }) =>
    (await of.get()).values[0]?.value;
  assert.equal(await value(metrics.bytesAtRisk), 6);
  assert.equal(await value(metrics.uploadsPending), 1);
  assert.equal(await value(metrics.uploadsFailed), 1);
  await finish(uploader);
  assert.equal(await count(it.db), 0);
  assert.equal((await remote.get(key))?.length, 6);
});

Deno.test("Uploader counts no failure that all have while the object store is in trouble", async () => {
  await using it = await openFixture();
  const remote = new FragileBlobs();
  await using node = await openNode(it, remote);
  const { uploads } = node;
  const keys = await Promise.all(["one", "two", "three"].map((body) => deliver(it, node, body)));
  await using uploader = node.uploader();
  const put = remote.put.bind(remote);
  const wrong = (status: number) => () => Promise.reject(refused(status));
  remote.isDown = true;
  for (let n = 0; n < 30; n++) assert.equal(await uploader.round(), 3);
  remote.isDown = false;
  for (const status of [403, 404, 500, 501, 503]) {
    remote.put = wrong(status);
    for (let n = 0; n < 5; n++) assert.equal(await uploader.round(), 3);
  }
  const all = await uploads.failed(0, 10);
  assert.deepEqual(all.map(({ attempts, lastError }) => [attempts, lastError]), [
    [0, "answer 503"],
    [0, "answer 503"],
    [0, "answer 503"],
  ]);
  remote.put = async (...args) => {
    if (args[0] === keys[1]) throw refused(413);
    return await put(...args);
  };
  assert.equal(await uploader.round(), 3);
  const left = await uploads.failed(0, 10);
  assert.deepEqual(left.map(({ objectKey, attempts }) => [objectKey, attempts]), [[keys[1], 1]]);
  remote.put = put;
  await finish(uploader);
  assert.equal(await count(it.db), 0);
});

Deno.test("Uploader never sends a damaged file: it takes the body from elsewhere, or says so", async () => {
  await using it = await openFixture();
  const remote = new FragileBlobs();
  await using node = await openNode(it, remote);
  const { bench, uploads, blobs } = node;
  await using uploader = node.uploader({ retryIntervalMs: 3_600_000 });
  for (const damage of ["", "0123", "0123456780", "01234567890", null]) {
    const key = await deliver(it, node, "0123456789");
    const [file = ""] = await filesIn(`${bench.folder}/uploads`);
    if (damage === null) await Deno.remove(file);
    else await Deno.writeTextFile(file, damage);
    assert.equal(await uploader.round(), 1);
    assert.equal(await remote.exists(key), false);
    const [failed] = await uploads.failed(1, 10);
    assert.match(failed?.lastError ?? "", damage === null ? /missing/ : /damaged/);
    // Somebody who has it sends it again, or the database has it.
    await deliver(it, node, "0123456789", damage === "" ? { durability: "database" } : {});
    assert.equal(await uploader.round(), 1);
    assert.equal((await remote.get(key))?.length, 10);
    assert.equal(await count(it.db), 0);
    await remote.delete(key);
    await bench.cache.delete(key);
    for (const each of await filesIn(`${bench.folder}/uploads`)) await Deno.remove(each);
  }
  // A file that is gone, and an object that is there: a confirmation that was lost.
  const message = await spooled("0123456789");
  const key = objectKey("owner@example.com", message.hash);
  await deliver(it, node, "0123456789");
  await remote.put(key, message);
  for (const each of await filesIn(`${bench.folder}/uploads`)) await Deno.remove(each);
  assert.equal(await uploader.round(), 1);
  assert.equal(await count(it.db), 0);
  assert.equal((await blobs.get(key))?.length, 10);
  // The same, but what is there is something else of that size: nobody takes it for the body.
  await bench.cache.delete(key);
  await remote.put(key, await spooled("012345678!"), { overwrite: true });
  await deliver(it, node, "0123456789");
  for (const each of await filesIn(`${bench.folder}/uploads`)) await Deno.remove(each);
  assert.equal(await uploader.round(), 1);
  const [lost] = await uploads.failed(1, 10);
  assert.equal(lost?.lastError, "the staged body is missing, the object store's is hash");
  assert.equal(await count(it.db), 1);
});

Deno.test("Uploader asks what the object store has made of it, when it is to", async () => {
  await using it = await openFixture();
  const remote = new FragileBlobs();
  remote.put = async () => null; // It says yes and keeps nothing.
  await using node = await openNode(it, remote);
  await using uploader = node.uploader({ retryIntervalMs: 3_600_000 });
  await deliver(it, node, "0123456789");
  await uploader.round();
  const [failed] = await node.uploads.failed(1, 10);
  assert.equal(failed?.lastError, "the object store has no octets of 10");
});

Deno.test("Uploader waits for whoever has locked the object, and takes a message named meanwhile", async () => {
  await using it = await openFixture();
  const remote = new FragileBlobs();
  await using node = await openNode(it, remote);
  await using uploader = node.uploader();
  const key = await deliver(it, node, "wanted by two");
  await it.db.transaction(async (tx) => {
    assert.equal((await tryObjectLocks(tx, [key])).size, 1);
    assert.equal(await uploader.round(), 1);
    assert.equal(await remote.exists(key), false);
  });
  const put = remote.put.bind(remote);
  remote.put = async (...args) => {
    remote.put = put;
    const result = await put(...args);
    await deliver(it, node, "wanted by two");
    return result;
  };
  assert.equal(await uploader.round(), 1);
  assert.equal(await count(it.db), 1);
  assert.equal(await uploader.round(), 1);
  assert.equal(await count(it.db), 0);
});

Deno.test("two nodes upload the same bodies, and what the other left in a shared folder", async () => {
  await using it = await openFixture();
  const remote = new FragileBlobs();
  await using one = await openNode(it, remote);
  await using two = await openNode(it, remote, { instanceId: "there" });
  const keys: ObjectKey[] = [];
  for (let n = 0; n < 30; n++) {
    keys.push(await deliver(it, one, `shared ${n}`));
    await deliver(it, two, `shared ${n}`);
    keys.push(await deliver(it, n % 2 ? one : two, `own ${n}`));
  }
  await using first = one.uploader();
  await using second = two.uploader();
  await Promise.all([finish(first), finish(second), finish(first), finish(second)]);
  await finish(second);
  await finish(first);
  assert.equal(await count(it.db), 0);
  for (const key of keys) assert.ok(await remote.get(key));
  // Node one is gone for good; its folder is mounted at node two.
  const left = await deliver(it, one, "left behind");
  await using stranger = two.uploader();
  assert.equal(await stranger.round(), 0);
  await Deno.remove(`${two.bench.folder}/uploads`, { recursive: true });
  await Deno.rename(`${one.bench.folder}/uploads`, `${two.bench.folder}/uploads`);
  await using heir = two.uploader();
  assert.equal(await heir.round(), 1);
  assert.ok(await remote.exists(left));
  assert.equal(await count(it.db), 0);
});

Deno.test("Uploader survives a database that is killed in the middle of an upload", async () => {
  await using server = await throwawayPostgres({ fsync: true });
  await using db = await Database.open(server.config, {
    log: logger("test"),
    metrics: new Metrics(),
  });
  const remote = new FragileBlobs();
  const notices = { onAny: () => () => {} };
  await using node = await openNode({ db, notices } as unknown as Fixture, remote);
  const message = await spooled("0123456789");
  const key = objectKey("owner@example.com", message.hash);
  const pending = await node.blobs.put(key, message);
  await db.write(sql`INSERT INTO pending_uploads (object_key, account_id, size_bytes, instance_id)
    VALUES (${key}, 1, ${pending.sizeBytes}, ${pending.instanceId})`);
  await using uploader = node.uploader();
  const put = remote.put.bind(remote);
  remote.put = async (...args) => {
    await server.stop("SIGQUIT");
    return await put(...args);
  };
  await assert.rejects(uploader.round());
  remote.put = put;
  await server.start();
  assert.equal((await whichArePending(db, [key])).size, 1);
  assert.deepEqual(await node.blobs.get(key), message.bytes);
  await node.uploads.releaseAll("here");
  assert.equal(await uploader.round(), 1);
  assert.equal((await whichArePending(db, [key])).size, 0);
});

Deno.test("backoff() doubles up to its limit, and never has all come at once", () => {
  const late = backoff(1_000, () => 1);
  assert.deepEqual([0, 1, 2, 3, 10, 1_000].map((n) => late(n, 60_000)), [
    1_000,
    2_000,
    4_000,
    8_000,
    60_000,
    60_000,
  ]);
  assert.equal(backoff(1_000, () => 0)(3, 60_000), 4_000);
});

Deno.test("Uploader goes on when the database comes back", async () => {
  await using server = await throwawayPostgres({ fsync: true });
  const observe = { log: logger("test"), metrics: new Metrics() };
  await using db = await Database.open(server.config, observe);
  const remote = new FragileBlobs();
  const notices = { onAny: () => () => {} };
  await using node = await openNode({ db, notices } as unknown as Fixture, remote);
  const interrupted = Promise.withResolvers<void>();
  const log = {
    ...logger("test"),
    warning: (event: string) => event === "uploads-interrupted" && interrupted.resolve(),
  };
  await using uploader = node.uploader({ retryIntervalMs: 50, log });
  await uploader.start();
  await server.stop("SIGQUIT");
  uploader.wake();
  await interrupted.promise;
  await server.start();
  const message = await spooled("0123456789");
  const key = objectKey("owner@example.com", message.hash);
  const pending = await node.blobs.put(key, message);
  const uploaded = Promise.withResolvers<void>();
  const put = remote.put.bind(remote);
  remote.put = async (...args) => {
    const result = await put(...args);
    uploaded.resolve();
    return result;
  };
  // WHY again and again: connections that are dead without knowing it fail, and recovery takes a while.
  const deadline = Date.now() + 20_000;
  for (let done = false; !done;) {
    const inserting = db.write(sql`
      INSERT INTO pending_uploads (object_key, account_id, size_bytes, instance_id)
      VALUES (${key}, 1, ${pending.sizeBytes}, ${pending.instanceId}) ON CONFLICT DO NOTHING`);
    done = await inserting.then(() => true, (error) => {
      if (Date.now() > deadline) throw error;
      return false;
    });
  }
  await uploaded.promise;
});

Deno.test("a body that a cleaner without its locks may still be removing is sent again afterwards", async () => {
  await using it = await openFixture();
  const remote = new FragileBlobs();
  await using node = await openNode(it, remote);
  await using uploader = node.uploader();
  const key = await deliver(it, node, "gone, and here again");
  await finish(uploader);
  await it.messages.storeFlags(it.inbox.id, EVERY_UID, { mode: "add", flags: 8, keywords: [] });
  await it.messages.expunge(it.inbox.id, null);
  const purge = new PurgeStore(it.db);
  const remove = async (keys: readonly string[]) => {
    // As at a failover: the locks are gone, the request to the object store is on its way.
    await it.db.query(sql`
      SELECT pg_terminate_backend(pid) FROM pg_locks
      WHERE locktype = 'advisory' AND pid <> pg_backend_pid()
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`);
    await deliver(it, node, "gone, and here again");
    await uploader.round();
    await remote.deleteMany(keys as ObjectKey[]);
    return new Set(keys);
  };
  await assert.rejects(purge.purgeExpunged(null, { graceMs: 0, remove }));
  await uploader.round();
  const nothing = () => Promise.reject(new Error("a message needs it"));
  assert.equal((await purge.purgeExpunged(null, { graceMs: 0, remove: nothing })).messages, 1);
  await finish(uploader);
  assert.equal(await count(it.db), 0);
  assert.ok(await remote.exists(key));
});
