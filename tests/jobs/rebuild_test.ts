import assert from "node:assert/strict";
import { type Blobs, type ObjectKey, objectKey } from "../../src/blobs/blobs.ts";
import { MANIFEST_PREFIX } from "../../src/blobs/manifest_key.ts";
import { MemoryBlobs } from "../../src/blobs/memory_blobs.ts";
import { openObjectStore } from "../../src/blobs/open_object_store.ts";
import type { Uid } from "../../src/lib/ids.ts";
import { Refused, unavailable } from "../../src/lib/refused.ts";
import { AclStore } from "../../src/store/acls.ts";
import { sql } from "../../src/store/database.ts";
import { type Fixture, inconsistencies, openFixture, uidSet } from "../store/fixture.ts";
import { S3Server } from "../support/s3_server.ts";
import { KEY_A } from "../blobs/encryption.ts";
import {
  accountId,
  contentOf,
  deliver,
  openEmpty,
  rebuilt,
  type Server,
  serverOn,
  textOf,
  write,
} from "./rebuild_fixture.ts";

/** Mail of all kinds in several mailboxes, changed between manifests. */
async function fill(server: Server): Promise<void> {
  const { it } = server;
  const { mailboxes, messages, accounts, account } = it;
  await accounts.addCredential("owner@example.com", {
    address: "alias@example.com",
    passwordHash: "{ALIAS}",
  });
  await accounts.create({ address: "friend@example.com", passwordHash: "{F}" });
  const work = await mailboxes.create(account, "Work/Ä & B/2026");
  await mailboxes.subscribe(account, "Work/Ä & B/2026");
  await mailboxes.unsubscribe(account, "Junk");
  await mailboxes.delete(account, "Archive");
  await mailboxes.create(account, "Kept", { specialUse: "\\Archive" });
  const team = await mailboxes.create(
    { owner: account, domain: "example.com" },
    "Team/Plans",
    { ownerRights: "lrswi" },
  );
  await deliver(server, team, 32);
  const trash = await mailboxes.find(account, "Trash");
  for (let n = 1; n <= 30; n++) await deliver(server, it.inbox, n, { flags: n % 4 });
  await deliver(server, work, 31, { keywords: ["$Label1", "Later"] });
  await write(server);
  await messages.storeFlags(it.inbox.id, uidSet(3, 4, 5), {
    mode: "add",
    flags: 8,
    keywords: ["$Forwarded"],
  });
  await messages.expunge(it.inbox.id, uidSet(3, 4));
  await messages.copy(it.inbox.id, uidSet(10, 11), { mailbox: work.id, account });
  await messages.move(it.inbox.id, uidSet(20, 21), { mailbox: trash.id, account });
  const acls = new AclStore(it.db, it.notices);
  const friend = await accountId(it, "friend@example.com");
  await acls.set(work.id, { account: friend, domain: "example.com" }, () => "lrs");
  await acls.set(work.id, { account: null, domain: "example.com" }, () => "l");
  await it.db.write(sql`
    UPDATE quotas SET storage_limit = 1000000, mailboxes_limit = 50 WHERE account_id = ${account}`);
  await write(server);
  for (let n = 40; n <= 45; n++) await deliver(server, it.inbox, n, { keywords: ["New"] });
  await messages.storeFlags(it.inbox.id, uidSet(1), { mode: "replace", flags: 1, keywords: [] });
  await write(server);
}

/** Compares what is there with what there was. */
async function same(before: Fixture, after: Fixture): Promise<void> {
  const account = await accountId(after);
  assert.deepEqual(
    await contentOf(after.db, account),
    await contentOf(before.db, await accountId(before)),
  );
  for (const { id } of await after.mailboxes.list(account)) {
    assert.deepEqual(await inconsistencies(after.db, id), []);
  }
}

async function keysOf(blobs: Blobs, prefix = MANIFEST_PREFIX): Promise<ObjectKey[]> {
  const keys: ObjectKey[] = [];
  for await (const page of blobs.list(prefix)) {
    keys.push(...page.map(({ key }) => key as ObjectKey));
  }
  return keys.sort();
}

