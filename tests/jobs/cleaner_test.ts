import assert from "node:assert/strict";
import type { Modseq, Uid } from "../../src/lib/ids.ts";
import { NumberSet } from "../../src/lib/number_set.ts";
import { UploadBatch } from "../../src/jobs/upload_batch.ts";
import { unavailable } from "../../src/lib/refused.ts";
import { sql } from "../../src/store/database.ts";
import { FLAG } from "../../src/store/messages.ts";
import { PurgeStore } from "../../src/store/purge.ts";
import { UploadStore } from "../../src/store/uploads.ts";
import { spooled } from "../blobs/contract.ts";
import { filesIn, stagedBench } from "../blobs/staged.ts";
import { EVERY_UID, inconsistencies, someMessage, uidSet } from "../store/fixture.ts";
import { cleanedOf, expungeAll, keyOf, openCleanerFixture } from "./cleaner_fixture.ts";

const DAY_MS = 86_400_000;

Deno.test("an expunged message stays for the grace period, then its body and rows go", async () => {
  await using it = await openCleanerFixture();
  const { inbox, blobs } = it;
  await it.deliver(inbox, "one");
  await it.deliver(inbox, "two");
  await it.messages.storeFlags(inbox.id, uidSet(1), {
    mode: "add",
    flags: FLAG.deleted,
    keywords: [],
  });
  await it.messages.expunge(inbox.id, null);
  await it.age(13);
  assert.equal((await cleanedOf(it.clean())).messages, 0);
  assert.ok(await blobs.exists(keyOf("one")));
  await it.age(2);
  const cleaned = await cleanedOf(it.clean());
  assert.deepEqual([cleaned.messages, cleaned.objects, cleaned.deferred], [1, 1, 0]);
  assert.equal(await blobs.exists(keyOf("one")), false);
  assert.ok(await blobs.exists(keyOf("two")));
  assert.equal(await it.count("messages"), 1);
  const expunged = await it.messages.expungedSince(inbox.id, {
    uids: EVERY_UID,
    since: 1 as Modseq,
  });
  assert.equal(expunged?.toString(), "1", "QRESYNC still knows it");
  assert.deepEqual(await inconsistencies(it.db, inbox.id), []);
  assert.equal((await cleanedOf(it.clean())).messages, 0);
});

Deno.test("a body stays for as long as one message has it", async () => {
  await using it = await openCleanerFixture();
  const { inbox, blobs, mailboxes, account } = it;
  const trash = await mailboxes.find(account, "Trash");
  await it.deliver(inbox, "same");
  await it.deliver(trash, "same");
  await expungeAll(it, trash);
  await it.age(15);
  const first = await cleanedOf(it.clean());
  assert.deepEqual([first.messages, first.objects], [1, 0]);
  assert.ok(await blobs.exists(keyOf("same")));
  await it.messages.copy(inbox.id, EVERY_UID, { mailbox: trash.id, account });
  await expungeAll(it, inbox);
  await it.age(15);
  assert.equal((await cleanedOf(it.clean())).objects, 0, "the copy needs it");
  await expungeAll(it, trash);
  await it.age(15);
  assert.equal((await cleanedOf(it.clean())).objects, 1);
  assert.equal(await it.count("messages"), 0);
});

Deno.test("a body that is being uploaded stays, and so does one that was put a moment ago", async () => {
  await using it = await openCleanerFixture();
  const { inbox, blobs, db } = it;
  await it.deliver(inbox, "pending");
  await it.deliver(inbox, "fresh");
  await expungeAll(it, inbox);
  await it.age(15);
  await db.write(sql`
    INSERT INTO pending_uploads (object_key, account_id, size_bytes, body, lease_until)
    VALUES (${keyOf("pending")}, 1, 7, 'pending', now() + interval '1 hour')`);
  const now = await cleanedOf(it.clean({ now: () => new Date() }));
  assert.deepEqual([now.messages, now.deferred], [0, 2]);
  const later = await cleanedOf(it.clean());
  assert.deepEqual([later.messages, later.deferred], [1, 1]);
  assert.ok(await blobs.exists(keyOf("pending")));
  await db.write(sql`UPDATE pending_uploads SET lease_until = NULL, attempts = 20`);
  assert.equal((await cleanedOf(it.clean())).messages, 1);
  assert.equal(await it.count("pending_uploads"), 0, "nobody needs it any more");
  assert.equal(await blobs.exists(keyOf("pending")), false);
});

Deno.test("a body that somebody else has locked is left for the next round", async () => {
  await using it = await openCleanerFixture();
  await it.deliver(it.inbox, "locked");
  await expungeAll(it, it.inbox);
  await it.age(15);
  await it.db.transaction(async (tx) => {
    await tx.query(sql`
      SELECT pg_advisory_xact_lock(hashtextextended(${keyOf("locked")}, 4242))`);
    assert.equal((await cleanedOf(it.clean())).deferred, 1);
  });
  assert.equal((await cleanedOf(it.clean())).objects, 1);
});

