import assert from "node:assert/strict";
import type { Modseq } from "../../src/lib/ids.ts";
import { Refused } from "../../src/lib/refused.ts";
import { FLAG } from "../../src/store/flags.ts";
import {
  EVERY_UID,
  hashOf,
  inconsistencies,
  openFixture,
  someFacts,
  someMessage,
  uidSet,
} from "./fixture.ts";

Deno.test("append() gives ascending UIDs, exact counters and every fact back", async () => {
  await using it = await openFixture();
  const { inbox, messages, mailboxes } = it;
  const facts = someFacts({
    envelope: '("\xe9\\"" NIL)',
    references: ["<a@x>", "<b@x>"],
    subject: "Grüße 😀 'x' \\ {,} \"q\"",
    header: Uint8Array.of(0, 1, 255, 92, 39),
  });
  const first = await messages.append(someMessage(inbox, { facts, flags: FLAG.seen }));
  const second = await messages.append(someMessage(inbox, { flags: FLAG.draft | 1024 }));
  assert.deepEqual([first.uid, second.uid], [1, 2]);
  assert.equal(first.duplicate, false);
  assert.equal(first.uidValidity, inbox.uidValidity);
  assert.ok(second.modseq > first.modseq);
  const want = { header: true, envelope: true, bodyStructure: true, structure: true };
  const [row, other] = await messages.rows(inbox.id, EVERY_UID, want);
  assert.ok(row && other);
  assert.deepEqual(new Uint8Array(row.header ?? []), facts.header);
  assert.equal(row.envelope, facts.envelope);
  assert.equal(row.structure, "{}");
  assert.equal(row.hash, hashOf("body"));
  assert.equal(row.objectKey, `example.com/owner/${hashOf("body")}`);
  assert.equal(row.internalDate.toISOString(), "2026-01-02T03:04:05.000Z");
  assert.ok(Math.abs(row.savedAt.getTime() - Date.now()) < 600_000);
  assert.equal(other.flags, FLAG.draft);
  const now = await mailboxes.get(inbox.id);
  assert.deepEqual([now?.messages, now?.unseen, now?.sizeBytes, now?.uidNext], [2, 1, 2000, 3]);
  assert.equal(now?.highestModseq, second.modseq);
  assert.deepEqual(await inconsistencies(it.db, inbox.id), []);
});

Deno.test("rowPieces() never holds many large rows at once, and leaves none out", async () => {
  await using it = await openFixture();
  const { inbox, messages } = it;
  const large = someFacts({ structure: "x".repeat(700_000) });
  for (let n = 0; n < 5; n++) await messages.append(someMessage(inbox, { facts: large }));
  for (let n = 0; n < 5; n++) await messages.append(someMessage(inbox));
  const pieces = await Array.fromAsync(
    messages.rowPieces(inbox.id, EVERY_UID, { structure: true }),
    (rows) => rows.map(({ uid }) => Number(uid)),
  );
  assert.deepEqual(pieces, [[1, 2], [3, 4], [5, 6, 7, 8, 9, 10]]);
  const narrow = await Array.fromAsync(messages.rowPieces(inbox.id, EVERY_UID, {}));
  assert.deepEqual(narrow.map((rows) => rows.length), [10]);
  assert.equal((await messages.rows(inbox.id, EVERY_UID, { structure: true })).length, 10);
});

Deno.test("append() stores 200 parallel messages once each and shares statements", async () => {
  await using it = await openFixture();
  const { inbox, messages } = it;
  const done = await Promise.all(
    Array.from({ length: 200 }, (_, n) => messages.append(someMessage(inbox, { flags: n % 2 }))),
  );
  assert.deepEqual(done.map(({ uid }) => uid), Array.from({ length: 200 }, (_, n) => n + 1));
  assert.ok(new Set(done.map(({ modseq }) => modseq)).size < 20);
  assert.deepEqual(await inconsistencies(it.db, inbox.id), []);
});

Deno.test("append() to one mailbox from several processes stays exact", async () => {
  await using it = await openFixture();
  const { MessageStore } = await import("../../src/store/messages.ts");
  const stores = Array.from({ length: 5 }, () => new MessageStore(it.db, it.notices));
  const done = await Promise.all(
    stores.flatMap((store) =>
      Array.from(
        { length: 20 },
        (_, n) => store.append(someMessage(it.inbox, n % 3 === 0 ? { keywords: [`$k${n}`] } : {})),
      )
    ),
  );
  const uids = done.map(({ uid }) => uid as number).sort((a, b) => a - b);
  assert.deepEqual(uids, Array.from({ length: 100 }, (_, n) => n + 1));
  assert.deepEqual(await inconsistencies(it.db, it.inbox.id), []);
});

