import assert from "node:assert/strict";
import { type Blobs, type ObjectKey, objectKey } from "../../src/blobs/blobs.ts";
import { maySealedSize } from "../../src/blobs/body_cipher.ts";
import { EncryptedBlobs } from "../../src/blobs/encrypted_blobs.ts";
import { MemorySpooled } from "../../src/blobs/spooled.ts";
import { type VerifyOptions, verifyStorage } from "../../src/jobs/verify_storage.ts";
import {
  type BodyDescription,
  describeBody,
  readBodyDescription,
} from "../../src/lib/body_description.ts";
import { fromBinary } from "../../src/lib/bytes.ts";
import { Refused } from "../../src/lib/refused.ts";
import { sql } from "../../src/store/database.ts";
import { ManifestStore } from "../../src/store/manifests.ts";
import { tryObjectLocks } from "../../src/store/object_lock.ts";
import { ScrubStore } from "../../src/store/scrubs.ts";
import { UploadStore } from "../../src/store/uploads.ts";
import { filesIn, stagedBench } from "../blobs/staged.ts";
import { sha256, spooled } from "../blobs/contract.ts";
import { bodyKeys, KEY_A } from "../blobs/encryption.ts";
import { type CleanerFixture, expungeAll, keyOf, openCleanerFixture } from "./cleaner_fixture.ts";

const DAY_MS = 86_400_000;

/** Two days later, so that nothing is young. */
async function verify(it: CleanerFixture, options: Partial<VerifyOptions> = {}) {
  it.storage.aheadMs += 2 * DAY_MS;
  const verified = await verifyStorage({
    database: it.db,
    scrubs: new ScrubStore(it.db),
    blobs: it.blobs,
    maySize: (stored, size) => stored === size,
    deep: false,
    fix: false,
    concurrency: 4,
    now: () => new Date(Date.now() + 2 * DAY_MS),
    ...options,
  });
  it.storage.aheadMs -= 2 * DAY_MS;
  return verified;
}

/** Puts other octets under the key of a body. */
async function replace(blobs: Blobs, key: ObjectKey, text: string): Promise<void> {
  const bytes = fromBinary(text);
  const hash = sha256(bytes);
  const body = new MemorySpooled({ hash, receivedHash: hash, bytes, prefixBytes: 0 });
  await blobs.put(key, body, { overwrite: true });
}

function description({ inbox }: CleanerFixture): BodyDescription {
  const place = { account: "owner@example.com", mailboxId: inbox.id, mailbox: "INBOX" };
  const numbers = { uidValidity: inbox.uidValidity, flags: 0, internalMs: 0, savedMs: 0 };
  return { ...place, ...numbers, epoch: "", domain: null, uid: 1, keywords: [] };
}

/** The files below a folder with that content. */
async function filesWith(folder: string, content: string): Promise<string[]> {
  const files = await filesIn(folder);
  const texts = await Promise.all(files.map((path) => Deno.readTextFile(path)));
  return files.filter((_, i) => texts[i] === content);
}

const clean = { missing: 0, orphan: 0, size: 0, hash: 0, unreadable: 0 };

Deno.test("verifyStorage(): a storage that is as it should be, also with expunged messages", async () => {
  await using it = await openCleanerFixture();
  for (const body of ["one", "two", "three"]) await it.deliver(it.inbox, body);
  await expungeAll(it, it.inbox);
  await it.deliver(it.inbox, "four");
  await it.deliver(it.inbox, "four");
  await replace(it.blobs, "somebody/else's" as ObjectKey, "not ours");
  for (const deep of [false, true]) {
    const { objects, messages, counts, problems } = await verify(it, { deep });
    assert.deepEqual([objects, messages, counts, problems], [4, 5, clean, []]);
  }
});

Deno.test("verifyStorage(): each kind of damage is told by its name", async () => {
  await using it = await openCleanerFixture();
  const bodies = ["missing", "longer", "changed", "fine"];
  for (const body of bodies) await it.deliver(it.inbox, body);
  await it.deliver(it.inbox, "missing");
  await it.blobs.delete(keyOf("missing"));
  await replace(it.blobs, keyOf("longer"), "longer than it was");
  await replace(it.blobs, keyOf("changed"), "chanced");
  const quick = await verify(it);
  assert.deepEqual(quick.counts, { ...clean, missing: 1, size: 1 });
  const deep = await verify(it, { deep: true, fix: true });
  assert.deepEqual(deep.counts, { ...clean, missing: 1, size: 1, hash: 1 });
  assert.deepEqual(
    deep.problems.toSorted((a, b) => a.problem.localeCompare(b.problem)),
    [
      { key: keyOf("changed"), problem: "hash", isFixed: false },
      { key: keyOf("missing"), problem: "missing", isFixed: false },
      { key: keyOf("longer"), problem: "size", isFixed: false },
    ],
  );
  assert.equal((await new ScrubStore(it.db).status(30)).damaged, 3);
});