Deno.test("a round that ends between body and rows is taken up by the next one", async () => {
  await using it = await openCleanerFixture();
  const { blobs, inbox } = it;
  for (const body of ["a", "b", "c"]) await it.deliver(inbox, body);
  await expungeAll(it, inbox);
  await it.age(15);
  const failing = {
    info: blobs.info.bind(blobs),
    async deleteMany(keys: readonly ReturnType<typeof keyOf>[]) {
      await blobs.deleteMany(keys.slice(0, 2));
      throw unavailable("bodies", new Error("the storage went away"));
    },
  };
  const round = await it.clean({ blobs: failing });
  assert.ok(round.kind === "done" && !round.isWhole);
  assert.equal(await it.count("messages"), 3);
  const page = await it.restore.deleted(it.account, { filter: {}, limit: 10 });
  assert.deepEqual(page.messages, [], "nobody may restore what has lost its body");
  const cleaned = await cleanedOf(it.clean());
  assert.deepEqual([cleaned.messages, cleaned.objects], [3, 1]);
  assert.equal(await it.count("messages"), 0);
});

Deno.test("tombstones are forgotten at last, and whoever asks is told so", async () => {
  await using it = await openCleanerFixture();
  const { inbox, messages } = it;
  for (const body of ["a", "b", "c"]) await it.deliver(inbox, body);
  const { modseq } = await messages.uids(inbox.id);
  await expungeAll(it, inbox);
  await it.age(15);
  assert.equal((await cleanedOf(it.clean())).tombstones, 0);
  const since = { uids: EVERY_UID, since: modseq };
  assert.equal((await messages.expungedSince(inbox.id, since))?.toString(), "1:3");
  await it.age(90);
  assert.equal((await cleanedOf(it.clean())).tombstones, 3);
  assert.equal(await messages.expungedSince(inbox.id, since), null);
  const now = (await messages.uids(inbox.id)).modseq;
  const nothing = await messages.expungedSince(inbox.id, { uids: EVERY_UID, since: now });
  assert.ok(nothing?.isEmpty);
});

Deno.test("messages are expunged by age, by mailbox, by what is above it and by special use", async () => {
  await using it = await openCleanerFixture();
  const { mailboxes, account, db, notices } = it;
  const [trash, junk] = [
    await mailboxes.find(account, "Trash"),
    await mailboxes.find(account, "Junk"),
  ];
  const below = await mailboxes.create(account, "Trash/Old");
  const beside = await mailboxes.create(account, "Trashy");
  const boxes = [it.inbox, trash, junk, below, beside];
  for (const box of boxes) {
    for (const age of [400, 40, 20, 5]) {
      const { uid } = await it.deliver(box, `${box.name} ${age}`, { flags: age % 3 === 0 ? 1 : 0 });
      await db.write(sql`
      UPDATE messages SET saved_at = now() - make_interval(days => ${age})
      WHERE mailbox_id = ${box.id} AND uid = ${uid}`);
    }
  }
  const told: number[] = [];
  const off = boxes.map(({ id }) => notices.on(id, () => told.push(id)));
  const cleaned = await cleanedOf(it.clean({}, {
    maxAgeRestrictionMs: 365 * DAY_MS,
    retention: [{ mailbox: "trash", ageMs: 30 * DAY_MS }, {
      mailbox: "\\junk",
      ageMs: 14 * DAY_MS,
    }],
  }));
  off.forEach((stop) => stop());
  assert.equal(cleaned.expunged, 1 + 2 + 3 + 2 + 1);
  const left = async (box: typeof trash) =>
    (await it.messages.states(box.id, EVERY_UID)).map(({ uid }) => uid);
  assert.deepEqual(await Promise.all(boxes.map(left)), [
    [2, 3, 4],
    [3, 4],
    [4],
    [3, 4],
    [2, 3, 4],
  ]);
  assert.deepEqual(told.sort(), boxes.map(({ id }) => id as number).sort());
  for (const { id } of boxes) assert.deepEqual(await inconsistencies(db, id), []);
  const [quota] = await db.query<{ used: number }>(sql`
    SELECT messages_used AS used FROM quotas WHERE account_id = ${account}`);
  assert.equal(quota?.used, 11);
});