Deno.test("a database is made anew from its bucket, row by row", async () => {
  await using it = await openFixture();
  const blobs = new MemoryBlobs();
  await fill(serverOn(it, blobs));
  await using empty = await openEmpty();
  const report = await rebuilt(empty, blobs);
  await same(it, empty);
  assert.deepEqual(report.problems, []);
  const [friend, owner] = report.accounts;
  assert.equal(friend?.account, "friend@example.com");
  assert.equal(owner?.result, "restored");
  assert.equal(owner?.restored, 30 - 2 + 1 + 2 + 6 + 1);
  assert.equal(owner?.placed, 0);
  assert.equal(owner?.expunged, 2);
  assert.equal(owner?.needsPassword, true, "no hashes in a bucket that is not encrypted");

  const before = await contentOf(empty.db, await accountId(empty));
  const again = await rebuilt(empty, blobs);
  assert.deepEqual(again.accounts.map(({ result }) => result), ["exists", "exists"]);
  assert.deepEqual(await contentOf(empty.db, await accountId(empty)), before);
});

Deno.test("a database is made anew from an encrypted bucket on S3, passwords included", async () => {
  await using s3 = S3Server.start();
  const encryption = {
    encrypt: true,
    encryptAllowPlain: false,
    encryptionKeys: [{ id: "one", key: KEY_A }],
    encryptionCurrent: "one",
  };
  using store = await openObjectStore({ ...s3.config(), ...encryption });
  await using it = await openFixture();
  await fill(serverOn(it, store.blobs, { isEncrypted: true }));
  for (const [key, object] of s3.objects) {
    const seen = `${new TextDecoder().decode(object)}${JSON.stringify(s3.metadata(key))}`;
    assert.doesNotMatch(seen, /Number|INBOX|\{ALIAS\}|ann@example/);
  }
  const nobodys = "example.com/aaa/" + "a".repeat(64);
  s3.objects.set(nobodys, new TextEncoder().encode("not encrypted, and not a body"));
  await using empty = await openEmpty();
  const report = await rebuilt(empty, store.blobs);
  await same(it, empty);
  const owner = report.accounts.find(({ account }) => account === "owner@example.com");
  assert.equal(owner?.needsPassword, false);
  assert.equal(report.ended, undefined);
  assert.deepEqual(report.problems, [{
    account: "aaa@example.com",
    mailbox: "Recovered",
    message: nobodys,
    why: "its body cannot be read: Cannot decrypt an object: no configured key fits",
  }]);
  const credential = await empty.accounts.credential("alias@example.com");
  assert.equal(credential?.passwordHash, "{ALIAS}");
});

Deno.test("what came after the last manifest is placed by what its objects say", async () => {
  await using it = await openFixture();
  const blobs = new MemoryBlobs();
  const server = serverOn(it, blobs);
  await fill(server);
  // WHY without changes of flags: only a manifest knows of those.
  for (let n = 50; n <= 55; n++) {
    await deliver(server, it.inbox, n, { flags: 2, keywords: ["New"] });
  }
  const late = await it.mailboxes.create(it.account, "Made later");
  await deliver(server, late, 60);
  await using empty = await openEmpty();
  const report = await rebuilt(empty, blobs);
  assert.equal(report.accounts[1]?.placed, 7);
  await same(it, empty);
});

Deno.test("a delta that is lost costs what it alone knew, and no message", async () => {
  await using it = await openFixture();
  const blobs = new MemoryBlobs();
  const server = serverOn(it, blobs);
  await fill(server);
  const before = await keysOf(blobs);
  for (let n = 50; n <= 55; n++) await deliver(server, it.inbox, n);
  await write(server);
  const added = (await keysOf(blobs)).filter((key) =>
    !before.includes(key) && key.includes("-delta/")
  );
  assert.equal(added.length, 1);
  await blobs.deleteMany(added);
  await using empty = await openEmpty();
  const report = await rebuilt(empty, blobs);
  assert.equal(report.accounts[1]?.placed, 6);
  await same(it, empty);
});

Deno.test("a bucket without any manifest gives back all mail where it was", async () => {
  await using it = await openFixture();
  const blobs = new MemoryBlobs();
  const server = serverOn(it, blobs);
  const work = await it.mailboxes.create(it.account, "Work");
  for (let n = 1; n <= 10; n++) await deliver(server, n % 2 ? it.inbox : work, n, { flags: n % 8 });
  await deliver(server, work, 11, { described: false });
  const hash = await deliver(server, work, 12);
  const key = (await keysOf(blobs, "")).find((each) => each.endsWith(hash));
  assert.ok(key);
  blobs.get = (asked) =>
    asked === key
      ? Promise.reject(unavailable("bodies", new Error("wrong hash")))
      : MemoryBlobs.prototype.get.call(blobs, asked);
  await using empty = await openEmpty();
  const report = await rebuilt(empty, blobs);
  const account = await accountId(empty);
  const rows = (lines: readonly string[], name: string) =>
    lines.filter((line) => line.startsWith(`${name} |`)).map((line) => line.split(" | ").slice(9));
  const [was, is] = [await contentOf(it.db, it.account), await contentOf(empty.db, account)];
  assert.deepEqual(rows(is, "INBOX"), rows(was, "INBOX"));
  assert.equal(rows(is, "Work").length, 5);
  assert.equal(rows(is, "Recovered").length, 1);
  assert.equal((await empty.mailboxes.find(account, "Work")).uidValidity, work.uidValidity);
  const [problem, ...more] = report.problems;
  assert.deepEqual(more, []);
  assert.equal(problem?.mailbox, "Work");
  assert.equal(problem?.message, "UID 7");
  const [{ placed, recovered, lost } = { placed: 0, recovered: 0, lost: 0 }] = report.accounts;
  assert.deepEqual({ placed, recovered, lost }, { placed: 10, recovered: 1, lost: 1 });
});

