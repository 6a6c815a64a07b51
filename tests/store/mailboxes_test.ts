import assert from "node:assert/strict";
import type { Uid } from "../../src/lib/ids.ts";
import { sql } from "../../src/store/database.ts";
import { DEFAULT_MAILBOXES } from "../../src/store/create_mailboxes.ts";
import { MailboxStore } from "../../src/store/mailboxes.ts";
import { EVERY_UID, type Fixture, inconsistencies, openFixture, someMessage } from "./fixture.ts";

async function names(it: Fixture): Promise<string[]> {
  const defaults = new Set(DEFAULT_MAILBOXES.map(([name]) => name));
  const all = await it.mailboxes.list(it.account);
  return all.map(({ name }) => name).filter((name) => !defaults.has(name));
}

Deno.test("a new account has the default mailboxes, subscribed", async () => {
  await using it = await openFixture();
  const all = await it.mailboxes.list(it.account);
  assert.deepEqual(
    all.map(({ name, specialUse }) => [name, specialUse]),
    [...DEFAULT_MAILBOXES].map(([name, use]) => [name, use]).sort((a, b) =>
      (a[0] ?? "").toLowerCase() < (b[0] ?? "").toLowerCase() ? -1 : 1
    ),
  );
  assert.deepEqual(await it.mailboxes.subscriptions(it.account), all.map(({ name }) => name));
});

Deno.test("find() knows names in any case, INBOX as the first level, too", async () => {
  await using it = await openFixture();
  await it.mailboxes.create(it.account, "inbox/Straße");
  for (const name of ["INBOX/Straße", "inBox/STRAße", "Inbox/straße"]) {
    assert.equal((await it.mailboxes.find(it.account, name)).name, "INBOX/Straße", name);
  }
  for (const name of ["nope", "a\0b", "\ud800", "", "INBOX/"]) {
    await assert.rejects(it.mailboxes.find(it.account, name), {
      refusal: { kind: "no-such-mailbox", name },
    });
  }
});

Deno.test("create() makes parents, refuses what exists, keeps the parents' case", async () => {
  await using it = await openFixture();
  await it.mailboxes.create(it.account, "Foo/bar/baz/");
  const deep = await it.mailboxes.create(it.account, "FOO/BAR/qux");
  assert.equal(deep.name, "Foo/bar/qux");
  assert.deepEqual(await names(it), ["Foo", "Foo/bar", "Foo/bar/baz", "Foo/bar/qux"]);
  await assert.rejects(it.mailboxes.create(it.account, "foo/BAR"), {
    refusal: { kind: "mailbox-exists", name: "foo/BAR" },
  });
  await assert.rejects(it.mailboxes.create(it.account, "inbox"), {
    refusal: { kind: "mailbox-exists", name: "INBOX" },
  });
});

Deno.test("create() refuses bad names", async () => {
  await using it = await openFixture();
  const bad = ["", "/", "a//b", "/a", "a/../b", ".", "a\0", "a\nb", "\ud800", "x".repeat(256)];
  bad.push(Array(33).fill("a").join("/"), Array(5).fill("é".repeat(120)).join("/"));
  for (const name of bad) {
    const error = await it.mailboxes.create(it.account, name).catch((thrown) => thrown);
    assert.equal(error.refusal?.kind, "bad-mailbox-name", JSON.stringify(name));
  }
  assert.deepEqual(await names(it), []);
});

Deno.test("create() with a special use: one of the known ones, once", async () => {
  await using it = await openFixture();
  const refused = { refusal: { kind: "bad-special-use", why: "another mailbox has it" } };
  await assert.rejects(it.mailboxes.create(it.account, "S", { specialUse: "\\Sent" }), refused);
  await assert.rejects(it.mailboxes.create(it.account, "S", { specialUse: "\\All" }));
  await it.mailboxes.delete(it.account, "Sent");
  const sent = await it.mailboxes.create(it.account, "S", { specialUse: "\\Sent" });
  assert.equal(sent.specialUse, "\\Sent");
});

Deno.test("parallel create() of one name gives one mailbox", async () => {
  await using it = await openFixture();
  const done = await Promise.allSettled(
    ["a/b/c", "A/B/C", "a/b/d", "A/b/D", "a/b/c"].map((name) =>
      it.mailboxes.create(it.account, name)
    ),
  );
  assert.equal(done.filter(({ status }) => status === "fulfilled").length, 2);
  assert.equal((await names(it)).length, 4);
});