Deno.test("append() recognises redeliveries, also those that race", async () => {
  await using it = await openFixture();
  const { MessageStore } = await import("../../src/store/messages.ts");
  const stores = Array.from({ length: 4 }, () => new MessageStore(it.db, it.notices));
  const key = hashOf("delivery");
  const done = await Promise.all(
    stores.flatMap((store) =>
      [1, 2, 3].map(() => store.append(someMessage(it.inbox, { deliveryKey: key })))
    ),
  );
  assert.equal(done.filter(({ duplicate }) => !duplicate).length, 1);
  assert.deepEqual(new Set(done.map(({ uid }) => uid)).size, 1);
  const mixed = await Promise.all([
    it.messages.append(someMessage(it.inbox, { deliveryKey: hashOf("other") })),
    it.messages.append(someMessage(it.inbox, { deliveryKey: key })),
    it.messages.append(someMessage(it.inbox)),
  ]);
  assert.deepEqual(mixed.map(({ duplicate }) => duplicate), [false, true, false]);
  const { uids } = await it.messages.uids(it.inbox.id);
  assert.equal(uids.length, 3);
  assert.deepEqual(await inconsistencies(it.db, it.inbox.id), []);
  assert.equal(await it.messages.pruneDeliveries(), 0);
});

Deno.test("append() fails alone when its data is impossible", async () => {
  await using it = await openFixture();
  const { inbox, messages } = it;
  const done = await Promise.allSettled([
    messages.append(someMessage(inbox)),
    messages.append(someMessage(inbox, { facts: someFacts({ subject: "a\0b" }) })),
    messages.append(someMessage(inbox)),
  ]);
  assert.deepEqual(done.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  assert.deepEqual(await inconsistencies(it.db, inbox.id), []);
});

Deno.test("append() to a deleted mailbox is refused", async () => {
  await using it = await openFixture();
  const box = await it.mailboxes.create(it.account, "Gone");
  await it.mailboxes.delete(it.account, "Gone");
  for (const keywords of [[], ["$x"]]) {
    await assert.rejects(it.messages.append(someMessage(box, { keywords })), {
      name: "Refused",
      refusal: { kind: "no-such-mailbox", name: "" },
    });
  }
  await assert.rejects(it.messages.uids(box.id), Refused);
  await assert.rejects(it.messages.changes(box.id, 1000 as Modseq, 10), Refused);
});

Deno.test("append() and storeFlags() keep the first case of a keyword, and the limits", async () => {
  await using it = await openFixture();
  const { inbox, messages } = it;
  await messages.append(
    someMessage(inbox, { keywords: ["$Junk", "$junk", "", "NIL", "a b", "\\X"] }),
  );
  await messages.append(someMessage(inbox, { keywords: ["$JUNK", "__proto__", "constructor"] }));
  const states = await messages.states(inbox.id, EVERY_UID);
  assert.deepEqual(states.map(({ keywords }) => keywords), [
    ["$Junk"],
    ["$Junk", "__proto__", "constructor"],
  ]);
  const many = Array.from({ length: 51 }, (_, n) => `k${n}`);
  await assert.rejects(messages.append(someMessage(inbox, { keywords: many })), {
    refusal: { kind: "too-many-keywords", limit: 50 },
  });
  const add = { mode: "add", flags: 0, keywords: many.slice(0, 50) } as const;
  await assert.rejects(messages.storeFlags(inbox.id, uidSet(1), add), {
    refusal: { kind: "too-many-keywords", limit: 50 },
  });
  const box = await it.mailboxes.get(inbox.id);
  assert.deepEqual(box?.keywords, ["$Junk", "__proto__", "constructor"]);
  for (let from = 0; from < 997; from += 40) {
    const some = Array.from({ length: Math.min(40, 997 - from) }, (_, n) => `m${from + n}`);
    await messages.append(someMessage(inbox, { keywords: some }));
  }
  const [good, bad] = await Promise.allSettled([
    messages.append(someMessage(inbox, { keywords: ["M1"] })),
    messages.append(someMessage(inbox, { keywords: ["new"] })),
  ]);
  assert.equal(good.status, "fulfilled");
  assert.equal(bad.status, "rejected");
  assert.deepEqual(await inconsistencies(it.db, inbox.id), []);
});

Deno.test("storeFlags() adds, removes and replaces; what does not change keeps its MODSEQ", async () => {
  await using it = await openFixture();
  const { inbox, messages } = it;
  for (let n = 0; n < 3; n++) await messages.append(someMessage(inbox));
  const none: readonly string[] = [];
  const first = await messages.storeFlags(inbox.id, uidSet(1, 3, 99), {
    mode: "add",
    flags: FLAG.seen,
    keywords: ["b", "a"],
  });
  assert.deepEqual(first.stored.map(({ uid, flags, keywords }) => [uid, flags, keywords]), [
    [1, 1, ["a", "b"]],
    [3, 1, ["a", "b"]],
  ]);
  const again = await messages.storeFlags(inbox.id, EVERY_UID, {
    mode: "add",
    flags: FLAG.seen,
    keywords: none,
  });
  assert.deepEqual(
    again.stored.map(({ modseq, previousModseq }) => modseq === previousModseq),
    [true, false, true],
  );
  const same = await messages.storeFlags(inbox.id, uidSet(1), {
    mode: "replace",
    flags: FLAG.seen,
    keywords: ["B", "A"],
  });
  assert.equal(same.modseq, again.modseq);
  const removed = await messages.storeFlags(inbox.id, EVERY_UID, {
    mode: "remove",
    flags: FLAG.seen,
    keywords: ["A", "unknown"],
  });
  assert.deepEqual(removed.stored.map(({ flags, keywords }) => [flags, keywords]), [
    [0, ["b"]],
    [0, []],
    [0, ["b"]],
  ]);
  const replaced = await messages.storeFlags(inbox.id, uidSet(3), {
    mode: "replace",
    flags: FLAG.flagged | FLAG.deleted,
    keywords: none,
  });
  assert.deepEqual(replaced.stored.map(({ flags, keywords }) => [flags, keywords]), [[12, []]]);
  const changes = await messages.changes(inbox.id, again.modseq, 10);
  assert.deepEqual(changes.map(({ uid, modseq }) => [uid, modseq]), [
    [1, removed.modseq],
    [2, removed.modseq],
    [3, replaced.modseq],
  ]);
  const box = await it.mailboxes.get(inbox.id);
  assert.deepEqual(box?.keywords, ["b", "a"]);
  assert.equal(box?.unseen, 3);
  assert.deepEqual(await inconsistencies(it.db, inbox.id), []);
});

Deno.test("expunge() takes what is \\Deleted among the set, and tells it as changes", async () => {
  await using it = await openFixture();
  const { inbox, messages } = it;
  for (let n = 0; n < 5; n++) {
    await messages.append(someMessage(inbox, { flags: n === 2 ? 0 : FLAG.deleted | (n & 1) }));
  }
  const before = (await messages.uids(inbox.id)).modseq;
  const some = await messages.expunge(inbox.id, uidSet(1, 2, 3));
  assert.equal(some.expunged.toString(), "1:2");
  const nothing = await messages.expunge(inbox.id, uidSet(3));
  assert.deepEqual([nothing.modseq, nothing.expunged.isEmpty], [some.modseq, true]);
  const rest = await messages.expunge(inbox.id, null);
  assert.equal(rest.expunged.toString(), "4:5");
  assert.deepEqual([...(await messages.uids(inbox.id)).uids], [3]);
  const changes = await messages.changes(inbox.id, before, 100);
  assert.deepEqual(changes.map(({ uid, expunged }) => [uid, expunged]), [
    [1, true],
    [2, true],
    [4, true],
    [5, true],
  ]);
  assert.equal((await messages.expunge(inbox.id, null)).modseq, rest.modseq);
  assert.deepEqual(await inconsistencies(it.db, inbox.id), []);
});

Deno.test("changes() never splits the changes of one MODSEQ", async () => {
  await using it = await openFixture();
  const { inbox, messages } = it;
  await Promise.all(Array.from({ length: 20 }, () => messages.append(someMessage(inbox))));
  const since = (await messages.uids(inbox.id)).modseq;
  await messages.storeFlags(inbox.id, EVERY_UID, { mode: "add", flags: 1, keywords: [] });
  await messages.storeFlags(inbox.id, uidSet(1), { mode: "add", flags: 2, keywords: [] });
  const page = await messages.changes(inbox.id, since, 5);
  assert.equal(page.length, 19);
  const next = await messages.changes(inbox.id, page.at(-1)?.modseq ?? since, 5);
  assert.deepEqual(next.map(({ uid, flags }) => [uid, flags]), [[1, 3]]);
});

Deno.test("firstUnseen() and rows() of sets with holes", async () => {
  await using it = await openFixture();
  const { inbox, messages } = it;
  assert.equal(await messages.firstUnseen(inbox.id), null);
  for (let n = 0; n < 10; n++) await messages.append(someMessage(inbox, { flags: n < 4 ? 1 : 0 }));
  assert.equal(await messages.firstUnseen(inbox.id), 5);
  const rows = await messages.rows(inbox.id, uidSet(2, 3, 7, 50, 4294967295), {});
  assert.deepEqual(rows.map(({ uid }) => uid), [2, 3, 7]);
  assert.equal(rows[0]?.envelope, undefined);
  assert.deepEqual(await messages.rows(inbox.id, uidSet(), {}), []);
  assert.deepEqual(await messages.states(inbox.id, uidSet()), []);
});