Deno.test("a rebuild that was ended is gone on with, and nothing comes twice", async () => {
  await using it = await openFixture();
  const blobs = new MemoryBlobs();
  const server = serverOn(it, blobs);
  await fill(server);
  await deliver(server, it.inbox, 50, { keywords: ["New"] });
  await using empty = await openEmpty();
  const get = MemoryBlobs.prototype.get;
  const exists = MemoryBlobs.prototype.exists;
  const down = () => Promise.reject(unavailable("bodies", new Error("down")));
  let ended = 0;
  for (let budget = 8;; budget += 6) {
    let left = budget;
    blobs.get = (key) => left-- > 0 ? get.call(blobs, key) : down();
    blobs.exists = (key) => left > 0 ? exists.call(blobs, key) : down();
    try {
      await rebuilt(empty, blobs, { jobs: 2 });
      break;
    } catch (error) {
      assert.ok(error instanceof Refused);
      ended++;
    }
    assert.ok(budget < 1000, "it never ends");
    const early = serverOn(empty, blobs);
    assert.deepEqual(
      (await early.manifests.look(0, 0)).due,
      [],
      "nothing is written before it is whole",
    );
  }
  assert.ok(ended >= 3, `it ended early ${ended} times`);
  await same(it, empty);
});

Deno.test("the database that was rebuilt writes manifests that replace those it was made from", async () => {
  await using it = await openFixture();
  const blobs = new MemoryBlobs();
  await fill(serverOn(it, blobs));
  const first = await keysOf(blobs);
  await using second = await openEmpty();
  await rebuilt(second, blobs);
  const again = serverOn(second, blobs);
  const owner = await accountId(second);
  const inbox = await second.mailboxes.find(owner, "INBOX");
  await second.messages.storeFlags(inbox.id, uidSet(1, 2), {
    mode: "add",
    flags: 8,
    keywords: [],
  });
  await second.messages.expunge(inbox.id, uidSet(1, 2));
  await deliver(again, inbox, 70);
  await write(again);
  await write(again);
  assert.deepEqual((await keysOf(blobs)).filter((key) => first.includes(key)), []);
  await using third = await openEmpty();
  const report = await rebuilt(third, blobs);
  await same(second, third);
  assert.deepEqual(report.problems, []);
});

Deno.test("one account alone; a dry run changes nothing; what exists is left alone", async () => {
  await using it = await openFixture();
  const blobs = new MemoryBlobs();
  await fill(serverOn(it, blobs));
  await using empty = await openEmpty();
  const dry = await rebuilt(empty, blobs, { dryRun: true });
  assert.deepEqual(dry.accounts.map(({ restored }) => restored), [0, 38]);
  assert.deepEqual(await empty.accounts.list(), []);
  const one = await rebuilt(empty, blobs, {}, "owner@example.com");
  assert.equal(one.accounts.length, 1);
  assert.deepEqual(one.problems.map(({ mailbox, why }) => [mailbox, why]), [
    ["Work/Ä & B/2026", "friend@example.com had the rights lrs, and is not here"],
  ]);
  const rest = await rebuilt(empty, blobs);
  assert.deepEqual(rest.accounts.map(({ result }) => result), ["restored", "exists"]);
});

Deno.test("what had been expunged comes back only when it is asked for", async () => {
  await using it = await openFixture();
  const blobs = new MemoryBlobs();
  await fill(serverOn(it, blobs));
  await using empty = await openEmpty();
  const report = await rebuilt(empty, blobs, { withExpunged: true });
  assert.equal(report.accounts[1]?.recovered, 2);
  const account = await accountId(empty);
  const recovered = await empty.mailboxes.find(account, "Recovered");
  assert.equal(recovered.messages, 2);
});