Deno.test("delete() and create() again: the name is free at once, UIDVALIDITY grows", async () => {
  await using it = await openFixture();
  let last = 0;
  for (let round = 0; round < 3; round++) {
    const box = await it.mailboxes.create(it.account, "Again");
    assert.ok(box.uidValidity > last, `${box.uidValidity} after ${last}`);
    last = box.uidValidity;
    await it.messages.append(someMessage(box));
    await it.mailboxes.delete(it.account, "again");
    assert.equal(await it.mailboxes.get(box.id), null);
  }
});

Deno.test("delete() refuses INBOX, and a level that is no mailbox", async () => {
  await using it = await openFixture();
  const { mailboxes, account } = it;
  for (const name of ["a/b", "a0", "INBOX/c"]) await mailboxes.create(account, name);
  await assert.rejects(mailboxes.delete(account, "inbox"), {
    refusal: { kind: "mailbox-protected", name: "INBOX" },
  });
  await mailboxes.delete(account, "A");
  await assert.rejects(mailboxes.delete(account, "A"), {
    refusal: { kind: "mailbox-has-children", name: "a" },
  });
  assert.deepEqual(await names(it), ["a/b", "a0", "INBOX/c"]);
  await mailboxes.delete(account, "a/b");
  for (const name of ["a", "a/b", "a/", "/", "", "b"]) {
    await assert.rejects(mailboxes.delete(account, name), {
      refusal: { kind: "no-such-mailbox", name },
    });
  }
});

Deno.test("delete() leaves those below, and a name that can be used again", async () => {
  await using it = await openFixture();
  const { mailboxes, account } = it;
  const first = await mailboxes.create(account, "Töp");
  const below = await mailboxes.create(account, "Töp/x/y");
  await it.messages.append(someMessage(below));
  await mailboxes.delete(account, "TÖP");
  await mailboxes.delete(account, "Töp/x");
  const kept = await mailboxes.find(account, "töp/X/y");
  assert.deepEqual([kept.id, kept.messages], [below.id, 1]);
  // What comes below has the spelling of the levels, and does not bring them back.
  await mailboxes.create(account, "tÖp/X/z");
  assert.deepEqual(await names(it), ["Töp/x/y", "Töp/x/z"]);
  await mailboxes.rename(account, "sent", "TÖP/X/Sent");
  const again = await mailboxes.create(account, "TÖP");
  assert.equal(again.name, "Töp");
  assert.ok(again.uidValidity > first.uidValidity);
  assert.deepEqual(await names(it), ["Töp", "Töp/x/Sent", "Töp/x/y", "Töp/x/z"]);
});

Deno.test("rename() of a level that is no mailbox, and onto one", async () => {
  await using it = await openFixture();
  const { mailboxes, account } = it;
  for (const name of ["a/x/1", "a/x/2", "b/X/3", "c"]) await mailboxes.create(account, name);
  await mailboxes.subscribe(account, "a/x/1");
  await mailboxes.subscribe(account, "a/x");
  for (const name of ["a/x", "b/X", "a"]) await mailboxes.delete(account, name);
  assert.deepEqual(await mailboxes.rename(account, "A", "d"), {
    name: "d",
    isMailbox: false,
    changed: [],
  });
  assert.deepEqual(await names(it), ["b", "b/X/3", "c", "d/x/1", "d/x/2"]);
  assert.deepEqual((await mailboxes.subscriptions(account)).filter((name) => /^d\//.test(name)), [
    "d/x",
    "d/x/1",
  ]);
  await assert.rejects(mailboxes.rename(account, "d", "d/x"), {
    refusal: { kind: "bad-mailbox-name", why: "inside of what is renamed" },
  });
  await mailboxes.create(account, "e/x/2");
  await assert.rejects(mailboxes.rename(account, "e", "D"), {
    refusal: { kind: "mailbox-exists", name: "d/x/2" },
  });
  await mailboxes.rename(account, "e/x/2", "e/x/4");
  await mailboxes.rename(account, "e", "D");
  await mailboxes.rename(account, "c", "B/x");
  assert.deepEqual(await names(it), ["b", "b/X", "b/X/3", "d", "d/x", "d/x/1", "d/x/2", "d/x/4"]);
  // The letter case alone, of both kinds.
  await mailboxes.delete(account, "d");
  await mailboxes.rename(account, "d", "D");
  await mailboxes.rename(account, "B/x", "b/x");
  assert.deepEqual(await names(it), ["b", "b/x", "b/x/3", "D/x", "D/x/1", "D/x/2", "D/x/4"]);
});