Deno.test("one node cleans at a time, and one that has lost its lock stops", async () => {
  await using it = await openCleanerFixture();
  const { db, blobs } = it;
  for (let i = 0; i < 700; i++) await it.deliver(it.inbox, `body ${i}`);
  await expungeAll(it, it.inbox);
  await it.age(15);
  const removing = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  let batches = 0;
  const slow = {
    info: blobs.info.bind(blobs),
    async deleteMany(keys: readonly ReturnType<typeof keyOf>[]) {
      batches++;
      removing.resolve();
      await goOn.promise;
      await blobs.deleteMany(keys);
    },
  };
  await using first = it.cleaner({ blobs: slow });
  const round = first.round();
  await removing.promise;
  assert.equal((await it.clean()).kind, "elsewhere");
  const ended = await db.query<{ pid: number }>(sql`
    SELECT pid, pg_terminate_backend(pid) FROM pg_locks
    WHERE locktype = 'advisory' AND classid = ${Math.floor(0x636c65616e / 2 ** 32)}::oid
      AND objid = ${0x636c65616e % 2 ** 32}::oid AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`);
  assert.equal(ended.length, 1);
  goOn.resolve();
  assert.equal((await round).kind, "failed");
  assert.equal(batches, 1, "the batch under way was the last one");
  assert.equal((await cleanedOf(it.clean())).messages, 500);
});

Deno.test("disposing a cleaner ends its round after the batch", async () => {
  await using it = await openCleanerFixture();
  for (let i = 0; i < 450; i++) await it.deliver(it.inbox, `body ${i}`);
  await expungeAll(it, it.inbox);
  await it.age(15);
  const removing = Promise.withResolvers<void>();
  const { blobs } = it;
  const cleaner = it.cleaner({
    blobs: {
      info: blobs.info.bind(blobs),
      deleteMany: async (keys) => {
        removing.resolve();
        await blobs.deleteMany(keys);
      },
    },
  });
  const round = cleaner.round();
  await removing.promise;
  await cleaner[Symbol.asyncDispose]();
  assert.equal((await round).kind, "failed");
  assert.equal(await it.count("messages"), 250);
});

Deno.test("a text stays for as long as one message of the account has it", async () => {
  await using it = await openCleanerFixture();
  const { db, inbox, account } = it;
  await it.deliver(inbox, "same");
  await it.deliver(inbox, "same");
  await it.deliver(inbox, "other");
  await db.write(sql`
    INSERT INTO message_texts (account_id, hash, body_text, rest_text, truncated)
    SELECT DISTINCT ${account}::bigint, hash, '', '', false FROM messages`);
  const deleted = { mode: "add", flags: FLAG.deleted, keywords: [] } as const;
  await it.messages.storeFlags(inbox.id, NumberSet.from([1, 3] as Uid[]), deleted);
  await it.messages.expunge(inbox.id, null);
  await it.age(15);
  assert.equal((await cleanedOf(it.clean())).messages, 2);
  assert.equal(await it.count("message_texts"), 1);
  assert.equal(await it.count("stale_texts"), 0);
});

Deno.test("nothing is cleaned while the clock of the database is far from ours", async () => {
  await using it = await openCleanerFixture();
  await it.deliver(it.inbox, "body");
  await expungeAll(it, it.inbox);
  await it.age(15);
  const purge = new PurgeStore(it.db);
  assert.ok(await purge.clockSkewMs() < 60_000);
  purge.clockSkewMs = () => Promise.resolve(2 * 3_600_000);
  assert.equal((await it.clean({ purge })).kind, "failed");
  assert.equal(await it.count("messages"), 1);
});

Deno.test("with an object store, the cache and what was staged long ago go, too", async () => {
  await using it = await openCleanerFixture();
  const { db, inbox } = it;
  const uploads = new UploadStore(db);
  await using bench = await stagedBench({ pending: uploads });
  const { blobs, remote, staging, cache, folder, metrics } = bench;
  const options = { db, uploads, staging, cache, remote, concurrency: 4, verify: true, metrics };
  const batch = new UploadBatch(options);
  for (const body of ["kept", "one", "two"]) {
    const spool = await spooled(body);
    const pending = await blobs.put(keyOf(body), spool);
    const flags = body === "kept" ? 0 : FLAG.deleted;
    const fields = { hash: spool.hash, objectKey: keyOf(body), flags, pending };
    await it.messages.append(someMessage(inbox, fields));
  }
  const leased = await uploads.lease("here", { worker: "here/1", leaseMs: 60_000, limit: 10 });
  await batch.run(leased, new AbortController().signal);
  assert.equal(await it.count("pending_uploads"), 0);
  const then = new Date(Date.now() - 2 * 3_600_000);
  for (const path of await filesIn(`${folder}/uploads`)) await Deno.utime(path, then, then);
  await cache.put(keyOf("one"), new TextEncoder().encode("one"));
  await it.messages.expunge(inbox.id, null);
  await it.age(15);
  const cleaned = await cleanedOf(it.clean({ blobs, isRecorded: true }));
  assert.deepEqual([cleaned.messages, cleaned.objects], [2, 2]);
  assert.equal(await cache.size(keyOf("one")), null);
  for (const body of ["one", "two"]) {
    assert.equal(await staging.size(keyOf(body)), null);
    assert.equal(await remote.exists(keyOf(body)), false);
  }
  assert.ok(await remote.exists(keyOf("kept")));
});
