import assert from "node:assert/strict";
import type { Uid } from "../../src/lib/ids.ts";
import { sql } from "../../src/store/database.ts";
import { MailboxHistory } from "../../src/store/mailbox_history.ts";
import { FLAG } from "../../src/store/messages.ts";
import { type DeletedFilter, type DeletedMessage, RestoreStore } from "../../src/store/restore.ts";
import {
  EVERY_UID,
  type Fixture,
  hashOf,
  inconsistencies,
  openFixture,
  someFacts,
  someMessage,
  uidSet,
} from "./fixture.ts";

const EVERYTHING = { limit: 1000 };

interface Restoring extends Fixture {
  readonly restore: RestoreStore;
  readonly history: MailboxHistory;
  list(filter?: DeletedFilter): Promise<DeletedMessage[]>;
}

async function openRestoring(): Promise<Restoring> {
  const it = await openFixture();
  const restore = new RestoreStore(it.db, it.notices);
  return {
    ...it,
    restore,
    history: new MailboxHistory(it.db),
    list: async (
      filter = {},
    ) => [...(await restore.deleted(it.account, { filter, ...EVERYTHING })).messages],
  };
}

/** Adds messages and expunges them, each in a transaction of its own. */
async function expunged(it: Restoring, subjects: readonly string[]): Promise<void> {
  for (const [at, subject] of subjects.entries()) {
    const { uid } = await it.messages.append(someMessage(it.inbox, {
      facts: someFacts({ subject, sizeBytes: 100 + at }),
      flags: FLAG.flagged | FLAG.deleted,
      keywords: ["$Label", `k${at}`],
    }));
    await it.messages.expunge(it.inbox.id, uidSet(uid));
  }
}

Deno.test("expunged messages are listed, the last one first, in pages", async () => {
  await using it = await openRestoring();
  await expunged(it, ["one", "two", "three"]);
  await it.messages.append(someMessage(it.inbox));
  const all = await it.list();
  assert.deepEqual(all.map(({ subject, uid }) => [subject, uid]), [
    ["THREE", 3],
    ["TWO", 2],
    ["ONE", 1],
  ]);
  assert.ok(
    all.every(({ mailboxName, isMailboxDeleted }) => mailboxName === "INBOX" && !isMailboxDeleted),
  );
  const first = await it.restore.deleted(it.account, { filter: {}, limit: 2 });
  assert.equal(first.messages.length, 2);
  const second = await it.restore.deleted(it.account, {
    filter: {},
    limit: 2,
    after: first.next,
  });
  assert.deepEqual(second.messages.map(({ uid }) => uid), [1]);
  assert.equal(second.next, null);
  assert.deepEqual(await it.list({ mailbox: "Trash" }), []);
  assert.equal((await it.list({ mailbox: "inbox" })).length, 3);
  const [, middle] = all;
  assert.ok(middle);
  const since = new Date(middle.deletedAt.getTime());
  assert.equal((await it.list({ until: since })).length, 1);
  assert.ok((await it.list({ since })).length >= 2);
  assert.equal((await it.list({ ids: [middle] })).length, 1);
});

Deno.test("restore() gives new UIDs, flags and keywords, counts and a notice", async () => {
  await using it = await openRestoring();
  const { inbox, messages, db, account } = it;
  await messages.append(someMessage(inbox, { keywords: ["$LABEL"] }));
  await expunged(it, ["one", "two"]);
  const told: (number | null)[] = [];
  const stop = it.notices.on(inbox.id, (modseq) => told.push(modseq));
  const restored = await it.restore.restore(account, await it.list(), inbox.id);
  stop();
  assert.deepEqual(restored.map(({ from, uid }) => [from.uid, uid]), [[2, 4], [3, 5]]);
  const states = await messages.states(inbox.id, EVERY_UID);
  assert.deepEqual(states.map(({ uid, flags, keywords }) => [uid, flags, keywords]), [
    [1, 0, ["$LABEL"]],
    [4, FLAG.flagged, ["$LABEL", "k0"]],
    [5, FLAG.flagged, ["$LABEL", "k1"]],
  ]);
  assert.deepEqual(told, [states[1]?.modseq]);
  assert.deepEqual(await inconsistencies(db, inbox.id), []);
  assert.deepEqual(await it.list(), []);
  assert.deepEqual(
    await it.restore.restore(account, [{ mailbox: inbox.id, uid: 2 as Uid }], inbox.id),
    [],
  );
  const [quota] = await db.query<{ used: number }>(sql`SELECT storage_used AS used FROM quotas`);
  assert.equal(quota?.used, 1000 + 100 + 101);
  const changes = await messages.changes(inbox.id, 1 as never, 100);
  assert.deepEqual(
    changes.filter(({ expunged }) => expunged).map(({ uid }) => uid),
    [2, 3],
    "the old UIDs stay expunged",
  );
});

