import assert from "node:assert/strict";
import type { Uid, UidValidity } from "../../src/lib/ids.ts";
import { Refused } from "../../src/lib/refused.ts";
import { type ImportedMessage, ImportStore } from "../../src/store/import_messages.ts";
import type { Mailbox } from "../../src/store/mailboxes.ts";
import { QuotaStore } from "../../src/store/quotas.ts";
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

const STRICT = { ignoreQuota: false };

function imported(
  mailbox: Mailbox,
  uid: number | null,
  fields: Partial<ImportedMessage> = {},
): ImportedMessage {
  return { ...someMessage(mailbox, fields), uid: uid as Uid | null };
}

async function uidsOf({ messages }: Fixture, { id }: Mailbox): Promise<number[]> {
  return [...(await messages.uids(id)).uids];
}

Deno.test("ImportStore.append() keeps UIDs and counts what it stores", async () => {
  await using fixture = await openFixture();
  const { db, inbox, mailboxes, messages, notices } = fixture;
  const imports = new ImportStore(db, notices);
  const heard: (number | null)[] = [];
  notices.on(inbox.id, (modseq) => void heard.push(modseq));
  const uids = await imports.append([
    imported(inbox, 5, { flags: 1, keywords: ["Later", "x y"] }),
    imported(inbox, 9, { keywords: ["later"] }),
    imported(inbox, 70_000),
    imported(inbox, null),
  ], STRICT);
  assert.deepEqual(uids, [5, 9, 70_000, 70_001]);
  assert.deepEqual(await uidsOf(fixture, inbox), [5, 9, 70_000, 70_001]);
  const box = await mailboxes.find(inbox.accountId, "INBOX");
  assert.deepEqual([box.uidNext, box.messages, box.unseen, box.sizeBytes], [70_002, 4, 3, 4_000]);
  assert.deepEqual(heard, [box.highestModseq]);
  const states = await messages.states(inbox.id, uidSet(5, 9));
  assert.deepEqual(states.map(({ keywords }) => keywords), [["Later"], ["Later"]]);
  assert.deepEqual(await inconsistencies(db, inbox.id), []);
  assert.equal((await new QuotaStore(db).of(inbox.accountId)).used.messages, 4);
});

Deno.test("ImportStore.append() stores when messages came into their mailbox, or that they come now", async () => {
  await using fixture = await openFixture();
  const { db, inbox, messages, notices } = fixture;
  const imports = new ImportStore(db, notices);
  const savedMs = Date.UTC(2020, 1, 2, 3, 4, 5, 678);
  const early = new Date(Date.now() - 60_000);
  await imports.append([
    imported(inbox, 4, { savedMs }),
    imported(inbox, 5),
    imported(inbox, null, { savedMs: savedMs + 1 }),
  ], STRICT);
  const [first, second, third] = await messages.rows(inbox.id, EVERY_UID, {});
  assert.deepEqual([first?.savedAt.getTime(), third?.savedAt.getTime()], [savedMs, savedMs + 1]);
  assert.ok(second && second.savedAt > early);
});

Deno.test("ImportStore.append() leaves out messages whose UIDs are taken", async () => {
  await using fixture = await openFixture();
  const { db, inbox, messages, notices } = fixture;
  const imports = new ImportStore(db, notices);
  await messages.append(someMessage(inbox));
  await messages.append(someMessage(inbox));
  const uids = await imports.append([1, 2, 3, 7].map((uid) => imported(inbox, uid)), STRICT);
  assert.deepEqual(uids, [null, null, 3, 7]);
  assert.deepEqual(await uidsOf(fixture, inbox), [1, 2, 3, 7]);
  assert.deepEqual(await imports.append([imported(inbox, 6)], STRICT), [null]);
  assert.deepEqual(await inconsistencies(db, inbox.id), []);
});