Deno.test("rename() takes the subtree and its subscriptions, not its prefix siblings", async () => {
  await using it = await openFixture();
  const { mailboxes, account } = it;
  for (const name of ["a_b/x/y", "a_bc", "axb/x", "a_b c", "a%/q"]) {
    await mailboxes.create(account, name);
  }
  await mailboxes.subscribe(account, "a_b/x/y");
  await mailboxes.subscribe(account, "a_b/missing");
  await mailboxes.subscribe(account, "a_bc");
  const box = await mailboxes.find(account, "a_b/x/y");
  const { uid } = await it.messages.append(someMessage(box));
  await mailboxes.rename(account, "A_B", "New/Place");
  assert.deepEqual(await names(it), [
    "a%",
    "a%/q",
    "a_b c",
    "a_bc",
    "axb",
    "axb/x",
    "New",
    "New/Place",
    "New/Place/x",
    "New/Place/x/y",
  ]);
  const moved = await mailboxes.find(account, "New/Place/x/y");
  assert.deepEqual([moved.id, moved.uidValidity], [box.id, box.uidValidity]);
  assert.deepEqual([...(await it.messages.uids(moved.id)).uids], [uid]);
  const subscribed = await mailboxes.subscriptions(account);
  assert.deepEqual(subscribed.filter((name) => /place|a_b/i.test(name)), [
    "a_bc",
    "New/Place/missing",
    "New/Place/x/y",
  ]);
});

Deno.test("rename() of letter case alone, into itself, onto another, of nothing", async () => {
  await using it = await openFixture();
  const { mailboxes, account } = it;
  await mailboxes.create(account, "foo/bar");
  const before = await mailboxes.find(account, "foo/bar");
  await mailboxes.subscribe(account, "foo/bar");
  await mailboxes.rename(account, "foo", "FOO");
  assert.deepEqual(await names(it), ["FOO", "FOO/bar"]);
  assert.ok((await mailboxes.subscriptions(account)).includes("FOO/bar"));
  assert.equal((await mailboxes.find(account, "foo/bar")).uidValidity, before.uidValidity);
  await assert.rejects(mailboxes.rename(account, "foo", "foo/bar/baz"), {
    refusal: { kind: "bad-mailbox-name", why: "inside of what is renamed" },
  });
  for (const to of ["FOO", "sent", "INBOX"]) {
    const error = await mailboxes.rename(account, "foo", to).catch((thrown) => thrown);
    assert.equal(error.refusal?.kind, "mailbox-exists", to);
  }
  await assert.rejects(mailboxes.rename(account, "nothing", "x"), {
    refusal: { kind: "no-such-mailbox", name: "nothing" },
  });
  await mailboxes.rename(account, "foo", "food");
  assert.deepEqual(await names(it), ["food", "food/bar"]);
});

Deno.test("rename() onto a name that was used before never lowers its UIDVALIDITY", async () => {
  await using it = await openFixture();
  const { mailboxes, account } = it;
  const old = await mailboxes.create(account, "old");
  let used = await mailboxes.create(account, "used");
  for (let round = 0; round < 3; round++) {
    await mailboxes.delete(account, "used");
    used = await mailboxes.create(account, "used");
  }
  await mailboxes.delete(account, "used");
  assert.ok(used.uidValidity > old.uidValidity);
  await mailboxes.rename(account, "old", "used");
  const now = await mailboxes.find(account, "used");
  assert.equal(now.id, old.id);
  assert.ok(now.uidValidity > used.uidValidity);
  await mailboxes.rename(account, "used", "elsewhere");
  await mailboxes.rename(account, "elsewhere", "used");
  assert.equal((await mailboxes.find(account, "used")).uidValidity, now.uidValidity);
});

