import assert from "node:assert/strict";
import { SequenceSet } from "../../../src/imap/wire/sequence_set.ts";
import { WireError } from "../../../src/imap/wire/wire_error.ts";
import type { Modseq, Sequence, Uid } from "../../../src/lib/ids.ts";
import { Refused } from "../../../src/lib/refused.ts";
import { FakeMailbox, Heard } from "./fake_mailbox.ts";

async function opened(count: number, how: { readonly readOnly?: boolean } = {}) {
  const box = new FakeMailbox();
  if (count > 0) box.append(count);
  const maps = box.maps();
  const view = await box.view(maps, how);
  const heard = new Heard();
  const told = async (expunges = true) => {
    await view.tell(heard.reply, { expunges });
    return heard.take();
  };
  return { box, maps, view, told, heard, [Symbol.dispose]: () => maps[Symbol.dispose]() };
}

const uids = (...numbers: number[]) => numbers as Uid[];

Deno.test("tell() says nothing when nothing happened", async () => {
  using world = await opened(3);
  assert.deepEqual(await world.told(), []);
  assert.equal(world.box.queries.changes, 0);
});

Deno.test("tell() announces expunges highest first, then arrivals", async () => {
  using world = await opened(5);
  world.box.expunge(uids(2, 3, 5));
  world.box.append(2);
  assert.deepEqual(await world.told(), [
    "5 EXPUNGE",
    "3 EXPUNGE",
    "2 EXPUNGE",
    "4 EXISTS",
    "4 RECENT",
  ]);
  assert.equal(world.view.count, 4);
  assert.equal(world.view.uidAt(3 as Sequence), 6);
  assert.deepEqual(await world.told(), []);
});

Deno.test("tell() says RECENT when the number of recent messages changes", async () => {
  using world = await opened(2);
  assert.equal(world.view.recent, 2);
  world.box.append();
  assert.deepEqual(await world.told(), ["3 EXISTS", "3 RECENT"]);
  world.box.expunge(uids(1));
  assert.deepEqual(await world.told(), ["1 EXPUNGE", "2 RECENT"]);
});

Deno.test("tell() without expunges keeps every number, and tells flags of known messages", async () => {
  using world = await opened(3);
  world.box.expunge(uids(1));
  world.box.append();
  world.box.setFlags(uids(3, 4), () => 1);
  assert.deepEqual(await world.told(false), ["3 FETCH (FLAGS (\\Seen \\Recent))"]);
  assert.equal(world.view.count, 3);
  assert.deepEqual(await world.told(false), []);
  assert.deepEqual(await world.told(), ["1 EXPUNGE", "3 EXISTS"]);
});

Deno.test("tell() without expunges never takes back a client's own change of a message that is gone", async () => {
  using world = await opened(2);
  const other = await world.box.view(world.maps);
  world.box.setFlags(uids(1, 2), () => 2);
  await other.tell(new Heard().reply, { expunges: true });
  world.box.append();
  world.view.stored(world.box.setFlags(uids(1), (flags) => flags | 1));
  world.box.expunge(uids(1));
  assert.deepEqual(await world.told(false), ["2 FETCH (FLAGS (\\Answered \\Recent))"]);
  assert.deepEqual(await world.told(), ["1 EXPUNGE", "2 EXISTS"]);
});

Deno.test("tell() without expunges announces arrivals when nothing was expunged", async () => {
  using world = await opened(1);
  world.box.append();
  assert.deepEqual(await world.told(false), ["2 EXISTS", "2 RECENT"]);
});

Deno.test("a message that comes and goes between two commands is never mentioned", async () => {
  using world = await opened(1);
  world.box.append();
  world.box.expunge(uids(2));
  assert.deepEqual(await world.told(), []);
  world.box.append();
  assert.deepEqual(await world.told(), ["2 EXISTS", "2 RECENT"]);
  assert.equal(world.view.uidAt(2 as Sequence), 3);
});

Deno.test("tell() does not repeat this session's own changes", async () => {
  using world = await opened(2);
  world.view.stored(world.box.setFlags(uids(1), () => 1));
  world.box.setFlags(uids(2), () => 2);
  assert.deepEqual(await world.told(), ["2 FETCH (FLAGS (\\Answered \\Recent))"]);
  world.box.setFlags(uids(1), () => 4);
  assert.deepEqual(await world.told(), ["1 FETCH (FLAGS (\\Flagged \\Recent))"]);
});

Deno.test("isNews() knows what others changed since the client last heard", async () => {
  using world = await opened(2);
  assert.equal(world.view.isNews(world.box.modseq), false);
  world.box.setFlags(uids(1), () => 1);
  assert.equal(world.view.isNews(world.box.modseq), true);
  world.view.stored(world.box.setFlags(uids(2), () => 1));
  assert.equal(world.view.isNews(world.box.modseq), false);
});

Deno.test("a STORE that changes nothing hides nothing that others changed", async () => {
  using world = await opened(1);
  world.box.setFlags(uids(1), () => 1);
  world.view.stored(world.box.setFlags(uids(1), () => 1));
  assert.deepEqual(await world.told(), ["1 FETCH (FLAGS (\\Seen \\Recent))"]);
});