Deno.test("verifyStorage(): orphans go with fix only, and not while they are young", async () => {
  await using it = await openCleanerFixture();
  await it.deliver(it.inbox, "needed");
  const orphan = await spooled("orphan");
  await it.blobs.put(keyOf("orphan"), orphan);
  assert.equal((await verify(it, { now: () => new Date(), fix: true })).counts.orphan, 0);
  const told = await verify(it);
  const problem = { key: keyOf("orphan"), problem: "orphan", isFixed: false };
  assert.deepEqual(told.problems, [problem]);
  assert.ok(await it.blobs.exists(keyOf("orphan")));
  assert.equal((await verify(it, { fix: true })).orphansRemoved, 1);
  assert.equal(await it.blobs.exists(keyOf("orphan")), false);
  assert.ok(await it.blobs.exists(keyOf("needed")));
  assert.deepEqual((await verify(it, { deep: true })).counts, clean);
});

Deno.test("verifyStorage(): bodies of accounts that the database does not have stay, unless asked for", async () => {
  await using it = await openCleanerFixture();
  const orphan = await spooled("orphan");
  const key = objectKey("lost+tag@example.net", orphan.hash);
  await it.blobs.put(key, orphan);
  for (const strangers of [false, true]) {
    const { counts, orphansRemoved } = await verify(it, { fix: true, strangers });
    assert.deepEqual([counts.orphan, orphansRemoved], [1, strangers ? 1 : 0]);
    assert.equal(await it.blobs.exists(key), !strangers);
  }
});

Deno.test("verifyStorage(): bodies of an account that is being rebuilt stay", async () => {
  await using it = await openCleanerFixture();
  await it.blobs.put(keyOf("orphan"), await spooled("orphan"));
  await it.db.write(sql`
    INSERT INTO rebuilt_accounts (address) SELECT address FROM credentials`);
  assert.equal((await verify(it, { fix: true })).orphansRemoved, 0);
  await it.db.write(sql`UPDATE rebuilt_accounts SET finished_at = now()`);
  assert.equal((await verify(it, { fix: true })).orphansRemoved, 1);
});

Deno.test("verifyStorage(): what is on its way, or in somebody's hands, is left alone", async () => {
  await using it = await openCleanerFixture();
  await it.deliver(it.inbox, "sent later");
  await it.blobs.delete(keyOf("sent later"));
  await it.blobs.put(keyOf("sent, not confirmed"), await spooled("sent, not confirmed"));
  for (const body of ["sent later", "sent, not confirmed"]) {
    await it.db.write(sql`
      INSERT INTO pending_uploads (object_key, account_id, size_bytes, instance_id)
      VALUES (${keyOf(body)}, ${it.account}, ${body.length}, 'a node')`);
  }
  await it.blobs.put(keyOf("locked"), await spooled("locked"));
  await it.db.transaction(async (tx) => {
    await tryObjectLocks(tx, [keyOf("locked")]);
    const { counts, orphansRemoved } = await verify(it, { fix: true });
    assert.deepEqual([counts, orphansRemoved], [clean, 0]);
  });
  assert.ok(await it.blobs.exists(keyOf("locked")));
  assert.ok(await it.blobs.exists(keyOf("sent, not confirmed")));
});

Deno.test("verifyStorage(): a body that nobody can decrypt is unreadable", async () => {
  await using it = await openCleanerFixture();
  const keys = bodyKeys({ a: KEY_A }, "a");
  const blobs = new EncryptedBlobs({ inner: it.blobs, keys, allowPlain: false });
  for (const body of ["good", "evil"]) {
    await it.deliver(it.inbox, body);
    await blobs.put(keyOf(body), await spooled(body), { overwrite: true });
  }
  const object = await it.blobs.get(keyOf("evil"));
  assert.ok(object);
  object[object.length - 1] = (object.at(-1) ?? 0) ^ 1;
  const hash = sha256(object);
  const changed = new MemorySpooled({ hash, receivedHash: hash, bytes: object, prefixBytes: 0 });
  await it.blobs.put(keyOf("evil"), changed, { overwrite: true });
  const quick = await verify(it, { blobs, maySize: maySealedSize });
  assert.deepEqual(quick.counts, clean);
  const deep = await verify(it, { blobs, maySize: maySealedSize, deep: true });
  const problem = { key: keyOf("evil"), problem: "unreadable", isFixed: false };
  assert.deepEqual(deep.problems, [problem]);
});

