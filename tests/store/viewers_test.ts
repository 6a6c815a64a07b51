import assert from "node:assert/strict";
import type { Modseq, Uid } from "../../src/lib/ids.ts";
import { sql } from "../../src/store/database.ts";
import { FLAG, type MessageStore } from "../../src/store/messages.ts";
import {
  EVERY_UID,
  type Fixture,
  inconsistencies,
  openFixture,
  someMessage,
  uidSet,
} from "./fixture.ts";

const SEEN = { mode: "add", flags: FLAG.seen, keywords: [] } as const;
const UNSEEN = { mode: "remove", flags: FLAG.seen, keywords: [] } as const;

interface Shared extends Fixture {
  readonly bob: MessageStore;
  readonly bobId: number;
}

/** An INBOX of five messages, the first of them seen by its owner, and Bob, who views it. */
async function openShared(): Promise<Shared> {
  const it = await openFixture();
  const { id } = await it.accounts.create({ address: "bob@example.com", passwordHash: "{X}" });
  for (let i = 0; i < 5; i++) {
    await it.messages.append(someMessage(it.inbox, { flags: i === 0 ? FLAG.seen : 0 }));
  }
  return { ...it, bob: it.messages.viewedBy(id), bobId: id };
}

/** The counter of what Bob has seen is the number of his rows, all of live messages. */
async function checkViewer({ db, inbox, bobId }: Shared): Promise<void> {
  const [row] = await db.query<{ counted: number; rows: number; dead: number }>(sql`
    SELECT coalesce((SELECT seen FROM viewers
        WHERE mailbox_id = ${inbox.id} AND account_id = ${bobId}), 0) AS counted,
      count(*) FILTER (WHERE seen) AS rows, count(*) FILTER (WHERE state.uid IS NULL) AS dead
    FROM seen_states AS mine LEFT JOIN message_state AS state USING (mailbox_id, uid)
    WHERE mailbox_id = ${inbox.id} AND account_id = ${bobId}`);
  assert.equal(row?.counted, row?.rows);
  assert.equal(row?.dead, 0);
  assert.deepEqual(await inconsistencies(db, inbox.id), []);
}

const seenUids = async (store: MessageStore, it: Shared) =>
  (await store.states(it.inbox.id, EVERY_UID)).filter(({ flags }) => flags & FLAG.seen)
    .map(({ uid }) => uid);

Deno.test("a viewer has \\Seen of their own, and shares all other flags", async () => {
  await using it = await openShared();
  const { inbox, messages, bob } = it;
  assert.deepEqual(await seenUids(messages, it), [1]);
  assert.deepEqual(await seenUids(bob, it), []);
  assert.equal(await bob.firstUnseen(inbox.id), 1);
  const change = { mode: "add", flags: FLAG.seen | FLAG.flagged, keywords: ["$Label"] } as const;
  const stored = await bob.storeFlags(inbox.id, uidSet(1, 2, 3), change);
  assert.deepEqual(
    stored.stored.map(({ uid, flags }) => [uid, flags]),
    [1, 2, 3].map((uid) => [
      uid,
      FLAG.seen | FLAG.flagged,
    ]),
  );
  assert.deepEqual(await seenUids(messages, it), [1]);
  assert.deepEqual(await seenUids(bob, it), [1, 2, 3]);
  assert.equal(await messages.firstUnseen(inbox.id), 2);
  assert.equal(await bob.firstUnseen(inbox.id), 4);
  const [, second] = await messages.states(inbox.id, EVERY_UID);
  assert.deepEqual([second?.flags, second?.keywords], [FLAG.flagged, ["$Label"]]);
  await checkViewer(it);
});

