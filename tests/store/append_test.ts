import assert from "node:assert/strict";
import type { Uid } from "../../src/lib/ids.ts";
import { NumberSet } from "../../src/lib/number_set.ts";
import { unavailable } from "../../src/lib/refused.ts";
import { type Database, sql } from "../../src/store/database.ts";
import { MessageStore } from "../../src/store/messages.ts";
import { EVERY_UID, hashOf, inconsistencies, openFixture, someMessage, uidSet } from "./fixture.ts";

/** The last UID there is: RFC 3501 §9 `nz-number`. */
const LAST_UID = 4_294_967_295;

Deno.test("append() to many mailboxes at once, from several processes, stays exact", async () => {
  await using it = await openFixture();
  const boxes = await Promise.all(
    Array.from({ length: 8 }, (_, n) => it.mailboxes.create(it.account, `Box ${n}`)),
  );
  const stores = Array.from({ length: 3 }, () => new MessageStore(it.db, it.notices));
  const done = await Promise.all(
    stores.flatMap((store, which) =>
      Array.from({ length: 160 }, async (_, n) => {
        const box = boxes[n % boxes.length] ?? it.inbox;
        // Every process delivers the first half of each mailbox's messages, so two are duplicates.
        const deliveryKey = n < 80 ? hashOf(`${n}`) : hashOf(`${which} ${n}`);
        const keywords = n % 20 === 0 ? ["$Junk"] : [];
        const appended = await store.append(someMessage(box, { deliveryKey, keywords }));
        return { box: box.id, ...appended };
      })
    ),
  );
  for (const box of boxes) {
    assert.deepEqual(await inconsistencies(it.db, box.id), []);
    const here = done.filter((one) => one.box === box.id);
    const fresh = here.filter(({ duplicate }) => !duplicate).map(({ uid }) => uid);
    assert.equal(fresh.length, 10 + 3 * 10);
    const { uids } = await it.messages.uids(box.id);
    assert.deepEqual(fresh.sort((a, b) => a - b), [...uids]);
    for (const { uid, duplicate } of here) if (duplicate) assert.ok(uids.includes(uid));
  }
});

Deno.test("append() to a mailbox that is locked holds up nobody else", async () => {
  await using it = await openFixture();
  const other = await it.mailboxes.create(it.account, "Other");
  const waiting = await it.db.transaction(async (tx) => {
    await tx.query(sql`SELECT id FROM mailboxes WHERE id = ${it.inbox.id} FOR UPDATE`);
    let arrived = false;
    const locked = Array.from({ length: 3 }, () => it.messages.append(someMessage(it.inbox)));
    void locked[0]?.then(() => arrived = true);
    for (let n = 1; n <= 20; n++) {
      assert.equal((await it.messages.append(someMessage(other))).uid, n);
    }
    assert.ok(!arrived);
    return locked;
  });
  const appended = await Promise.all(waiting);
  assert.deepEqual(appended.map(({ uid }) => uid), [1, 2, 3]);
});

