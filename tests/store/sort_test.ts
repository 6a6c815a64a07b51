import assert from "node:assert/strict";
import type { Uid } from "../../src/lib/ids.ts";
import { sql } from "../../src/store/database.ts";
import type { SortCriterion, SortedBy } from "../../src/store/sort_criterion.ts";
import type { ThreadFacts } from "../../src/store/read_thread_facts.ts";
import { EVERY_UID, type Fixture, openFixture, someFacts, someMessage, uidSet } from "./fixture.ts";

const day = (n: number) => new Date(Date.UTC(2026, 0, n));

async function order(
  { messages, inbox }: Fixture,
  ...criteria: readonly (SortedBy | SortCriterion)[]
): Promise<readonly Uid[]> {
  return await messages.sort(inbox.id, {
    uids: EVERY_UID,
    criteria: criteria.map((by) => typeof by === "string" ? { by, reverse: false } : by),
  });
}

Deno.test("sort() by every criterion, ties in the order of the mailbox", async () => {
  await using it = await openFixture();
  const { inbox, messages } = it;
  const given = [
    {
      facts: someFacts({
        sizeBytes: 30,
        sentDate: day(3),
        baseSubject: "B",
        sortKeys: ["B", "X", "", "Z", "Y"],
      }),
      internalDate: day(9),
    },
    {
      facts: someFacts({
        sizeBytes: 10,
        sentDate: null,
        baseSubject: "\u00e9",
        sortKeys: ["A_", "X", "C", "É", "X"],
      }),
      internalDate: day(1),
    },
    {
      facts: someFacts({
        sizeBytes: 20,
        sentDate: day(2),
        baseSubject: "",
        sortKeys: ["AB", "W", "B", "", "\u{1f600}"],
      }),
      internalDate: day(9),
    },
    {
      facts: someFacts({
        sizeBytes: 20,
        sentDate: day(3),
        baseSubject: "B",
        sortKeys: ["AB", "X", "", "\uffee", "Y"],
      }),
      internalDate: day(2),
    },
  ];
  for (const fields of given) await messages.append(someMessage(inbox, fields));
  const cases: readonly (readonly [SortedBy, readonly number[], reversed: readonly number[]])[] = [
    ["arrival", [2, 4, 1, 3], [1, 3, 4, 2]],
    ["date", [2, 3, 1, 4], [1, 4, 3, 2]],
    ["size", [2, 3, 4, 1], [1, 3, 4, 2]],
    ["subject", [3, 1, 4, 2], [2, 1, 4, 3]],
    ["from", [3, 4, 2, 1], [1, 2, 3, 4]],
    ["to", [3, 1, 2, 4], [1, 2, 4, 3]],
    ["cc", [1, 4, 3, 2], [2, 3, 1, 4]],
    ["displayFrom", [3, 1, 2, 4], [4, 2, 1, 3]],
    ["displayTo", [2, 1, 4, 3], [3, 1, 4, 2]],
  ];
  for (const [by, ascending, descending] of cases) {
    assert.deepEqual(await order(it, by), ascending, by);
    assert.deepEqual(await order(it, { by, reverse: true }), descending, `REVERSE ${by}`);
  }
  assert.deepEqual(await order(it, "subject", { by: "date", reverse: true }), [3, 1, 4, 2]);
  assert.deepEqual(await order(it, "size", "subject"), [2, 3, 4, 1]);
  const sets = { by: "sets", sets: [uidSet(4), uidSet(1, 2)], reverse: false } as const;
  assert.deepEqual(await order(it, sets, "date"), [4, 2, 1, 3]);
});

