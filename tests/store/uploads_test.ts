import assert from "node:assert/strict";
import type { Uid } from "../../src/lib/ids.ts";
import { Database, sql } from "../../src/store/database.ts";
import type { NewMessage, PendingUpload } from "../../src/store/messages.ts";
import { tryObjectLocks } from "../../src/store/object_lock.ts";
import type { Sql } from "../../src/store/sql.ts";
import { confirmUploads, type LeasedUpload, UploadStore } from "../../src/store/uploads.ts";
import { EVERY_UID, type Fixture, hashOf, openFixture, someMessage } from "./fixture.ts";
import { whichArePending } from "../../src/store/stored_bodies.ts";

const LEASE = { worker: "here/1", leaseMs: 60_000, limit: 10 };

function staged(name: string, fields: Partial<PendingUpload> = {}): Partial<NewMessage> {
  const hash = hashOf(name);
  const objectKey = `example.com/owner/${hash}`;
  return {
    hash,
    objectKey,
    pending: { objectKey, sizeBytes: 1000, instanceId: "here", body: null, ...fields },
  };
}

interface Row {
  readonly key: string;
  readonly generation: number;
  readonly instance: string | null;
  readonly body: Uint8Array | null;
  readonly account: number;
}

function rows(db: Database): Promise<Row[]> {
  return db.query<Row>(sql`
    SELECT object_key AS key, generation, instance_id AS instance, body, account_id AS account
    FROM pending_uploads ORDER BY created_at, object_key`);
}

async function leased(it: Fixture, uploads: UploadStore): Promise<LeasedUpload> {
  const [one] = await uploads.lease("here", LEASE);
  assert.ok(one, `nothing to lease among ${JSON.stringify(await rows(it.db))}`);
  return one;
}

Deno.test("a body to be uploaded is recorded with the message, in every way to store one", async () => {
  await using it = await openFixture();
  const { db, messages, inbox } = it;
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => staged(name));
  await Promise.all([
    messages.append(someMessage(inbox, a)),
    messages.append(someMessage(inbox, { ...b, keywords: ["$k"] })),
    messages.append(someMessage(inbox)),
  ]);
  await messages.appendAll([someMessage(inbox, c), someMessage(inbox), someMessage(inbox, c)]);
  await messages.replace(inbox.id, 1 as Uid, someMessage(inbox, d));
  const found = await rows(db);
  assert.deepEqual(
    found.map(({ key }) => key).sort(),
    [a, b, c, d].map((one) => one?.objectKey).sort(),
  );
  assert.ok(found.every(({ account, instance }) => account === it.account && instance === "here"));
});

Deno.test("a message that is not stored records nothing", async () => {
  await using it = await openFixture();
  const { db, messages, inbox } = it;
  const deliveryKey = hashOf("delivery");
  await messages.append(someMessage(inbox, { deliveryKey }));
  const again = await messages.append(someMessage(inbox, { ...staged("a"), deliveryKey }));
  assert.equal(again.duplicate, true);
  await db.write(sql`UPDATE quotas SET messages_limit = 1`);
  await assert.rejects(messages.append(someMessage(inbox, staged("b"))), {
    refusal: { kind: "over-quota" },
  });
  await assert.rejects(
    messages.appendAll([someMessage(inbox, staged("c")), someMessage(inbox)]),
    { refusal: { kind: "over-quota" } },
  );
  assert.deepEqual(await rows(db), []);
});

Deno.test("copies for another account record what is to be uploaded, all or nothing", async () => {
  await using it = await openFixture();
  const { db, messages, inbox } = it;
  const other = await it.accounts.create({ address: "other@example.com", passwordHash: "{X}" });
  const to = await it.mailboxes.find(other.id, "INBOX");
  await messages.append(someMessage(inbox));
  const objectKey = `example.com/other/${hashOf("body")}`;
  const target = {
    mailbox: to.id,
    account: other.id,
    bodies: "example.com/other/",
    pending: [{ objectKey, sizeBytes: 1000, instanceId: "here", body: null }],
  };
  await db.write(sql`UPDATE quotas SET messages_limit = 0 WHERE account_id = ${other.id}`);
  await assert.rejects(messages.copy(inbox.id, EVERY_UID, target));
  assert.deepEqual(await rows(db), []);
  await db.write(sql`UPDATE quotas SET messages_limit = NULL`);
  await messages.move(inbox.id, EVERY_UID, target);
  assert.deepEqual((await rows(db)).map(({ key, account }) => ({ key, account })), [
    { key: objectKey, account: other.id },
  ]);
});

