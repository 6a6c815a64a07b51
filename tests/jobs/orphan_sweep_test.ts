import assert from "node:assert/strict";
import { type Blobs, type ObjectKey, objectKey } from "../../src/blobs/blobs.ts";
import { DiskBlobs } from "../../src/blobs/disk_blobs.ts";
import { manifestKey } from "../../src/blobs/manifest_key.ts";
import { openObjectStore } from "../../src/blobs/open_object_store.ts";
import { StagedBlobs } from "../../src/blobs/staged_blobs.ts";
import type { EncryptionConfig } from "../../src/config/config.ts";
import type { CleanerOptions } from "../../src/jobs/cleaner.ts";
import { UploadBatch } from "../../src/jobs/upload_batch.ts";
import { unavailable } from "../../src/lib/refused.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { sql } from "../../src/store/database.ts";
import { UploadStore } from "../../src/store/uploads.ts";
import { spooled } from "../blobs/contract.ts";
import { KEY_A } from "../blobs/encryption.ts";
import { filesIn, stagedBench } from "../blobs/staged.ts";
import { someFacts, someMessage } from "../store/fixture.ts";
import { S3Server } from "../support/s3_server.ts";
import { type CleanerFixture, keyOf, openCleanerFixture } from "./cleaner_fixture.ts";

const DAY_MS = 86_400_000;

/** Puts a body that no message names. */
async function orphan(blobs: Blobs, body: string): Promise<ObjectKey> {
  await blobs.put(keyOf(body), await spooled(body));
  return keyOf(body);
}

/** Two days later, by the clocks of storage and cleaner: nothing is young, and a sweep is due. */
async function sweep(
  it: CleanerFixture,
  options: Partial<CleanerOptions> = {},
): Promise<ReturnType<CleanerFixture["clean"]>> {
  await makeDue(it);
  it.storage.aheadMs += 2 * DAY_MS;
  const round = it.clean({ now: inDays(2), ...options });
  return await round.finally(() => it.storage.aheadMs -= 2 * DAY_MS);
}

/** WHY a sweep first: a database waits for a whole interval when it is new. */
async function makeDue(it: CleanerFixture): Promise<void> {
  if (await it.count("orphan_sweep") === 0) await it.clean();
  await it.db.write(sql`
    UPDATE orphan_sweep SET finished_at = finished_at - interval '8 days'`);
}

function inDays(days: number): () => Date {
  return () => new Date(Date.now() + days * DAY_MS);
}

async function isThere(it: CleanerFixture, body: string): Promise<boolean> {
  return await it.blobs.exists(keyOf(body));
}

Deno.test("what no message needs goes, but not while it is young, and what is no body stays", async () => {
  await using it = await openCleanerFixture();
  const { blobs } = it;
  await it.deliver(it.inbox, "needed");
  await orphan(blobs, "orphan");
  const body = await spooled("of somebody else");
  const foreign = [
    objectKey("nobody@example.com", body.hash),
    manifestKey("owner@example.com", { kind: "account", epoch: "e", writtenMs: 1 }, body.hash),
    "sora/key-check-a" as ObjectKey,
    "notes.txt" as ObjectKey,
  ];
  for (const key of foreign) await blobs.put(key, body);
  it.storage.aheadMs = 23 * 3_600_000 - 2 * DAY_MS;
  await sweep(it, { now: () => new Date(Date.now() + 23 * 3_600_000) });
  assert.ok(await isThere(it, "orphan"), "of today");
  it.storage.aheadMs = 0;
  const metrics = new Metrics();
  await sweep(it, { metrics });
  assert.equal(await isThere(it, "orphan"), false);
  assert.ok(await isThere(it, "needed"));
  for (const key of foreign) assert.ok(await blobs.exists(key), key);
  const text = await metrics.registry.metrics();
  assert.match(text, /^sora_cleanup_removed_total\{kind="orphan"\} 1$/m);
  assert.match(text, /^sora_cleanup_orphans_last_sweep_timestamp_seconds \d{10}/m);
});

Deno.test("a sweep comes once in its interval, after a first one, on one of two nodes", async () => {
  await using it = await openCleanerFixture();
  let listings = 0;
  const list = it.blobs.list.bind(it.blobs);
  it.blobs.list = (...args) => {
    listings++;
    return list(...args);
  };
  it.storage.aheadMs = -2 * DAY_MS;
  await orphan(it.blobs, "orphan");
  it.storage.aheadMs = 0;
  await it.clean();
  await it.clean();
  assert.equal(listings, 0, "it is new");
  await makeDue(it);
  await it.clean({}, { orphanIntervalMs: 9 * DAY_MS });
  await it.clean({}, { orphanIntervalMs: 0 });
  assert.equal(listings, 0, "too early, or switched off");
  const rounds = await Promise.all([it.clean(), it.clean(), it.clean()]);
  assert.ok(rounds.some(({ kind }) => kind === "done"));
  assert.equal(listings, 1);
  assert.equal(await isThere(it, "orphan"), false);
  await it.clean();
  assert.equal(listings, 1, "another node, later");
});

