import assert from "node:assert/strict";
import type { MailboxId } from "../../src/lib/ids.ts";
import { sql } from "../../src/store/database.ts";
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

const EVERYTHING = { header: true, envelope: true, bodyStructure: true, structure: true };

Deno.test("copy() copies every fact, in UID order, but no delivery key", async () => {
  await using it = await openFixture();
  const { inbox, messages, mailboxes, account } = it;
  const to = await mailboxes.create(account, "To");
  await messages.append(someMessage(to));
  const facts = someFacts({ references: ["<r1@x>"], header: Uint8Array.of(1, 2, 3), bcc: "b" });
  for (let n = 0; n < 4; n++) {
    const deliveryKey = hashOf(`delivery ${n}`);
    await messages.append(someMessage(inbox, { facts, flags: n, deliveryKey }));
  }
  const copied = await messages.copy(inbox.id, uidSet(4, 2, 3, 9), { mailbox: to.id, account });
  assert.deepEqual(copied, {
    uidValidity: to.uidValidity,
    source: [2, 3, 4],
    target: [2, 3, 4],
  });
  const [, ...rows] = await messages.rows(to.id, EVERY_UID, EVERYTHING);
  const sources = await messages.rows(inbox.id, uidSet(2, 3, 4), EVERYTHING);
  for (const [at, row] of rows.entries()) {
    const source = sources[at];
    assert.ok(source && row.savedAt.getTime() >= source.savedAt.getTime());
    assert.deepEqual({ ...row, modseq: 0, savedAt: 0 }, { ...source, modseq: 0, savedAt: 0 });
  }
  const redelivered = someMessage(to, { deliveryKey: hashOf("delivery 1") });
  assert.equal((await messages.append(redelivered)).duplicate, false);
  assert.equal((await messages.uids(inbox.id)).uids.length, 4);
  const none = await messages.copy(inbox.id, uidSet(77), { mailbox: to.id, account });
  assert.deepEqual(none.source, []);
  for (const id of [inbox.id, to.id]) assert.deepEqual(await inconsistencies(it.db, id), []);
  const lost = await it.db.query(sql`
    SELECT uid FROM messages AS copy WHERE mailbox_id = ${to.id} AND uid IN (2, 3, 4)
    AND (copy.reference_ids, copy.bcc_text) IS DISTINCT FROM ('<r1@x>', 'B')`);
  assert.deepEqual(lost, []);
});

Deno.test("copy() and move() within one mailbox give new UIDs and exact counters", async () => {
  await using it = await openFixture();
  const { inbox, messages, account } = it;
  for (let n = 0; n < 3; n++) await messages.append(someMessage(inbox, { flags: n & 1 }));
  const copied = await messages.copy(inbox.id, EVERY_UID, { mailbox: inbox.id, account });
  assert.deepEqual(copied.target, [4, 5, 6]);
  const since = (await messages.uids(inbox.id)).modseq;
  const moved = await messages.move(inbox.id, uidSet(1, 5), { mailbox: inbox.id, account });
  assert.deepEqual([moved.source, moved.target], [[1, 5], [7, 8]]);
  assert.deepEqual([...(await messages.uids(inbox.id)).uids], [2, 3, 4, 6, 7, 8]);
  const changes = await messages.changes(inbox.id, since, 10);
  assert.deepEqual(changes.map(({ uid, expunged }) => [uid, expunged]), [
    [1, true],
    [5, true],
    [7, false],
    [8, false],
  ]);
  assert.deepEqual(await inconsistencies(it.db, inbox.id), []);
});