Deno.test("ImportStore.append() obeys the quota unless it is told not to", async () => {
  await using fixture = await openFixture();
  const { db, inbox, notices } = fixture;
  const imports = new ImportStore(db, notices);
  const quotas = new QuotaStore(db);
  await quotas.setLimits(inbox.accountId, { storageBytes: null, messages: 1, mailboxes: null });
  const two = [imported(inbox, 1), imported(inbox, 2)];
  await assert.rejects(
    imports.append(two, STRICT),
    (error) => error instanceof Refused && error.refusal.kind === "over-quota",
  );
  assert.deepEqual(await uidsOf(fixture, inbox), []);
  assert.deepEqual(await imports.append(two, { ignoreQuota: true }), [1, 2]);
  assert.equal((await quotas.of(inbox.accountId)).used.messages, 2);
});

Deno.test("ImportStore.adoptUidValidity() is for mailboxes that never had a message", async () => {
  await using fixture = await openFixture();
  const { account, db, inbox, mailboxes, messages, notices } = fixture;
  const imports = new ImportStore(db, notices);
  const old = 1_000_000_000 as UidValidity;
  assert.equal(await imports.adoptUidValidity(inbox, old), true);
  assert.equal((await mailboxes.find(account, "INBOX")).uidValidity, old);

  const sent = await mailboxes.find(account, "Sent");
  await messages.append(someMessage(sent));
  await messages.storeFlags(sent.id, EVERY_UID, { mode: "add", flags: 8, keywords: [] });
  await messages.expunge(sent.id, null);
  assert.equal(await imports.adoptUidValidity(sent, old), false, "UID 1 was given away");
  assert.equal((await mailboxes.find(account, "Sent")).uidValidity, sent.uidValidity);
});

Deno.test("a mailbox of a name that was imported before gets a higher UIDVALIDITY", async () => {
  await using fixture = await openFixture();
  const { account, db, mailboxes, messages, notices } = fixture;
  const imports = new ImportStore(db, notices);
  const far = 4_000_000_000 as UidValidity;
  const first = await mailboxes.create(account, "Old");
  assert.equal(await imports.adoptUidValidity(first, far), true);
  await messages.append(someMessage(first));
  await mailboxes.delete(account, "Old");
  const second = await mailboxes.create(account, "Old");
  assert.ok(second.uidValidity > far);
  assert.equal(await imports.adoptUidValidity(second, far), false, "it was another's");
  assert.equal(await imports.adoptUidValidity(second, far - 1 as UidValidity), false);
});

Deno.test("ImportStore.reserveUids() only ever raises UIDNEXT", async () => {
  await using fixture = await openFixture();
  const { account, db, inbox, mailboxes, notices } = fixture;
  const imports = new ImportStore(db, notices);
  for (const uidNext of [10, 5]) await imports.reserveUids(inbox.id, uidNext as Uid);
  assert.equal((await mailboxes.find(account, "INBOX")).uidNext, 10);
  assert.deepEqual(await imports.append([imported(inbox, null)], STRICT), [10]);
});

Deno.test("ImportStore.known() has what was expunged lately, too", async () => {
  await using fixture = await openFixture();
  const { db, inbox, messages, notices } = fixture;
  const imports = new ImportStore(db, notices);
  const internalDate = new Date("2020-01-02T03:04:05.678Z");
  await imports.append([
    imported(inbox, 3, { internalDate, facts: someFacts({ sizeBytes: 77 }) }),
    imported(inbox, 4, { hash: hashOf("other") }),
  ], STRICT);
  await messages.storeFlags(inbox.id, uidSet(3), { mode: "add", flags: 8, keywords: [] });
  await messages.expunge(inbox.id, null);
  const known = await imports.known(inbox.id);
  assert.deepEqual(known[0], {
    uid: 3,
    hash: hashOf("body"),
    sizeBytes: 77,
    internalSeconds: Date.parse("2020-01-02T03:04:05Z") / 1000,
  });
  assert.deepEqual(known.map(({ uid, hash }) => [uid, hash === hashOf("other")]), [
    [3, false],
    [4, true],
  ]);
});