Deno.test("a sweep that is interrupted goes on where it was", async () => {
  await using it = await openCleanerFixture();
  const { blobs } = it;
  const bodies = Array.from({ length: 250 }, (_, n) => `orphan ${n}`);
  for (const [n, body] of bodies.entries()) {
    if (n % 5 === 0) await orphan(blobs, body);
    else await it.deliver(it.inbox, body);
  }
  const list = blobs.list.bind(blobs);
  const begun: (string | undefined)[] = [];
  const seen: string[] = [];
  let pages = 0;
  blobs.list = async function* (prefix, after) {
    begun.push(after);
    for await (const page of list(prefix, after)) {
      if (++pages === 3) throw unavailable("bodies", new Error("the storage went away"));
      seen.push(...page.map(({ key }) => key));
      yield page;
    }
  };
  const round = await sweep(it);
  assert.ok(round.kind === "done" && !round.isWhole);
  it.storage.aheadMs = 2 * DAY_MS;
  await it.clean({ now: inDays(2) });
  assert.deepEqual(begun, ["", seen[199]]);
  assert.equal(new Set(seen).size, seen.length, "nothing twice");
  for (const [n, body] of bodies.entries()) {
    assert.equal(await isThere(it, body), n % 5 !== 0, body);
  }
});

Deno.test("an orphan stays while an account is being rebuilt, and in a database that was restored", async () => {
  await using it = await openCleanerFixture();
  await orphan(it.blobs, "orphan");
  await it.db.write(sql`INSERT INTO rebuilt_accounts (address) VALUES ('new@example.com')`);
  await sweep(it);
  assert.ok(await isThere(it, "orphan"), "while there is a rebuild");
  await it.db.write(sql`UPDATE rebuilt_accounts SET finished_at = now()`);
  await makeDue(it);
  await it.db.write(sql`UPDATE orphan_sweep SET database = '1/1/1/1', place = 'a'`);
  it.storage.aheadMs = 2 * DAY_MS;
  await it.clean({ now: inDays(2) });
  assert.ok(await isThere(it, "orphan"), "in another database");
  it.storage.aheadMs = 0;
  await sweep(it);
  assert.equal(await isThere(it, "orphan"), false);
});

Deno.test("where most of a page is orphans, somebody has to look at it", async () => {
  await using it = await openCleanerFixture();
  const bodies = Array.from({ length: 60 }, (_, n) => `orphan ${n}`);
  for (const body of bodies) await orphan(it.blobs, body);
  await sweep(it);
  for (const body of bodies) assert.ok(await isThere(it, body), body);
  for (let n = 0; n < 60; n++) await it.deliver(it.inbox, `needed ${n}`);
  await it.blobs.delete(keyOf("orphan 0"));
  await it.blobs.delete(keyOf("orphan 1"));
  it.blobs.list = async function* () {
    const keys = [...bodies.slice(2), ...Array.from({ length: 60 }, (_, n) => `needed ${n}`)];
    yield keys.map((body) => ({ key: keyOf(body), sizeBytes: 1, modifiedAt: new Date() }));
  };
  await sweep(it);
  for (const body of bodies) assert.equal(await isThere(it, body), false, body);
});

const CLOCKS: readonly (readonly [name: string, cleaner: number, storage: number])[] = [
  ["the storage is three days behind", 0, -3],
  ["the storage is three days ahead", 0, 3],
  ["the cleaner is three days ahead", 3, 0],
  ["the cleaner is three days behind", -3, 0],
  ["both are wrong, apart from each other", 3, -3],
];

for (const [name, cleanerDays, storageDays] of CLOCKS) {
  Deno.test(`a clock that is off makes nobody an orphan: ${name}`, async () => {
    await using it = await openCleanerFixture();
    await makeDue(it);
    it.storage.aheadMs = storageDays * DAY_MS;
    await orphan(it.blobs, "its message is on the way");
    const round = await it.clean({ now: inDays(cleanerDays) });
    assert.equal(round.kind, "done");
    assert.ok(await isThere(it, "its message is on the way"));
  });
}

