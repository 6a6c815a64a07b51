import assert from "node:assert/strict";
import { sql } from "../../src/store/database.ts";
import { FLAG } from "../../src/store/messages.ts";
import { uidSet } from "../store/fixture.ts";
import { cleanedOf, expungeAll, keyOf, leftovers, openCleanerFixture } from "./cleaner_fixture.ts";

Deno.test("a deleted mailbox goes with all its rows after the grace period", async () => {
  await using it = await openCleanerFixture();
  const { mailboxes, account, db, blobs, messages } = it;
  const bob = await it.accounts.create({ address: "bob@example.com", passwordHash: "{X}" });
  const before = await leftovers(it);
  const box = await mailboxes.create(account, "Projects");
  for (let i = 0; i < 5; i++) {
    await it.deliver(box, `body ${i}`, { deliveryKey: keyOf(String(i)).slice(-64) as never });
  }
  await it.deliver(it.inbox, "body 4");
  await messages.viewedBy(bob.id).storeFlags(box.id, uidSet(1, 2), {
    mode: "add",
    flags: FLAG.seen,
    keywords: [],
  });
  await db.write(sql`INSERT INTO search_progress VALUES (${box.id}, 5)`);
  await db.write(sql`INSERT INTO scrub_progress (mailbox_id) VALUES (${box.id})`);
  await db.write(sql`
    INSERT INTO damaged_bodies VALUES (${keyOf("body 0")}, ${account}, 'missing')`);
  await db.write(sql`
    INSERT INTO message_texts (account_id, hash, body_text, rest_text, truncated)
    SELECT ${account}, hash, '', '', false FROM messages WHERE mailbox_id = ${box.id}`);
  await messages.move(box.id, uidSet(3), { mailbox: it.inbox.id, account });
  await mailboxes.delete(account, "Projects");
  await it.age(13);
  assert.equal((await cleanedOf(it.clean())).mailboxes, 0);
  await it.age(2);
  const cleaned = await cleanedOf(it.clean());
  assert.deepEqual([cleaned.mailboxes, cleaned.messages, cleaned.objects], [1, 4, 3]);
  assert.deepEqual(
    await Promise.all([0, 1, 2, 3, 4].map((i) => blobs.exists(keyOf(`body ${i}`)))),
    [false, false, true, false, true],
  );
  assert.equal(await it.count("message_texts"), 2, "two of them have the inbox's messages");
  const { messages: _m, message_state: _s, message_texts: _t, ...after } = await leftovers(it);
  const known = { uid_validities: (before["uid_validities"] ?? 0) + 1, deliveries: 1 };
  assert.deepEqual(after, { ...before, ...known }, "the name's UIDVALIDITY stays, and the inbox");
});

Deno.test("a deleted account goes with everything, and its address is free again", async () => {
  await using it = await openCleanerFixture();
  const { accounts, db, inbox, account } = it;
  for (let i = 0; i < 450; i++) await it.deliver(inbox, `body ${i % 300}`);
  await db.write(sql`
    INSERT INTO message_texts (account_id, hash, body_text, rest_text, truncated)
    SELECT DISTINCT ${account}::bigint, hash, '', '', false FROM messages`);
  await db.write(sql`
    INSERT INTO metadata VALUES (0, ${account}, ${account}, '/private/comment', 'x')`);
  await db.write(sql`INSERT INTO damaged_bodies VALUES ('another''s', ${account}, 'missing')`);
  await db.write(sql`
    INSERT INTO rebuilt_accounts (address, finished_at) VALUES ('owner@example.com', now())`);
  await expungeAll(it, await it.mailboxes.find(account, "Trash"));
  await accounts.delete("owner@example.com");
  await it.age(13);
  assert.equal((await cleanedOf(it.clean())).accounts, 0);
  await accounts.restore("owner@example.com");
  assert.equal((await it.messages.uids(inbox.id)).uids.length, 450);
  await accounts.delete("owner@example.com");
  await it.age(15);
  const cleaned = await cleanedOf(it.clean());
  assert.deepEqual([cleaned.accounts, cleaned.messages, cleaned.objects], [1, 450, 300]);
  assert.deepEqual(await leftovers(it), {});
  await accounts.create({ address: "owner@example.com", passwordHash: "{X}" });
});

Deno.test("an account whose purge has begun cannot be restored", async () => {
  await using it = await openCleanerFixture();
  await it.deliver(it.inbox, "body");
  await it.accounts.delete("owner@example.com");
  await it.age(15);
  await cleanedOf(it.clean({ now: () => new Date() })); // the body is too young to go
  assert.equal(await it.count("messages"), 1);
  await assert.rejects(it.accounts.restore("owner@example.com"), /no-such-account/);
  assert.equal((await cleanedOf(it.clean())).accounts, 1);
});

Deno.test("what an account shares with its domain stays, and the account with it", async () => {
  await using it = await openCleanerFixture();
  const { mailboxes, account } = it;
  const tree = { owner: account, domain: "example.com" };
  const shared = await mailboxes.create(tree, "Team", { ownerRights: "lrs" });
  await it.deliver(shared, "ours");
  await it.deliver(it.inbox, "mine");
  await it.accounts.delete("owner@example.com");
  await it.age(15);
  const cleaned = await cleanedOf(it.clean());
  assert.deepEqual([cleaned.accounts, cleaned.mailboxes, cleaned.messages], [0, 6, 1]);
  assert.ok(await it.blobs.exists(keyOf("ours")));
  assert.equal((await it.messages.uids(shared.id)).uids.length, 1);
  await assert.rejects(
    it.accounts.create({ address: "owner@example.com", passwordHash: "{X}" }),
    /account-exists/,
  );
});