Deno.test("verifyStorage(): a body that is still here is put back, whole, with what it says of itself", async () => {
  await using it = await openCleanerFixture();
  await using bench = await stagedBench();
  const { staging, cache } = bench;
  const bodies = ["cached", "staged", "staged, damaged", "cached, damaged", "lost"];
  for (const body of bodies) await it.deliver(it.inbox, body);
  for (const body of ["cached", "cached, damaged", "lost"]) {
    await cache.put(keyOf(body), fromBinary(body));
  }
  for (const body of ["staged", "staged, damaged"]) {
    await staging.put(keyOf(body), await spooled(body));
  }
  const lost = await filesWith(bench.folder, "lost");
  assert.equal(lost.length, 1);
  for (const path of lost) await Deno.writeTextFile(path, "l0st");
  for (const body of ["cached", "staged", "lost"]) await it.blobs.delete(keyOf(body));
  await replace(it.blobs, keyOf("staged, damaged"), "staged, d*maged");
  await replace(it.blobs, keyOf("cached, damaged"), "shorter");
  const manifests = new ManifestStore(it.db);
  const local = { staging, cache, uploads: new UploadStore(it.db) };
  const describe = (key: string) => manifests.describe(key);
  const told = await verify(it, { deep: true, local, describe });
  assert.deepEqual([told.bodiesPutBack, told.counts.missing], [0, 3], "nothing without fix");
  const fixed = await verify(it, { deep: true, fix: true, local, describe });
  assert.deepEqual(fixed.counts, { ...clean, missing: 3, size: 1, hash: 1 });
  assert.equal(fixed.bodiesPutBack, 4);
  const left = { ...clean, missing: 1 };
  const after = await verify(it, { deep: true, fix: true, local, describe });
  assert.deepEqual([after.counts, after.bodiesPutBack], [left, 0]);
  assert.equal((await new ScrubStore(it.db).status(30)).damaged, 1);
  const { metadata } = await it.blobs.info(keyOf("staged")) ?? {};
  assert.equal(readBodyDescription(metadata ?? {})?.uid, 2);
});

Deno.test("verifyStorage(): orphans that say they are of messages that the database never had stay", async () => {
  await using it = await openCleanerFixture();
  await it.deliver(it.inbox, "one");
  const manifests = new ManifestStore(it.db);
  const epoch = await manifests.epoch();
  const purged = { ...description(it), uid: 1, epoch };
  const cases = {
    purged,
    later: { ...purged, uid: it.inbox.uidNext + 100 },
    "later mailbox": { ...purged, mailboxId: 1_000_000 },
    "other database": { ...purged, epoch: "0123456789ab" },
  };
  for (const [body, said] of Object.entries(cases)) {
    await it.blobs.put(keyOf(body), await spooled(body), { metadata: describeBody(said) });
    assert.equal((await verify(it, { fix: true })).orphansRemoved, body === "purged" ? 1 : 0, body);
    if (body === "purged") continue;
    await it.blobs.put(keyOf("silent"), await spooled("silent"));
    const beside = await verify(it, { fix: true });
    assert.equal(beside.orphansRemoved, 0, `beside ${body}`);
    assert.equal((await verify(it, { fix: true, strangers: true })).orphansRemoved, 2);
  }
  await it.db.write(sql`
    INSERT INTO rebuilt_accounts (address, finished_at, epochs)
    VALUES ('owner@example.com', now(), '{0123456789ab}')`);
  const metadata = describeBody(cases["other database"]);
  await it.blobs.put(keyOf("taken over"), await spooled("taken over"), { metadata });
  assert.equal((await verify(it, { fix: true })).orphansRemoved, 1);
});

Deno.test("verifyStorage(): a storage in trouble is no storage without bodies", async () => {
  await using it = await openCleanerFixture();
  await it.deliver(it.inbox, "one");
  it.blobs.list = async function* () {
    yield [];
    throw new Refused({ kind: "unavailable", what: "bodies" });
  };
  await assert.rejects(verify(it, { fix: true }), Refused);
  assert.equal((await new ScrubStore(it.db).status(30)).damaged, 0);
  const key = objectKey("owner@example.com", sha256(fromBinary("one")));
  assert.ok(await it.blobs.exists(key));
});