Deno.test("move() between accounts names the bodies' new place; both sides are told", async () => {
  await using it = await openFixture();
  const { inbox, messages, notices } = it;
  const other = await it.accounts.create({ address: "other@example.com", passwordHash: "{X}" });
  const theirs = await it.mailboxes.find(other.id, "INBOX");
  await messages.append(someMessage(inbox, { flags: FLAG.flagged }));
  const told: MailboxId[] = [];
  notices.on(inbox.id, () => told.push(inbox.id));
  notices.on(theirs.id, () => told.push(theirs.id));
  const target = { mailbox: theirs.id, account: other.id };
  await assert.rejects(messages.move(inbox.id, uidSet(1), target), /without their bodies/);
  await messages.move(inbox.id, uidSet(1), { ...target, bodies: "example.com/other/" });
  assert.deepEqual(told.sort(), [inbox.id, theirs.id].sort());
  const [row] = await messages.rows(theirs.id, EVERY_UID, { header: true });
  assert.equal(row?.objectKey, `example.com/other/${hashOf("body")}`);
  assert.equal(row?.flags, FLAG.flagged);
  await assert.rejects(
    messages.copy(theirs.id, uidSet(1), { mailbox: inbox.id, account: other.id }),
    {
      refusal: { kind: "no-such-mailbox", name: "" },
    },
  );
  for (const id of [inbox.id, theirs.id]) assert.deepEqual(await inconsistencies(it.db, id), []);
});

Deno.test("copy() and move() fold keywords to the case of the target", async () => {
  await using it = await openFixture();
  const { inbox, messages, mailboxes, account } = it;
  const to = await mailboxes.create(account, "To");
  await messages.append(someMessage(to, { keywords: ["$JUNK"] }));
  await messages.append(someMessage(inbox, { keywords: ["$junk", "Zeta", "alpha"] }));
  await messages.append(someMessage(inbox, { keywords: ["unused"] }));
  await messages.append(someMessage(inbox));
  await messages.copy(inbox.id, uidSet(1, 3), { mailbox: to.id, account });
  await messages.move(inbox.id, uidSet(1), { mailbox: to.id, account });
  const states = await messages.states(to.id, EVERY_UID);
  assert.deepEqual(states.map(({ keywords }) => keywords), [
    ["$JUNK"],
    ["$JUNK", "Zeta", "alpha"],
    [],
    ["$JUNK", "Zeta", "alpha"],
  ]);
  const known = new Set((await mailboxes.get(to.id))?.keywords);
  assert.deepEqual(known, new Set(["$JUNK", "Zeta", "alpha"]));
});

Deno.test("copy() to a mailbox that was deleted, or from one, is refused", async () => {
  await using it = await openFixture();
  const { inbox, messages, mailboxes, account } = it;
  const box = await mailboxes.create(account, "Gone");
  await messages.append(someMessage(inbox));
  await mailboxes.delete(account, "Gone");
  await assert.rejects(messages.copy(inbox.id, uidSet(1), { mailbox: box.id, account }), {
    refusal: { kind: "no-such-mailbox", name: "" },
  });
  await assert.rejects(messages.move(box.id, uidSet(1), { mailbox: inbox.id, account }), {
    refusal: { kind: "gone", what: "mailbox" },
  });
  assert.equal((await messages.uids(inbox.id)).uids.length, 1);
});

Deno.test("opposite moves, copies, appends and flags in parallel: no deadlock, no loss", async () => {
  await using it = await openFixture();
  const { inbox, messages, mailboxes, account } = it;
  const to = await mailboxes.create(account, "To");
  const before = 20;
  for (let n = 0; n < before; n++) {
    await messages.append(someMessage(n % 2 === 0 ? inbox : to));
  }
  const rounds = Array.from({ length: 60 }, (_, n) => {
    const [from, target] = n % 2 === 0 ? [inbox, to] : [to, inbox];
    const flags = { mode: "add", flags: 1 << (n % 3), keywords: [`k${n % 5}`] } as const;
    return [
      messages.move(from.id, EVERY_UID, { mailbox: target.id, account }),
      ...(n % 20 === 0 ? [messages.append(someMessage(from))] : []),
      ...(n % 10 === 0 ? [messages.storeFlags(from.id, EVERY_UID, flags)] : []),
    ];
  }).flat();
  await Promise.all(rounds);
  const [a, b] = [await messages.uids(inbox.id), await messages.uids(to.id)];
  assert.equal(a.uids.length + b.uids.length, before + 3);
  for (const id of [inbox.id, to.id]) assert.deepEqual(await inconsistencies(it.db, id), []);
});