Deno.test("only the viewer hears of a change of their \\Seen, at a new MODSEQ", async () => {
  await using it = await openShared();
  const { inbox, messages, bob } = it;
  const told: (Modseq | null)[] = [];
  it.notices.on(inbox.id, (modseq) => told.push(modseq));
  const { modseq: since } = await bob.uids(inbox.id);
  const { modseq, stored } = await bob.storeFlags(inbox.id, uidSet(2, 4), SEEN);
  assert.equal(modseq, since + 1);
  assert.deepEqual(told, [modseq]);
  assert.ok(stored.every((state) => state.modseq === modseq && state.previousModseq < modseq));
  const changes = await bob.changes(inbox.id, since, 100);
  assert.deepEqual(changes.map(({ uid, flags, modseq }) => [uid, flags, modseq]), [
    [2, FLAG.seen, modseq],
    [4, FLAG.seen, modseq],
  ]);
  assert.deepEqual(await messages.changes(inbox.id, since, 100), []);
  assert.deepEqual(
    (await bob.changedSince(inbox.id, { uids: uidSet(1, 4), since })).map(({ uid }) => uid),
    [4],
  );
  assert.deepEqual(await messages.changedSince(inbox.id, { uids: EVERY_UID, since }), []);
  // Again is no change.
  assert.equal((await bob.storeFlags(inbox.id, uidSet(2, 4), SEEN)).modseq, modseq);
  const removed = await bob.storeFlags(inbox.id, uidSet(2), UNSEEN);
  assert.deepEqual(
    (await bob.changes(inbox.id, modseq, 100)).map(({ uid, flags }) => [uid, flags]),
    [
      [2, 0],
    ],
  );
  assert.equal(removed.modseq, modseq + 1);
  await checkViewer(it);
});

Deno.test("changes() of a viewer are complete in pages of any size", async () => {
  await using it = await openShared();
  const { inbox, messages, bob } = it;
  for (let i = 0; i < 30; i++) await messages.append(someMessage(inbox));
  const { modseq: since } = await bob.uids(inbox.id);
  const random = (n: number, i: number) => (i * 7919 + 13) % n;
  for (let i = 0; i < 60; i++) {
    const uids = uidSet(...[1 + random(35, i), 1 + random(35, i + 1)].sort((a, b) => a - b));
    const store = i % 3 === 0 ? messages : bob;
    const flags = i % 2 === 0 ? FLAG.seen : FLAG.flagged;
    await store.storeFlags(inbox.id, uids, {
      mode: i % 5 === 0 ? "remove" : "add",
      flags,
      keywords: [],
    });
  }
  const whole = (await bob.states(inbox.id, EVERY_UID)).filter(({ modseq }) => modseq > since);
  for (const limit of [1, 2, 3, 7, 1000]) {
    const latest = new Map<Uid, readonly [number, Modseq]>();
    for (let at = since;;) {
      const page = await bob.changes(inbox.id, at, limit);
      const last = page.at(-1);
      if (!last) break;
      for (const { uid, flags, modseq } of page) {
        assert.ok(modseq > at);
        assert.ok(!latest.has(uid), "each message once, at its last change");
        latest.set(uid, [flags, modseq]);
      }
      at = last.modseq;
    }
    assert.deepEqual(
      [...latest].sort(([a], [b]) => a - b),
      whole.map(({ uid, flags, modseq }) => [uid, [flags, modseq]]),
    );
  }
});

Deno.test("UNCHANGEDSINCE, SEARCH and rows go by what the viewer sees", async () => {
  await using it = await openShared();
  const { inbox, messages, bob } = it;
  const { modseq } = await bob.storeFlags(inbox.id, uidSet(3), SEEN);
  const late = await bob.storeFlags(inbox.id, uidSet(2, 3), {
    mode: "add",
    flags: FLAG.flagged,
    keywords: [],
    unchangedSince: modseq - 1,
  });
  assert.deepEqual([late.stored.map(({ uid }) => uid), late.modified], [[2], [3]]);
  const found = await bob.search(inbox.id, { flagsSet: FLAG.seen });
  assert.deepEqual(found.uids, [3]);
  const clear = await bob.search(inbox.id, {
    all: [{ flagsClear: FLAG.seen }, { smaller: 1_000_000 }],
  });
  assert.deepEqual(clear.uids, [1, 2, 4, 5]);
  assert.deepEqual((await messages.search(inbox.id, { flagsSet: FLAG.seen })).uids, [1]);
  const rows = await bob.rows(inbox.id, EVERY_UID, { header: true });
  assert.deepEqual(rows.map(({ flags }) => flags & FLAG.seen), [0, 0, 1, 0, 0]);
});