Deno.test("restore() respects the quota, all or none", async () => {
  await using it = await openRestoring();
  await expunged(it, ["one", "two"]);
  await it.db.write(sql`UPDATE quotas SET storage_limit = 150`);
  const ids = await it.list();
  await assert.rejects(it.restore.restore(it.account, ids, it.inbox.id), /over-quota/);
  assert.equal((await it.list()).length, 2);
  assert.equal((await it.restore.restore(it.account, ids.slice(1), it.inbox.id)).length, 1);
});

Deno.test("what stands in a deleted mailbox can be restored; what is being purged cannot", async () => {
  await using it = await openRestoring();
  const { mailboxes, account, messages, db } = it;
  const box = await mailboxes.create(account, "Projects");
  for (let i = 0; i < 3; i++) {
    await messages.append(someMessage(box, { flags: i === 0 ? FLAG.deleted | FLAG.seen : 0 }));
  }
  await messages.expunge(box.id, null);
  await mailboxes.delete(account, "Projects");
  const listed = await it.list();
  assert.deepEqual(listed.map(({ uid }) => uid).sort(), [1, 2, 3]);
  assert.ok(listed.every(({ isMailboxDeleted }) => isMailboxDeleted));
  const again = await mailboxes.create(account, "Projects");
  const some = listed.filter(({ uid }) => uid < 3);
  assert.equal((await it.restore.restore(account, some, again.id)).length, 2);
  assert.deepEqual(await inconsistencies(db, again.id), []);
  assert.deepEqual((await it.list()).map(({ uid }) => uid), [3]);
  await db.write(sql`UPDATE mailboxes SET purging = true WHERE id = ${box.id}`);
  assert.deepEqual(await it.list(), []);
  assert.deepEqual(await it.restore.restore(account, listed, again.id), []);
});

Deno.test("nobody restores what is another account's", async () => {
  await using it = await openRestoring();
  const bob = await it.accounts.create({ address: "bob@example.com", passwordHash: "{X}" });
  const theirs = await it.mailboxes.find(bob.id, "INBOX");
  await expunged(it, ["mine"]);
  const ids = await it.list();
  assert.deepEqual(await it.restore.restore(bob.id, ids, theirs.id), []);
  await assert.rejects(it.restore.restore(it.account, ids, theirs.id), /no-such-mailbox/);
  assert.deepEqual(await it.restore.copy(bob.id, ids, theirs.id), []);
});

/** Everything so far was an hour ago. */
async function anHourPasses({ db }: Fixture): Promise<void> {
  const hour = sql`interval '1 hour'`;
  await db.write(sql`UPDATE messages SET saved_at = saved_at - ${hour}`);
  await db.write(sql`
    UPDATE expunged_messages SET saved_at = saved_at - ${hour}, expunged_at = expunged_at - ${hour}`);
  await db.write(sql`
    UPDATE mailboxes SET created_at = created_at - ${hour}, deleted_at = deleted_at - ${hour}`);
}

const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000);