Deno.test("a body that comes again keeps every place it is at", async () => {
  await using it = await openFixture();
  const { db, messages, inbox } = it;
  const body = new TextEncoder().encode("the body");
  await messages.append(someMessage(inbox, staged("a", { instanceId: null, body })));
  await messages.append(someMessage(inbox, staged("a", { instanceId: "there" })));
  await messages.appendAll([
    someMessage(inbox, staged("a", { instanceId: "here" })),
    someMessage(inbox, staged("a", { instanceId: null, body })),
  ]);
  const [row, ...others] = await rows(db);
  assert.deepEqual(others, []);
  assert.deepEqual({ ...row, key: "", account: 0 }, {
    key: "",
    generation: 3,
    instance: "here",
    body,
    account: 0,
  });
  const uploads = new UploadStore(db);
  const { objectKey = "" } = staged("a");
  assert.deepEqual(await uploads.find(objectKey), { sizeBytes: 1000, instanceId: "here" });
  assert.deepEqual(await uploads.body(objectKey), body);
  assert.deepEqual([...await whichArePending(db, [objectKey, "x"])], [objectKey]);
});

Deno.test("lease() hands each upload to one worker, and only to who can read it", async () => {
  await using it = await openFixture();
  const { db, messages, inbox } = it;
  const uploads = new UploadStore(db);
  const body = new Uint8Array(3);
  await Promise.all([
    ...Array.from({ length: 30 }, (_, n) => messages.append(someMessage(inbox, staged(`${n}`)))),
    messages.append(someMessage(inbox, staged("theirs", { instanceId: "there" }))),
    messages.append(someMessage(inbox, staged("everybody's", { instanceId: null, body }))),
  ]);
  const batches = await Promise.all(
    Array.from({ length: 6 }, (_, n) => uploads.lease("here", { ...LEASE, worker: `here/${n}` })),
  );
  const keys = batches.flat().map(({ objectKey }) => objectKey);
  const rest = await uploads.lease("here", { ...LEASE, limit: 100 });
  keys.push(...rest.map(({ objectKey }) => objectKey));
  assert.equal(keys.length, 31);
  assert.equal(new Set(keys).size, 31);
  const [foreign = ""] = await uploads.foreign("here", "", 10);
  assert.equal(foreign, staged("theirs").objectKey);
  assert.deepEqual(await uploads.foreign("here", foreign, 10), []);
  assert.equal((await uploads.leaseThese([foreign], LEASE)).length, 1);
  assert.deepEqual(await uploads.leaseThese([foreign], { ...LEASE, worker: "here/9" }), []);
  // A worker that died: its lease ends, or its instance starts again.
  await db.write(sql`UPDATE pending_uploads SET lease_until = now() - interval '1 s'
    WHERE leased_by = 'here/0'`);
  assert.equal((await uploads.lease("here", { ...LEASE, limit: 100 })).length, batches[0]?.length);
  await uploads.extend("here/1", 60_000);
  await uploads.releaseAll("here");
  assert.equal((await uploads.lease("here", { ...LEASE, limit: 100 })).length, 31);
});

Deno.test("an upload that fails comes again later, and is told of", async () => {
  await using it = await openFixture();
  const { db, messages, inbox } = it;
  const uploads = new UploadStore(db);
  await messages.append(someMessage(inbox, staged("a")));
  const one = await leased(it, uploads);
  await uploads.giveBack([{
    upload: one,
    delayMs: 3_600_000,
    error: "the file is missing",
    counts: true,
  }]);
  assert.deepEqual(await uploads.lease("here", LEASE), []);
  const [failed, ...none] = await uploads.failed(1, 10);
  assert.deepEqual(none, []);
  assert.equal(failed?.lastError, "the file is missing");
  assert.equal(failed?.attempts, 1);
  assert.deepEqual(await uploads.failed(2, 10), []);
  const [status] = await uploads.status(1);
  assert.deepEqual({ ...status, oldest: 0, oldestSeconds: 0 }, {
    instanceId: "here",
    pending: 1,
    sizeBytes: 1000,
    atRiskBytes: 1000,
    failed: 1,
    running: 0,
    oldest: 0,
    oldestSeconds: 0,
  });
  assert.equal(await uploads.retry("no such key"), 0);
  assert.equal(await uploads.retry(null), 1);
  const again = await leased(it, uploads);
  assert.equal(again.attempts, 0);
  await uploads.giveBack([{
    upload: again,
    delayMs: 3_600_000,
    error: "S3 is down",
    counts: true,
  }]);
  await uploads.hurry();
  const third = await leased(it, uploads);
  assert.equal(third.attempts, 1);
  // The same body came meanwhile: that is a new upload, and due.
  await messages.append(someMessage(inbox, staged("a")));
  await uploads.giveBack([{
    upload: third,
    delayMs: 3_600_000,
    error: "S3 is down",
    counts: true,
  }]);
  assert.equal((await leased(it, uploads)).attempts, 0);
});