Deno.test("a session's own changes cost no query, and reach the others of the worker", async () => {
  using world = await opened(3);
  const other = await world.box.view(world.maps);
  const heard = new Heard();
  world.view.stored(world.box.setFlags(uids(2), () => 1));
  assert.deepEqual(await world.told(), []);
  world.view.expunged(world.box.expunge(uids(1)));
  assert.deepEqual(await world.told(), ["1 EXPUNGE", "2 RECENT"]);
  await other.tell(heard.reply, { expunges: true });
  assert.deepEqual(heard.take(), ["1 EXPUNGE", "1 FETCH (FLAGS (\\Seen))"]);
  assert.equal(world.box.queries.changes, 0);
});

Deno.test("a session far behind gets flag changes from the store", async () => {
  using world = await opened(600);
  const late = await world.box.view(world.maps);
  for (let uid = 1; uid <= 600; uid++) {
    world.box.setFlags(uids(uid), () => 1);
    if (uid % 50 === 0) await world.told();
  }
  const heard = new Heard();
  await late.tell(heard.reply, { expunges: true });
  assert.equal(heard.take().filter((line) => line.includes("\\Seen")).length, 600);
});

Deno.test("a bulk change by one session reaches the others whole", async () => {
  using world = await opened(700);
  const other = await world.box.view(world.maps);
  const heard = new Heard();
  world.view.stored(world.box.setFlags(world.box.uids, () => 1));
  await other.tell(heard.reply, { expunges: true });
  assert.equal(heard.take().length, 700);
  assert.deepEqual(await world.told(), []);
});

Deno.test("a keyword that the client does not know is announced before it is used", async () => {
  using world = await opened(1);
  const state = world.box.live.get(1 as Uid);
  assert.ok(state);
  world.box.modseq = 9 as Modseq;
  world.box.live.set(1 as Uid, { ...state, keywords: ["Work"], modseq: 9 as Modseq });
  world.box.notify();
  const lines = await world.told();
  assert.match(lines[0] ?? "", /^FLAGS \(.* Work\)$/);
  assert.match(lines[1] ?? "", /^OK \[PERMANENTFLAGS \(.* Work \\\*\)\]/);
  assert.equal(lines[2], "1 FETCH (FLAGS (Work \\Recent))");
});

Deno.test("recent messages belong to the first read-write session", async () => {
  using world = await opened(2);
  const second = await world.box.view(world.maps);
  assert.deepEqual([world.view.recent, second.recent], [2, 0]);
  world.box.append();
  const readOnly = await world.box.view(world.maps, { readOnly: true });
  assert.equal(readOnly.recent, 1);
  await readOnly.close();
  assert.equal((await world.box.view(world.maps, { readOnly: true })).recent, 1);
  await world.told();
  world.view.close();
  assert.equal((await world.box.view(world.maps)).recent, 0);
});

Deno.test("tell() throws gone when the mailbox was deleted, whoever finds out", async () => {
  using world = await opened(2);
  world.box.deleted = true;
  world.box.notify(null);
  await assert.rejects(world.told(), isGone);
  await assert.rejects(world.told(), isGone);
});

Deno.test("tell() throws gone when a poll misses the mailbox", async () => {
  using world = await opened(2);
  world.box.deleted = true;
  await world.maps.poll();
  await assert.rejects(world.told(), isGone);
});

Deno.test("a lost notice is made good by recheck() and by poll()", async () => {
  using world = await opened(1);
  world.box.notifies = false;
  world.box.append();
  assert.deepEqual(await world.told(), []);
  world.view.recheck();
  assert.deepEqual(await world.told(), ["2 EXISTS", "2 RECENT"]);
  world.box.append();
  await world.maps.poll();
  assert.deepEqual(await world.told(), ["3 EXISTS", "3 RECENT"]);
});

Deno.test("ranges() costs what is written and what exists, not what is spanned", async () => {
  using world = await opened(5);
  world.box.expunge(uids(2, 4));
  await world.told();
  const cases: [set: string, byUid: boolean, uids: string][] = [
    ["1:4294967295", true, "1:5"],
    ["4294967295:*", true, "5"],
    ["2", true, ""],
    ["2:4", true, "3"],
    ["*", true, "5"],
    ["1,1,1,1:1", true, "1"],
    ["*:1", false, "1:5"],
    ["2", false, "3"],
    ["3,1", false, "1,5"],
  ];
  for (const [set, byUid, expected] of cases) {
    assert.equal(`${world.view.uids(SequenceSet.parse(set), byUid)}`, expected, set);
  }
  for (const set of ["4", "1:4", "4:*", "4294967295"]) {
    assert.throws(() => world.view.uids(SequenceSet.parse(set), false), WireError, set);
  }
});

Deno.test("in an empty mailbox * means nothing and 1 is an error", async () => {
  using world = await opened(0);
  assert.equal(world.view.uids(SequenceSet.parse("1:*"), false).isEmpty, true);
  assert.equal(world.view.uids(SequenceSet.parse("1:*"), true).isEmpty, true);
  assert.throws(() => world.view.uids(SequenceSet.parse("1"), false), WireError);
});

Deno.test("flag lists permit nothing in a mailbox that was EXAMINEd", async () => {
  using world = await opened(0, { readOnly: true });
  assert.match(world.view.flagLists[1] ?? "", /^OK \[PERMANENTFLAGS \(\)\]/);
});

function isGone(error: unknown): boolean {
  return error instanceof Refused && error.refusal.kind === "gone";
}