Deno.test("an orphan that is uploaded again at this moment stays, or comes back", async () => {
  await using it = await openCleanerFixture();
  const uploads = new UploadStore(it.db);
  await using bench = await stagedBench({ pending: uploads });
  const { staging, cache, metrics } = bench;
  const remote = it.blobs;
  const blobs = new StagedBlobs({
    ...{ staging, cache, metrics, remote, pending: uploads, instanceId: "here" },
    durability: "spool",
    graceMs: 3_600_000,
  });
  const batch = new UploadBatch({
    ...{ db: it.db, uploads, staging, cache, remote, metrics },
    concurrency: 2,
    verify: true,
  });
  const upload = async () => {
    const leased = await uploads.lease("here", { worker: "here/1", leaseMs: 60_000, limit: 10 });
    return await batch.run(leased, new AbortController().signal);
  };
  const deliver = async () => {
    const body = await spooled("wanted again");
    const key = keyOf("wanted again");
    const pending = await blobs.put(key, body);
    const facts = someFacts({ sizeBytes: body.sizeBytes });
    await it.messages.append(
      someMessage(it.inbox, { hash: body.hash, objectKey: key, facts, pending }),
    );
  };
  const staged = { permanent: remote, blobs, isRecorded: true };

  // The upload is under way: it has found the object there, and holds its lock.
  const key = await orphan(remote, "wanted again");
  const put = remote.put.bind(remote);
  remote.put = async (...args) => {
    if (args[0] !== key) return await put(...args);
    remote.put = put;
    const result = await put(...args);
    await sweep(it, staged);
    assert.ok(await remote.exists(key), "while it is uploaded");
    return result;
  };
  await deliver();
  await upload();
  assert.deepEqual([await it.count("pending_uploads"), await remote.exists(key)], [0, true]);
  await sweep(it, staged);
  assert.ok(await remote.exists(key), "a message needs it");

  // The message comes after the cleaner has looked, and before the object goes.
  await it.db.write(sql`DELETE FROM message_state`);
  await it.db.write(sql`DELETE FROM messages`);
  const deleteMany = remote.deleteMany.bind(remote);
  let isDelivered = false;
  remote.deleteMany = async (...args) => {
    await deliver();
    const outcomes = await upload();
    assert.equal(outcomes.get(key)?.kind, "deferred", "the object is locked");
    isDelivered = true;
    await deleteMany(...args);
  };
  await sweep(it, staged);
  remote.deleteMany = deleteMany;
  assert.ok(isDelivered);
  assert.deepEqual(await blobs.get(key), (await spooled("wanted again")).bytes, "it is staged");
  await it.db.write(sql`UPDATE pending_uploads SET lease_until = NULL`);
  await upload();
  assert.deepEqual([await it.count("pending_uploads"), await remote.exists(key)], [0, true]);
});

Deno.test("orphans on the disk go by the age of their files", async () => {
  await using it = await openCleanerFixture();
  const folder = await Deno.makeTempDir();
  try {
    const blobs = new DiskBlobs(folder);
    await orphan(blobs, "orphan");
    const longAgo = new Date(Date.now() - 2 * DAY_MS);
    for (const path of await filesIn(folder)) await Deno.utime(path, longAgo, longAgo);
    await orphan(blobs, "young");
    await makeDue(it);
    await it.clean({ permanent: blobs, blobs, now: () => new Date() });
    assert.equal(await blobs.exists(keyOf("orphan")), false);
    assert.ok(await blobs.exists(keyOf("young")));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const ENCRYPTIONS: Readonly<Record<string, EncryptionConfig>> = {
  plain: {
    encrypt: false,
    encryptAllowPlain: false,
    encryptionKeys: [],
    encryptionCurrent: null,
  },
  encrypted: {
    encrypt: true,
    encryptAllowPlain: false,
    encryptionKeys: [{ id: "a", key: KEY_A }],
    encryptionCurrent: "a",
  },
};

for (const [name, encryption] of Object.entries(ENCRYPTIONS)) {
  Deno.test(`orphans in an object store go, page by page, and nothing else: ${name}`, async () => {
    await using it = await openCleanerFixture();
    await using server = S3Server.start();
    server.pageObjects = 7;
    using store = await openObjectStore({ ...server.config(), ...encryption });
    const { blobs } = store;
    for (let n = 0; n < 30; n++) {
      await it.deliver(it.inbox, `needed ${n}`);
      await blobs.put(keyOf(`needed ${n}`), await spooled(`needed ${n}`));
      if (n % 3 === 0) await orphan(blobs, `orphan ${n}`);
    }
    server.now = inDays(2);
    await makeDue(it);
    await it.clean({ permanent: blobs, isRecorded: true, now: inDays(2) });
    const left = [...server.objects.keys()].filter((key) => key.startsWith("example.com/"));
    const needed = Array.from({ length: 30 }, (_, n) => `${keyOf(`needed ${n}`)}`);
    assert.deepEqual(left.sort(), needed.sort());
  });
}
