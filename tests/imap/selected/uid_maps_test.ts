import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Modseq, Uid } from "../../../src/lib/ids.ts";
import { FakeMailbox } from "./fake_mailbox.ts";

Deno.test("open() reads the list once for all sessions, and forgets nobody's", async () => {
  const box = new FakeMailbox();
  box.append(3);
  using maps = box.maps();
  box.delay = () => 2;
  const [a, b] = await Promise.all([maps.open(box.id, box.modseq), maps.open(box.id, box.modseq)]);
  assert.equal(a?.map, b?.map);
  assert.equal(box.queries.uids, 1);
  a?.[Symbol.dispose]();
  a?.[Symbol.dispose]();
  assert.equal(box.listeners, 1);
  b?.[Symbol.dispose]();
  assert.equal(box.listeners, 0);
});

Deno.test("open() catches up when a list was not used for a while", async () => {
  const box = new FakeMailbox();
  box.append(3);
  using maps = box.maps();
  (await maps.open(box.id, box.modseq))[Symbol.dispose]();
  box.append();
  box.expunge([1 as Uid]);
  using again = await maps.open(box.id, box.modseq);
  assert.deepEqual([...again.map.now.uids.subarray(0, again.map.now.count)], [2, 3, 4]);
  assert.equal(box.queries.uids, 1);
});

Deno.test("open() asks nothing when nothing has changed", async () => {
  const box = new FakeMailbox();
  box.append(3);
  using maps = box.maps();
  for (let i = 0; i < 3; i++) (await maps.open(box.id, box.modseq))[Symbol.dispose]();
  assert.deepEqual(box.queries, { uids: 1, changes: 0 });
});

Deno.test("unused lists go when there are too many octets of them", async () => {
  const box = new FakeMailbox();
  box.append(100);
  using maps = box.maps(100);
  (await maps.open(box.id, box.modseq))[Symbol.dispose]();
  (await maps.open(box.id, box.modseq))[Symbol.dispose]();
  assert.equal(box.queries.uids, 2);
});

Deno.test("a notice that comes while the list is read is not lost", async () => {
  const box = new FakeMailbox();
  box.append(1);
  using maps = box.maps();
  const seen = box.modseq;
  const uids = box.messages.uids;
  box.messages.uids = async () => {
    const before = await uids();
    box.append();
    return before;
  };
  using held = await maps.open(box.id, seen);
  assert.equal(held.map.now.count, 2);
});

Deno.test("a failed open leaves nothing behind", async () => {
  const box = new FakeMailbox();
  using maps = box.maps();
  box.deleted = true;
  await assert.rejects(maps.open(box.id, 1 as Modseq));
  assert.equal(box.listeners, 0);
  box.deleted = false;
  using held = await maps.open(box.id, 1 as Modseq);
  assert.equal(held.map.now.count, 0);
});

Deno.test("refresh() is one query for all who wait, and another when news came meanwhile", async () => {
  const box = new FakeMailbox();
  using maps = box.maps();
  using held = await maps.open(box.id, box.modseq);
  box.delay = () => 3;
  box.append();
  const first = [held.map.refresh(), held.map.refresh()];
  for (let turn = 0; turn < 4; turn++) await nextTurn(); // the query has looked by now
  box.append();
  const second = [held.map.refresh(), held.map.refresh()];
  await Promise.all([...first, ...second]);
  assert.equal(held.map.now.count, 2);
  assert.equal(box.queries.changes, 2);
});

Deno.test("refresh() that fails is tried again", async () => {
  const box = new FakeMailbox();
  using maps = box.maps();
  using held = await maps.open(box.id, box.modseq);
  const changes = box.messages.changes;
  box.messages.changes = () => Promise.reject(new Error("no database"));
  box.append();
  await assert.rejects(held.map.refresh(), /no database/);
  box.messages.changes = changes;
  await held.map.refresh();
  assert.equal(held.map.now.count, 1);
});

Deno.test("lists of sessions stay as they were while the map moves on", async () => {
  const box = new FakeMailbox();
  box.append(20);
  using maps = box.maps();
  using held = await maps.open(box.id, box.modseq);
  const snapshots = [{ list: held.map.now, uids: box.uids }];
  for (let i = 0; i < 60; i++) {
    box.append(1 + i % 3);
    if (i % 4 === 0) box.expunge(box.uids.filter((uid) => uid % 7 === i % 7));
    await held.map.refresh();
    snapshots.push({ list: held.map.now, uids: box.uids });
  }
  for (const { list, uids } of snapshots) {
    assert.deepEqual([...list.uids.subarray(0, list.count)], uids);
  }
});

Deno.test("changes of one MODSEQ that do not fit into a page come whole", async () => {
  const box = new FakeMailbox();
  box.append(10);
  using maps = box.maps();
  using held = await maps.open(box.id, box.modseq);
  box.append(5_000);
  box.append(5_000);
  box.expunge(box.uids.slice(0, 2_500));
  await held.map.refresh();
  assert.equal(held.map.now.count, box.live.size);
  assert.deepEqual([...held.map.now.uids.subarray(0, held.map.now.count)], box.uids);
});

Deno.test("an older message that changed again, so that it comes on a later page, is not missed", async () => {
  const box = new FakeMailbox();
  using maps = box.maps();
  using held = await maps.open(box.id, box.modseq);
  for (let n = 0; n < 2_100; n++) box.append();
  box.setFlags([1 as Uid, 2_050 as Uid], () => 1);
  box.expunge([2 as Uid]);
  await held.map.refresh();
  assert.deepEqual([...held.map.now.uids.subarray(0, held.map.now.count)], box.uids);
});

Deno.test("messages that come, change and go while the pages are read are in the list once or never", async () => {
  const box = new FakeMailbox();
  using maps = box.maps();
  using held = await maps.open(box.id, box.modseq);
  for (let n = 0; n < 2_100; n++) box.append();
  const changes = box.messages.changes;
  box.messages.changes = async (...request) => {
    const page = await changes(...request);
    box.setFlags([5 as Uid], (flags) => flags ^ 1);
    box.expunge([6 as Uid]);
    return page;
  };
  await held.map.refresh();
  assert.deepEqual([...held.map.now.uids.subarray(0, held.map.now.count)], box.uids);
});

Deno.test("a second open that fails leaves the first session its notices", async () => {
  const box = new FakeMailbox();
  box.append();
  using maps = box.maps();
  using held = await maps.open(box.id, box.modseq);
  let notices = 0;
  held.map.onNotice(() => notices++);
  const changes = box.messages.changes;
  box.messages.changes = () => Promise.reject(new Error("no database"));
  await assert.rejects(maps.open(box.id, box.modseq + 1 as Modseq), /no database/);
  box.messages.changes = changes;
  notices = 0;
  box.append();
  assert.equal(notices, 1);
});