Deno.test("append() says what was stored, also when the UID of a duplicate cannot be found", async () => {
  await using it = await openFixture();
  const key = hashOf("delivery");
  await it.messages.append(someMessage(it.inbox, { deliveryKey: key }));
  const trouble = new Proxy(it.db, {
    get(db, name) {
      if (name === "query") return () => Promise.reject(unavailable("database", new Error("cut")));
      const member = Reflect.get(db, name);
      return typeof member === "function" ? member.bind(db) : member;
    },
  }) as Database;
  const messages = new MessageStore(trouble, it.notices);
  const done = await Promise.allSettled([
    messages.append(someMessage(it.inbox)),
    messages.append(someMessage(it.inbox, { deliveryKey: key })),
    messages.append(someMessage(it.inbox)),
  ]);
  assert.deepEqual(done.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  assert.equal((await it.messages.uids(it.inbox.id)).uids.length, 3);
});

Deno.test("a mailbox without UIDs left refuses what is one too many, and only that", async () => {
  await using it = await openFixture();
  const { inbox, mailboxes, messages } = it;
  const full = await mailboxes.create(it.account, "Full");
  const other = await mailboxes.create(it.account, "Other");
  await it.db.write(sql`UPDATE mailboxes SET uid_next = ${LAST_UID - 1} WHERE id = ${full.id}`);
  const done = await Promise.allSettled([
    ...Array.from({ length: 4 }, () => messages.append(someMessage(full))),
    messages.append(someMessage(other)),
  ]);
  const limit = { refusal: { kind: "limit", what: "UIDs of a mailbox" } };
  assert.deepEqual(
    done.map((one) => one.status === "fulfilled" ? one.value.uid : one.reason.refusal.kind),
    [LAST_UID - 1, LAST_UID, "limit", "limit", 1],
  );
  await messages.append(someMessage(inbox));
  await assert.rejects(messages.append(someMessage(full, { keywords: ["$k"] })), limit);
  await assert.rejects(
    messages.copy(inbox.id, EVERY_UID, { mailbox: full.id, account: it.account }),
    limit,
  );
  await assert.rejects(
    messages.move(inbox.id, EVERY_UID, { mailbox: full.id, account: it.account }),
    limit,
  );
  await messages.storeFlags(full.id, uidSet(LAST_UID), { mode: "add", flags: 8, keywords: [] });
  assert.equal((await messages.expunge(full.id, null)).expunged.size, 1);
  for (const box of [inbox, full, other]) {
    assert.deepEqual(await inconsistencies(it.db, box.id), []);
  }
});

Deno.test("storeFlags(), copy(), move() and expunge() of 12,000 messages are all or nothing", async () => {
  await using it = await openFixture();
  const { inbox, messages, mailboxes } = it;
  const count = 12_000;
  await messages.append(someMessage(inbox));
  await it.db.transaction(async (tx) => {
    const more = sql`generate_series(1, ${count - 1}::int) AS n WHERE mailbox_id = ${inbox.id}`;
    await tx.query(sql`
      INSERT INTO messages SELECT mailbox_id, 2 * n + 1, created_modseq, internal_date, saved_at,
        sent_date, size_bytes, header_bytes, hash, object_key, message_id, in_reply_to,
        reference_ids, subject, base_subject, from_text, to_text, cc_text, bcc_text, envelope,
        body_structure, structure, header FROM messages, ${more}`);
    await tx.query(sql`
      INSERT INTO message_state SELECT mailbox_id, 2 * n + 1, modseq, 0,
        CASE WHEN n % 100 = 0 THEN ARRAY['$old'] END FROM message_state, ${more}`);
    await tx.query(sql`
      UPDATE mailboxes SET messages = ${count}, unseen = ${count}, size_bytes = ${count} * 1000,
        uid_next = ${2 * count}, keywords = '{$old}' WHERE id = ${inbox.id}`);
  });
  const before = await mailboxes.get(inbox.id);
  // Only the last message is one that cannot take the flag.
  const last = 2 * count - 1;
  const many = Array.from({ length: 50 }, (_, n) => `k${n}`);
  await messages.storeFlags(inbox.id, uidSet(last), { mode: "add", flags: 0, keywords: many });
  const add = { mode: "add", flags: 1, keywords: ["$new"] } as const;
  await assert.rejects(messages.storeFlags(inbox.id, EVERY_UID, add), {
    refusal: { kind: "too-many-keywords", limit: 50 },
  });
  assert.equal((await mailboxes.get(inbox.id))?.unseen, count);
  const result = await messages.storeFlags(
    inbox.id,
    NumberSet.of([[1 as Uid, last - 1 as Uid]]),
    add,
  );
  const every = Array.from({ length: count - 1 }, (_, n) => 2 * n + 1);
  assert.deepEqual(result.stored.map(({ uid }) => uid), every);
  assert.ok(result.stored.every(({ modseq, flags }) => modseq === result.modseq && flags === 1));
  assert.deepEqual(result.stored[100]?.keywords, ["$new", "$old"]);
  assert.deepEqual(result.stored[101]?.keywords, ["$new"]);
  const box = await mailboxes.get(inbox.id);
  assert.deepEqual(box?.keywords, [...before?.keywords ?? [], ...many, "$new"]);
  assert.equal(box?.unseen, 1);
  assert.equal(box?.highestModseq, result.modseq);

  const to = await mailboxes.create(it.account, "To");
  await messages.append(someMessage(to));
  const copied = await messages.copy(inbox.id, EVERY_UID, { mailbox: to.id, account: it.account });
  assert.deepEqual(copied.source, [...every, last]);
  assert.deepEqual(copied.target, Array.from({ length: count }, (_, n) => n + 2));
  const moved = await messages.move(inbox.id, EVERY_UID, { mailbox: to.id, account: it.account });
  assert.deepEqual(moved.target, Array.from({ length: count }, (_, n) => n + count + 2));
  await messages.storeFlags(to.id, EVERY_UID, { mode: "add", flags: 8, keywords: [] });
  assert.equal((await messages.expunge(to.id, EVERY_UID)).expunged.size, 2 * count + 1);
  for (const id of [inbox.id, to.id]) assert.deepEqual(await inconsistencies(it.db, id), []);
});