Deno.test("what is expunged, moved away or deleted leaves no \\Seen behind", async () => {
  await using it = await openShared();
  const { inbox, messages, mailboxes, bob } = it;
  await bob.storeFlags(inbox.id, EVERY_UID, SEEN);
  await bob.storeFlags(inbox.id, uidSet(5), UNSEEN);
  await messages.storeFlags(inbox.id, uidSet(1, 5), {
    mode: "add",
    flags: FLAG.deleted,
    keywords: [],
  });
  await bob.expunge(inbox.id, null);
  await checkViewer(it);
  const away = await mailboxes.create(it.account, "away");
  await messages.move(inbox.id, uidSet(2), { mailbox: away.id, account: it.account });
  await checkViewer(it);
  assert.deepEqual(await seenUids(bob, it), [3, 4]);
  await messages.move(inbox.id, uidSet(3), { mailbox: inbox.id, account: it.account });
  await checkViewer(it);
});

Deno.test("append() and copy() by a viewer set the viewer's \\Seen, not the owner's", async () => {
  await using it = await openShared();
  const { inbox, messages, bob, mailboxes, account, bobId } = it;
  const [, six] = await bob.appendAll([
    someMessage(inbox),
    someMessage(inbox, { flags: FLAG.seen | FLAG.draft }),
  ]);
  assert.equal(six?.uid, 7);
  assert.deepEqual(await seenUids(bob, it), [7]);
  assert.deepEqual(await seenUids(messages, it), [1]);
  // Within the owner's mailboxes it stays what it was to the owner.
  const other = await mailboxes.create(account, "other");
  const by = { mailbox: other.id, account, by: bobId as typeof account };
  await bob.copy(inbox.id, uidSet(1, 7), by);
  const flags = async (store: MessageStore) =>
    (await store.states(other.id, EVERY_UID)).map(({ flags }) => flags);
  assert.deepEqual(await flags(messages), [FLAG.seen, FLAG.draft]);
  assert.deepEqual(await flags(bob), [0, FLAG.seen | FLAG.draft]);
  await bob.move(inbox.id, uidSet(1, 7), { ...by, within: { flags: 0, keywords: false } });
  assert.deepEqual((await flags(messages)).slice(2), [FLAG.seen, 0]);
  assert.deepEqual((await flags(bob)).slice(2), [0, 0]);
  // To Bob's own mailbox goes what Bob has seen; from there it is new to the owner.
  const mine = await mailboxes.find(bobId as typeof account, "INBOX");
  const bodies = "example.com/bob/";
  await bob.storeFlags(inbox.id, uidSet(2), SEEN);
  const home = { mailbox: mine.id, account: mine.accountId, by: mine.accountId, bodies };
  await bob.copy(inbox.id, uidSet(2, 3), home);
  const arrived = await messages.rows(mine.id, EVERY_UID, {});
  assert.deepEqual(arrived.map(({ flags }) => flags), [FLAG.seen, 0]);
  assert.ok(arrived.every(({ objectKey }) => objectKey.startsWith(bodies)));
  await bob.move(mine.id, EVERY_UID, { ...by, bodies: "example.com/owner/" });
  assert.deepEqual((await flags(messages)).slice(4), [0, 0]);
  assert.deepEqual((await flags(bob)).slice(4), [FLAG.seen, 0]);
  assert.deepEqual(await inconsistencies(it.db, mine.id), []);
  await checkViewer(it);
});
