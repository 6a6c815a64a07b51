import assert from "node:assert/strict";
import type { Modseq, Uid } from "../../src/lib/ids.ts";
import { NumberSet } from "../../src/lib/number_set.ts";
import { sql } from "../../src/store/database.ts";
import { FLAG } from "../../src/store/messages.ts";
import { EVERY_UID, inconsistencies, openFixture, someMessage, uidSet } from "./fixture.ts";

const add = { mode: "add", keywords: [] as string[] } as const;

Deno.test("changedSince() finds what changed among what is meant, in UID order", async () => {
  await using it = await openFixture();
  const { inbox, messages } = it;
  for (let n = 0; n < 6; n++) await messages.append(someMessage(inbox));
  const { modseq } = await messages.uids(inbox.id);
  await messages.storeFlags(inbox.id, uidSet(5), { ...add, flags: FLAG.seen });
  await messages.storeFlags(inbox.id, uidSet(2, 3), { ...add, flags: 0, keywords: ["a"] });
  const found = async (uids: typeof EVERY_UID, since: Modseq) =>
    (await messages.changedSince(inbox.id, { uids, since })).map(({ uid }) => Number(uid));
  assert.deepEqual(await found(EVERY_UID, modseq), [2, 3, 5]);
  assert.deepEqual(await found(uidSet(1, 3, 4, 5), modseq), [3, 5]);
  assert.deepEqual(await found(EVERY_UID, modseq + 1 as Modseq), [2, 3]);
  assert.deepEqual(await found(EVERY_UID, modseq + 2 as Modseq), []);
  assert.deepEqual(await found(NumberSet.of<Uid>([]), 1 as Modseq), []);
  const [two] = await messages.changedSince(inbox.id, { uids: uidSet(2), since: modseq });
  assert.deepEqual(two, { uid: 2, flags: 0, keywords: ["a"], modseq: modseq + 2 });
});

Deno.test("changedSince() and expungedSince() where nearly everything has changed", async () => {
  await using it = await openFixture();
  const { inbox, messages } = it;
  await it.db.write(sql`
    INSERT INTO message_state SELECT ${inbox.id}, n, 2, 0, NULL FROM generate_series(1, 12000) AS n`);
  await it.db.write(sql`
    INSERT INTO message_state SELECT ${inbox.id}, 20000, 1, 0, NULL`);
  const changed = await messages.changedSince(inbox.id, { uids: EVERY_UID, since: 1 as Modseq });
  assert.deepEqual([changed.length, changed[0]?.uid, changed.at(-1)?.uid], [12_000, 1, 12_000]);
  await it.db.write(sql`
    INSERT INTO expunged_messages SELECT ${inbox.id}, n, 2, 0, NULL, false
    FROM generate_series(30001, 130000) AS n`);
  const all = { uids: EVERY_UID, since: 1 as Modseq };
  assert.equal((await messages.expungedSince(inbox.id, all))?.size, 100_000);
  await it.db.write(sql`
    INSERT INTO expunged_messages VALUES (${inbox.id}, 140000, 2, 0, NULL, false)`);
  assert.equal(await messages.expungedSince(inbox.id, all), null);
});

Deno.test("expungedSince() knows what went when, until that was cleaned up", async () => {
  await using it = await openFixture();
  const { inbox, messages } = it;
  const trash = await it.mailboxes.find(it.account, "Trash");
  for (let n = 0; n < 6; n++) await messages.append(someMessage(inbox, { flags: FLAG.deleted }));
  const { modseq: before } = await messages.expunge(inbox.id, uidSet(2, 4));
  const target = { mailbox: trash.id, account: it.account };
  await messages.move(inbox.id, uidSet(5), target);
  const found = async (since: number, uids = EVERY_UID) =>
    (await messages.expungedSince(inbox.id, { uids, since: since as Modseq }))?.toString() ?? null;
  assert.equal(await found(before - 1), "2,4:5");
  assert.equal(await found(before - 1, uidSet(1, 4)), "4");
  assert.equal(await found(before), "5");
  assert.equal(await found(before + 1), "");
  await it.db.write(sql`
    WITH gone AS (DELETE FROM expunged_messages
      WHERE mailbox_id = ${inbox.id} AND modseq <= ${before} RETURNING modseq)
    UPDATE mailboxes SET expunged_floor = (SELECT max(modseq) FROM gone) WHERE id = ${inbox.id}`);
  assert.equal(await found(before - 1), null);
  assert.equal(await found(before), "5");
  await it.mailboxes.create(it.account, "Short");
  const short = await it.mailboxes.find(it.account, "Short");
  await it.mailboxes.delete(it.account, "Short");
  await assert.rejects(
    messages.expungedSince(short.id, { uids: EVERY_UID, since: 1 as Modseq }),
    { refusal: { kind: "gone", what: "mailbox" } },
  );
});