Deno.test("hurry() makes everything due, a bounded number with each statement", async () => {
  await using it = await openFixture();
  const { db, messages, inbox } = it;
  await Promise.all(
    ["a", "b", "c", "d", "e"].map((name) => messages.append(someMessage(inbox, staged(name)))),
  );
  await db.write(sql`UPDATE pending_uploads SET next_attempt_at = now() + interval '1 h'`);
  const late = async () => {
    const [row] = await db.query<{ count: number }>(sql`
      SELECT count(*) AS count FROM pending_uploads WHERE next_attempt_at > now()`);
    return row?.count;
  };
  const left: unknown[] = [];
  const spy = new Proxy(db, {
    get: (_, name) => async (statement: Sql) => {
      assert.equal(name, "write");
      const rows = await db.write(statement);
      left.push(await late());
      return rows;
    },
  }) as Database;
  await new UploadStore(spy).hurry(2);
  assert.deepEqual(left, [3, 1, 0, 0]);
});

Deno.test("confirmUploads() forgets what was uploaded, not what was named again since", async () => {
  await using it = await openFixture();
  const { db, messages, inbox } = it;
  const uploads = new UploadStore(db);
  await messages.append(someMessage(inbox, staged("a")));
  await messages.append(someMessage(inbox, staged("b")));
  const both = await uploads.lease("here", LEASE);
  await messages.append(someMessage(inbox, staged("b")));
  await db.transaction((tx) => confirmUploads(tx, both));
  assert.deepEqual((await rows(db)).map(({ key }) => key), [staged("b").objectKey]);
  await db.transaction(async (tx) => confirmUploads(tx, [await leased(it, uploads)]));
  assert.deepEqual(await rows(db), []);
});

Deno.test("an object that somebody has locked is left alone, for as long as that lasts", async () => {
  await using it = await openFixture();
  const lock = (keys: readonly string[]) =>
    it.db.transaction(async (tx) => [...await tryObjectLocks(tx, keys)].sort());
  await it.db.transaction(async (tx) => {
    assert.deepEqual([...await tryObjectLocks(tx, ["a", "b"])].sort(), ["a", "b"]);
    assert.deepEqual(await lock(["a", "c"]), ["c"]);
  });
  assert.deepEqual(await lock(["a", "b"]), ["a", "b"]);
});

Deno.test("appends, copies and uploads of the same bodies at once never wait in a circle", async () => {
  await using it = await openFixture();
  const { db, messages, inbox, mailboxes, account } = it;
  const uploads = new UploadStore(db);
  const other = await it.accounts.create({ address: "other@example.com", passwordHash: "{X}" });
  const theirs = await mailboxes.find(other.id, "INBOX");
  const source = someMessage(theirs);
  await messages.append({ ...source, accountId: other.id });
  const boxes = [
    inbox,
    await mailboxes.create(account, "One"),
    await mailboxes.create(account, "Two"),
  ];
  const pending = Array.from({ length: 20 }, (_, n) => staged(`${n}`).pending).filter((p) => !!p);
  const appending = Array.from({ length: 60 }, (_, n) => {
    const box = boxes[n % 3] ?? inbox;
    const batch = [0, 7, 13].map((k) => someMessage(box, staged(`${(n * 3 + k) % 20}`)));
    return messages.appendAll(batch);
  });
  const copying = Array.from({ length: 20 }, (_, n) =>
    messages.copy(theirs.id, EVERY_UID, {
      mailbox: boxes[n % 3]?.id ?? inbox.id,
      account,
      bodies: "example.com/owner/",
      pending: [...pending].reverse(),
    }));
  let working = true;
  const uploading = Array.from({ length: 3 }, async (_, n) => {
    const worker = `here/${n}`;
    while (working) {
      const batch = await uploads.lease("here", { ...LEASE, worker });
      await uploads.extend(worker, 60_000);
      await uploads.giveBack(
        batch.slice(5).map((upload) => ({ upload, delayMs: 0, error: "x", counts: true })),
      );
      await db.transaction((tx) => confirmUploads(tx, batch.slice(0, 5)));
      await uploads.retry(null);
    }
  });
  await Promise.all([...appending, ...copying]);
  working = false;
  await Promise.all(uploading);
});