Deno.test("rename() of INBOX moves its messages and leaves it empty", async () => {
  await using it = await openFixture();
  const { mailboxes, account, inbox } = it;
  await mailboxes.create(account, "INBOX/kept");
  for (let n = 0; n < 5; n++) {
    await it.messages.append(someMessage(inbox, { flags: n % 2, keywords: ["$Work"] }));
  }
  const since = (await it.messages.uids(inbox.id)).modseq;
  await mailboxes.rename(account, "inbox", "Old/Mail");
  const target = await mailboxes.find(account, "old/mail");
  const source = await mailboxes.find(account, "INBOX");
  assert.deepEqual([source.id, source.messages, source.unseen, source.sizeBytes], [
    inbox.id,
    0,
    0,
    0,
  ]);
  assert.deepEqual([target.messages, target.unseen, target.uidNext], [5, 3, 6]);
  assert.deepEqual(target.keywords, ["$Work"]);
  assert.deepEqual(await names(it), ["INBOX/kept", "Old", "Old/Mail"]);
  const gone = await it.messages.changes(inbox.id, since, 100);
  assert.deepEqual(
    gone.map(({ uid, expunged }) => [uid, expunged]),
    [1, 2, 3, 4, 5].map((uid) => [
      uid,
      true,
    ]),
  );
  const rows = await it.messages.rows(target.id, EVERY_UID, { envelope: true });
  assert.deepEqual(rows.map(({ flags, keywords }) => [flags, keywords[0]]), [
    [0, "$Work"],
    [1, "$Work"],
    [0, "$Work"],
    [1, "$Work"],
    [0, "$Work"],
  ]);
  for (const id of [source.id, target.id]) {
    assert.deepEqual(await inconsistencies(it.db, id), []);
  }
  const { uid } = await it.messages.append(someMessage(inbox));
  assert.equal(uid, 6);
});

Deno.test("subscriptions are names: of any case once, also of no mailbox", async () => {
  await using it = await openFixture();
  const { mailboxes, account } = it;
  await mailboxes.subscribe(account, "SENT");
  await mailboxes.subscribe(account, "Ghost/a/");
  await mailboxes.subscribe(account, "ghost/A");
  await mailboxes.unsubscribe(account, "junk");
  await mailboxes.unsubscribe(account, "never\0");
  assert.deepEqual(await mailboxes.subscriptions(account), [
    "Archive",
    "Drafts",
    "Ghost/a",
    "INBOX",
    "Sent",
    "Trash",
  ]);
});

Deno.test("an account has a bounded number of mailboxes and of subscriptions", async () => {
  await using it = await openFixture();
  const { mailboxes, account, db } = it;
  await db.write(sql`
    INSERT INTO mailboxes (account_id, name, name_key, uid_validity)
    SELECT ${account}, 'n' || n, 'n' || n, 1 FROM generate_series(1, ${9_993}::int) AS n`);
  await db.write(sql`
    INSERT INTO subscriptions (account_id, name, name_key)
    SELECT ${account}, 'n' || n, 'n' || n FROM generate_series(1, ${9_993}::int) AS n`);
  const refused = { refusal: { kind: "too-many-mailboxes", limit: 10_000 } };
  await assert.rejects(mailboxes.create(account, "a/b"), refused);
  await assert.rejects(mailboxes.rename(account, "n1", "a/b/c"), refused);
  await mailboxes.create(account, "last");
  await assert.rejects(mailboxes.create(account, "more"), refused);
  await assert.rejects(mailboxes.rename(account, "INBOX", "more"), refused);
  await mailboxes.rename(account, "last", "other");
  await mailboxes.subscribe(account, "last");
  await assert.rejects(mailboxes.subscribe(account, "more"), refused);
  await mailboxes.unsubscribe(account, "n1");
  await mailboxes.delete(account, "n1");
  await mailboxes.create(account, "more");
  await mailboxes.subscribe(account, "more");
});

Deno.test("claimRecent() only goes up; modseqs() leaves out what is gone", async () => {
  await using it = await openFixture();
  const { mailboxes, account, inbox } = it;
  mailboxes.claimRecent(inbox.id, 5 as Uid);
  mailboxes.claimRecent(inbox.id, 3 as Uid);
  assert.equal((await mailboxes.get(inbox.id))?.recentUid, 5, "known here at once");
  const elsewhere = new MailboxStore(it.db, it.notices);
  while ((await elsewhere.get(inbox.id))?.recentUid !== 5); // and to others a moment later
  const box = await mailboxes.create(account, "x");
  await mailboxes.delete(account, "x");
  assert.deepEqual([...(await mailboxes.modseqs([inbox.id, box.id])).keys()], [inbox.id]);
});