Deno.test("mail that was moved between two manifests is where it went", async () => {
  await using it = await openFixture();
  const blobs = new MemoryBlobs();
  const server = serverOn(it, blobs);
  const trash = await it.mailboxes.find(it.account, "Trash");
  for (let n = 1; n <= 3; n++) await deliver(server, it.inbox, n);
  await deliver(server, trash, 4);
  await write(server);
  await it.messages.move(it.inbox.id, uidSet(2), { mailbox: trash.id, account: it.account });
  // The manifest of where it came from is written, that of where it went is not.
  await it.db.write(sql`
    UPDATE manifest_progress SET leased_until = now() + interval '1 hour'
    WHERE mailbox_id = ${trash.id}`);
  await write(server);
  await using empty = await openEmpty();
  const report = await rebuilt(empty, blobs);
  // WHY: when it came there is what only the manifest knows that was not written.
  await it.db.write(sql`UPDATE messages SET saved_at = 'epoch' WHERE mailbox_id = ${trash.id}`);
  await empty.db.write(sql`UPDATE messages SET saved_at = 'epoch'
    WHERE mailbox_id = (SELECT id FROM mailboxes WHERE name = 'Trash')`);
  await same(it, empty);
  assert.equal(report.accounts[0]?.expunged, 0);
  const uid: Uid = (await empty.mailboxes.find(await accountId(empty), "Trash")).uidNext;
  assert.equal(uid, 3);
});

Deno.test("a body of another length than any message is told of, not restored", async () => {
  await using it = await openFixture();
  const blobs = new MemoryBlobs();
  const server = serverOn(it, blobs);
  const hash = await deliver(server, it.inbox, 1);
  await deliver(server, it.inbox, 2);
  await write(server);
  const [key] = (await keysOf(blobs, "")).filter((each) => each.endsWith(hash));
  assert.ok(key);
  await blobs.delete(key);
  await using empty = await openEmpty();
  const report = await rebuilt(empty, blobs);
  assert.deepEqual(report.problems, [{
    account: "owner@example.com",
    mailbox: "INBOX",
    message: "UID 1",
    why: "its body is missing",
  }]);
  const inbox = await empty.mailboxes.find(await accountId(empty), "INBOX");
  assert.deepEqual([inbox.messages, inbox.uidNext, inbox.sizeBytes], [1, 3, textOf(2).length]);
});

Deno.test("an account whose primary address has changed is whole, under its new one", async () => {
  await using it = await openFixture();
  const blobs = new MemoryBlobs();
  const server = serverOn(it, blobs);
  const sent = await it.mailboxes.find(it.account, "Sent");
  await deliver(server, sent, 1);
  for (let n = 2; n <= 5; n++) await deliver(server, it.inbox, n);
  await write(server);
  await it.accounts.addCredential("owner@example.com", {
    address: "new@example.com",
    passwordHash: "{Y}",
  });
  await it.accounts.makePrimary("new@example.com");
  await deliver(server, it.inbox, 6, { owner: "new@example.com" });
  await write(server);
  await deliver(server, it.inbox, 7, { owner: "new@example.com" });
  await using empty = await openEmpty();
  await rebuilt(empty, blobs, {}, "new@example.com");
  assert.deepEqual(
    await contentOf(empty.db, await accountId(empty, "new@example.com")),
    await contentOf(it.db, it.account),
  );
});

Deno.test("a body that was copied from another account is found, if not where it was", async () => {
  await using it = await openFixture();
  const blobs = new MemoryBlobs();
  const server = serverOn(it, blobs);
  const hash = await deliver(server, it.inbox, 1);
  const friend = await it.accounts.create({ address: "friend@example.com", passwordHash: "{F}" });
  await write(server);
  await blobs.copy(
    objectKey("owner@example.com", hash),
    objectKey("friend@example.com", hash),
  );
  await using empty = await openEmpty();
  const report = await rebuilt(empty, blobs);
  assert.deepEqual(report.accounts.map(({ recovered }) => recovered), [1, 0]);
  assert.notEqual(friend.id, it.account);
});

Deno.test("mail that was expunged and has come again is not taken for expunged", async () => {
  await using it = await openFixture();
  const blobs = new MemoryBlobs();
  const server = serverOn(it, blobs);
  await deliver(server, it.inbox, 1);
  await it.messages.storeFlags(it.inbox.id, uidSet(1), { mode: "add", flags: 8, keywords: [] });
  await it.messages.expunge(it.inbox.id, uidSet(1));
  await write(server);
  await deliver(server, await it.mailboxes.find(it.account, "Sent"), 1, { described: false });
  await using empty = await openEmpty();
  const [report] = (await rebuilt(empty, blobs)).accounts;
  assert.deepEqual([report?.restored, report?.expunged], [1, 0]);
});