Deno.test("sort() has only messages that were asked for and exist", async () => {
  await using it = await openFixture();
  const { inbox, messages } = it;
  for (let n = 0; n < 5; n++) await messages.append(someMessage(inbox));
  const by = [{ by: "date", reverse: true }] as const;
  const wanted = { uids: uidSet(2, 4, 5, 9), criteria: by };
  assert.deepEqual(await messages.sort(inbox.id, wanted), [2, 4, 5]);
  assert.deepEqual(await messages.sort(inbox.id, { uids: uidSet(), criteria: by }), []);
  const other = await it.mailboxes.create(it.account, "Other");
  assert.deepEqual(await messages.sort(other.id, wanted), []);
});

Deno.test("copies and moved messages keep their sort keys; rows without any are sorted", async () => {
  await using it = await openFixture();
  const { inbox, messages, db } = it;
  const keys = (from: string) => someFacts({ sortKeys: [from, "", "", "", ""], isReply: true });
  for (const from of ["C", "B", "A"]) {
    await messages.append(someMessage(inbox, { facts: keys(from) }));
  }
  const target = { mailbox: inbox.id, account: it.account };
  await messages.copy(inbox.id, uidSet(1), target);
  await messages.move(inbox.id, uidSet(2), target);
  assert.deepEqual(await order(it, "from"), [3, 5, 1, 4]);
  const facts = await collected(it);
  assert.deepEqual(facts.map(({ isReply }) => isReply), [[true, true, true, true]]);
  await db.query(sql`UPDATE messages SET sort_keys = NULL, is_reply = NULL, subject = 'Re: s',
    base_subject = 's', from_text = 'AB' WHERE uid = 1`);
  assert.deepEqual(await order(it, "from"), [3, 1, 5, 4]);
  assert.deepEqual((await collected(it)).flatMap(({ isReply }) => isReply), [
    true,
    true,
    true,
    true,
  ]);
});

async function collected({ messages, inbox }: Fixture, uids = EVERY_UID): Promise<ThreadFacts[]> {
  const want = { subjects: true, ids: true };
  return await Array.fromAsync(messages.threadFacts(inbox.id, { uids, want }));
}

Deno.test("threadFacts() reads what threads are made of", async () => {
  await using it = await openFixture();
  const { inbox, messages } = it;
  const given = [
    someFacts({
      messageId: "<a>",
      references: ["<x>", "<y>"],
      inReplyTo: "<z>",
      baseSubject: "one",
    }),
    someFacts({ messageId: null, inReplyTo: "<z>", sentDate: null, isReply: true }),
    someFacts({ messageId: '<quote"and\\back>', baseSubject: "" }),
  ];
  for (const facts of given) {
    await messages.append(someMessage(inbox, { facts, internalDate: day(2) }));
  }
  assert.deepEqual(await collected(it), [{
    uids: [1, 2, 3],
    dates: [1767323045, 1767312000, 1767323045],
    subjects: ["one", "A subject", ""],
    isReply: [false, true, false],
    ids: ["<a>", "", '<quote"and\\back>'],
    references: ["<x> <y>", "<z>", ""],
  }]);
  assert.deepEqual((await collected(it, uidSet(2, 3, 7))).map(({ uids }) => uids), [[2, 3]]);
  assert.deepEqual(await collected(it, uidSet()), []);
  const want = { subjects: false, ids: false };
  const [bare] = await Array.fromAsync(messages.threadFacts(inbox.id, { uids: EVERY_UID, want }));
  assert.deepEqual([bare?.subjects, bare?.ids, bare?.references], [[], [], []]);
});

Deno.test("threadFacts() comes in pieces of bounded size", async () => {
  await using it = await openFixture();
  const { inbox, messages } = it;
  const references = Array.from({ length: 100 }, (_, n) => `<${`${n}`.padEnd(990, "x")}>`);
  const facts = someFacts({ references });
  for (let n = 0; n < 30; n++) await messages.append(someMessage(inbox, { facts }));
  const pieces = await collected(it);
  assert.ok(pieces.length > 2 && pieces.length < 10, `${pieces.length} pieces`);
  assert.deepEqual(pieces.flatMap(({ uids }) => uids), Array.from({ length: 30 }, (_, n) => n + 1));
});