Deno.test("storeFlags() leaves alone what changed since, and tells which that is", async () => {
  await using it = await openFixture();
  const { inbox, messages } = it;
  for (let n = 0; n < 4; n++) await messages.append(someMessage(inbox, { keywords: ["Old"] }));
  const { modseq } = await messages.uids(inbox.id);
  await messages.storeFlags(inbox.id, uidSet(2), { ...add, flags: FLAG.flagged });
  const run = async (change: Parameters<typeof messages.storeFlags>[2]) => {
    const { stored, modified } = await messages.storeFlags(inbox.id, EVERY_UID, change);
    return [stored.map(({ uid }) => Number(uid)), modified.map(Number)];
  };
  const seen = { ...add, flags: FLAG.seen };
  assert.deepEqual(await run({ ...seen, unchangedSince: modseq }), [[1, 3, 4], [2]]);
  assert.deepEqual(await run({ ...seen, unchangedSince: modseq }), [[], [1, 2, 3, 4]]);
  assert.deepEqual(await run({ ...seen, unchangedSince: modseq + 9 }), [[1, 2, 3, 4], []]);
  // Zero: whoever is first.
  const claim = { ...add, flags: 0, keywords: ["$New"], unchangedSince: 0 };
  assert.deepEqual(await run(claim), [[1, 2, 3, 4], []]);
  assert.deepEqual(await run(claim), [[], [1, 2, 3, 4]]);
  assert.deepEqual(await run({ ...claim, keywords: ["other", "OLD"] }), [[], [1, 2, 3, 4]]);
  assert.deepEqual(await run({ ...claim, mode: "remove", keywords: ["None"] }), [[1, 2, 3, 4], []]);
  assert.deepEqual(await run({ ...claim, flags: FLAG.draft }), [[], [1, 2, 3, 4]]);
  assert.deepEqual(await run({ ...claim, mode: "replace" }), [[], [1, 2, 3, 4]]);
  assert.deepEqual(await inconsistencies(it.db, inbox.id), []);
});

Deno.test("storeFlags() changes no flag that it may not", async () => {
  await using it = await openFixture();
  const { inbox, messages } = it;
  const keywords = ["kept"];
  await messages.append(someMessage(inbox, { flags: FLAG.seen | FLAG.flagged, keywords }));
  const store = async (change: Parameters<typeof messages.storeFlags>[2]) => {
    const { stored: [state] } = await messages.storeFlags(inbox.id, uidSet(1), change);
    return [state?.flags, state?.keywords];
  };
  const onlySeen = { flags: FLAG.seen, keywords: false };
  const all = FLAG.deleted | FLAG.draft;
  const change = { flags: all, keywords: ["new"], within: onlySeen };
  assert.deepEqual(await store({ ...change, mode: "replace" }), [FLAG.flagged, keywords]);
  assert.deepEqual(await store({ ...change, mode: "add", flags: all | FLAG.seen }), [
    FLAG.seen | FLAG.flagged,
    keywords,
  ]);
  assert.deepEqual(await store({ mode: "remove", flags: 31, keywords, within: onlySeen }), [
    FLAG.flagged,
    keywords,
  ]);
  const others = { flags: FLAG.flagged | FLAG.draft, keywords: true };
  assert.deepEqual(await store({ ...change, mode: "replace", within: others }), [FLAG.draft, [
    "new",
  ]]);
  assert.deepEqual((await it.mailboxes.get(inbox.id))?.keywords, ["kept", "new"]);
  assert.deepEqual(await inconsistencies(it.db, inbox.id), []);
});

Deno.test("copy() and move() take along only flags that may be set there", async () => {
  await using it = await openFixture();
  const { inbox, messages } = it;
  const trash = await it.mailboxes.find(it.account, "Trash");
  const message = someMessage(inbox, { flags: FLAG.seen | FLAG.deleted, keywords: ["a"] });
  for (let n = 0; n < 2; n++) await messages.append(message);
  const target = { mailbox: trash.id, account: it.account };
  const within = { flags: FLAG.deleted, keywords: false };
  await messages.copy(inbox.id, EVERY_UID, { ...target, within });
  await messages.move(inbox.id, uidSet(1), { ...target, within: { flags: 0, keywords: true } });
  const states = await messages.states(trash.id, EVERY_UID);
  assert.deepEqual(states.map(({ flags, keywords }) => [flags, keywords]), [
    [FLAG.deleted, []],
    [FLAG.deleted, []],
    [0, ["a"]],
  ]);
  for (const box of [inbox, trash]) assert.deepEqual(await inconsistencies(it.db, box.id), []);
  assert.deepEqual((await it.mailboxes.get(trash.id))?.unseen, 3);
});