Deno.test("MailboxHistory tells what a mailbox held, wherever it has gone since", async () => {
  await using it = await openRestoring();
  const { inbox, messages, mailboxes, account, history } = it;
  const trash = await mailboxes.find(account, "Trash");
  const to = (mailbox: typeof trash) => ({ mailbox: mailbox.id, account });
  const add = (subject: string) =>
    messages.append(someMessage(inbox, {
      hash: hashOf(subject),
      objectKey: `example.com/owner/${hashOf(subject)}`,
      facts: someFacts({ subject }),
    }));
  const gone = { mode: "add", flags: FLAG.deleted, keywords: [] } as const;
  for (const subject of ["stays", "expunged", "moved", "moved and expunged", "moved back"]) {
    await add(subject);
  }
  await anHourPasses(it);
  await add("came later");
  await messages.storeFlags(inbox.id, uidSet(2), gone);
  await messages.expunge(inbox.id, null);
  await messages.move(inbox.id, uidSet(3, 4, 5), to(trash));
  await anHourPasses(it);
  await messages.storeFlags(trash.id, uidSet(2), gone);
  await messages.expunge(trash.id, null);
  await messages.move(trash.id, uidSet(3), to(inbox));
  const then = await history.find(account, "Inbox", ago(1.5));
  assert.deepEqual([then.mailboxes, then.lost], [[inbox.id], 0]);
  const held = async (at: Date, box = inbox) =>
    (await history.held(box.id, { at, after: 0, limit: 100 })).messages.map((
      { then: { uid }, subject, mailboxName, isDeleted },
    ) => [uid, subject, mailboxName, isDeleted]);
  assert.deepEqual(await held(ago(1.5)), [
    [1, "STAYS", "INBOX", false],
    [2, "EXPUNGED", "INBOX", true],
    [3, "MOVED", "Trash", false],
    [4, "MOVED AND EXPUNGED", "Trash", true],
    [5, "MOVED BACK", "INBOX", false],
  ]);
  assert.deepEqual(await held(ago(0.5)), [
    [1, "STAYS", "INBOX", false],
    [6, "CAME LATER", "INBOX", false],
  ]);
  assert.deepEqual((await held(ago(0.5), trash)).map(([uid]) => uid), [1, 2, 3]);
  assert.deepEqual((await held(new Date())).map(([, subject]) => subject), [
    "STAYS",
    "CAME LATER",
    "MOVED BACK",
  ]);
  assert.deepEqual(await held(ago(3)), []);
  const page = await history.held(inbox.id, { at: ago(1.5), after: 2 as Uid, limit: 2 });
  assert.deepEqual(page.messages.map(({ then: { uid } }) => uid), [3, 4]);
  assert.equal(page.next, 4);

  const target = await mailboxes.create(account, "As it was");
  const { messages: all } = await history.held(inbox.id, { at: ago(1.5), after: 0, limit: 100 });
  const copied = await it.restore.copy(account, all.map(({ now }) => now), target.id);
  assert.deepEqual(copied.map(({ uid }) => uid), [1, 2, 3, 4, 5]);
  const rows = await messages.rows(target.id, EVERY_UID, { header: true });
  assert.deepEqual(
    rows.map(({ hash, flags }) => [hash, flags]),
    ["stays", "expunged", "moved", "moved and expunged", "moved back"].map((s) => [hashOf(s), 0]),
  );
  for (const box of [inbox, trash, target]) {
    assert.deepEqual(await inconsistencies(it.db, box.id), []);
  }
  assert.equal((await it.list()).length, 2, "a copy takes nothing away");
});

Deno.test("MailboxHistory finds a deleted mailbox by its name, and says what is lost", async () => {
  await using it = await openRestoring();
  const { mailboxes, account, messages, db, history } = it;
  const box = await mailboxes.create(account, "Old");
  for (let i = 0; i < 3; i++) await messages.append(someMessage(box, { flags: FLAG.deleted }));
  await anHourPasses(it);
  await messages.expunge(box.id, uidSet(2));
  await db.write(sql`DELETE FROM messages WHERE mailbox_id = ${box.id} AND uid = 2`);
  await db.write(sql`UPDATE expunged_messages SET moved = true`);
  await mailboxes.delete(account, "Old");
  const again = await mailboxes.create(account, "old");
  const then = await history.find(account, "OLD", ago(0.5));
  assert.deepEqual([then.mailboxes, then.lost], [[box.id], 1]);
  const { messages: held } = await history.held(box.id, { at: ago(0.5), after: 0, limit: 10 });
  assert.deepEqual(held.map(({ then: { uid }, isDeleted }) => [uid, isDeleted]), [
    [1, true],
    [3, true],
  ]);
  assert.deepEqual((await history.find(account, "old", new Date(Date.now() + 1000))).mailboxes, [
    again.id,
  ]);
  assert.deepEqual((await history.find(account, "old", ago(30))).mailboxes, []);
  const copied = await it.restore.copy(account, held.map(({ now }) => now), again.id);
  assert.deepEqual(copied.map(({ uid }) => uid), [1, 2]);
  assert.deepEqual(await inconsistencies(db, again.id), []);
});
