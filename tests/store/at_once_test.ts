import assert from "node:assert/strict";
import { sql, type Transaction } from "../../src/store/database.ts";
import { changeFlagsAtOnce } from "../../src/store/change_flags.ts";
import { expungeAtOnce } from "../../src/store/expunge.ts";
import { FLAG } from "../../src/store/flags.ts";
import { openFixture, someMessage, uidSet } from "./fixture.ts";

const addDeleted = { mode: "add", flags: FLAG.deleted, keywords: [] } as const;

type Fixture = Awaited<ReturnType<typeof openFixture>>;

/** Runs `first` in a transaction, begins `second` when that holds its locks, and lets both end. */
async function overlapping<T>(
  it: Fixture,
  { first, second }: {
    readonly first: (tx: Transaction) => Promise<unknown>;
    readonly second: () => Promise<T>;
  },
): Promise<T> {
  let result: Promise<T> | undefined;
  await it.db.transaction(async (tx) => {
    await first(tx);
    result = second();
    // WHY: only when it waits for our lock has it taken its snapshot.
    for (;;) {
      const [row] = await it.db.query<{ waiting: number }>(sql`
        SELECT count(*) AS waiting FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE NOT granted AND datname = current_database()`);
      if (row && row.waiting > 0) return;
    }
  });
  assert.ok(result);
  return await result;
}

Deno.test("STORE and EXPUNGE in one statement do all that the long way does", async () => {
  await using it = await openFixture();
  const { id } = it.inbox;
  for (let n = 0; n < 3; n++) await it.messages.append(someMessage(it.inbox));
  const before = await it.mailboxes.get(id);
  assert.ok(before);
  const change = { mode: "add", flags: FLAG.seen | FLAG.deleted, keywords: [] } as const;
  const stored = await changeFlagsAtOnce(it.db, id, { uids: uidSet(1, 3), change });
  assert.deepEqual(stored?.stored.map(({ uid, flags, modseq }) => [uid, flags, modseq]), [
    [1, 9, before.highestModseq + 1],
    [3, 9, before.highestModseq + 1],
  ]);
  assert.equal((await it.mailboxes.get(id))?.unseen, 1);
  const again = await changeFlagsAtOnce(it.db, id, { uids: uidSet(1), change });
  assert.equal(again?.modseq, stored?.modseq, "what changes nothing has no MODSEQ");
  const none = await expungeAtOnce(it.db, id, { uids: uidSet(2) });
  assert.deepEqual([none?.modseq, none?.expunged.size], [stored?.modseq, 0]);
  const gone = await expungeAtOnce(it.db, id, { uids: uidSet(1, 2) });
  assert.equal(gone?.expunged.toString(), "1");
  const after = await it.mailboxes.get(id);
  assert.deepEqual([after?.messages, after?.unseen, after?.highestModseq], [2, 1, gone?.modseq]);
});

Deno.test("STORE in one statement does nothing when somebody else was first", async () => {
  await using it = await openFixture();
  const { id } = it.inbox;
  await it.messages.append(someMessage(it.inbox));
  const result = await overlapping(it, {
    first: (tx) =>
      tx.query(sql`
        WITH box AS (UPDATE mailboxes SET highest_modseq = highest_modseq + 1, unseen = 0
          WHERE id = ${id} RETURNING highest_modseq)
        UPDATE message_state SET flags = 1, modseq = box.highest_modseq FROM box
        WHERE mailbox_id = ${id}`),
    second: () => changeFlagsAtOnce(it.db, id, { uids: uidSet(1), change: addDeleted }),
  });
  assert.equal(result, null);
  const [state] = await it.messages.states(id, uidSet(1));
  assert.equal(state?.flags, FLAG.seen);
  // The store takes the long way then, on top of what the other one did.
  const stored = await it.messages.storeFlags(id, uidSet(1), addDeleted);
  assert.equal(stored.stored[0]?.flags, FLAG.seen | FLAG.deleted);
});

Deno.test("STORE in one statement goes on when the mailbox changed but not its messages", async () => {
  await using it = await openFixture();
  const { id } = it.inbox;
  await it.messages.append(someMessage(it.inbox));
  const result = await overlapping(it, {
    first: (tx) => tx.query(sql`UPDATE mailboxes SET recent_uid = 2 WHERE id = ${id}`),
    second: () => changeFlagsAtOnce(it.db, id, { uids: uidSet(1), change: addDeleted }),
  });
  assert.equal(result?.stored[0]?.flags, FLAG.deleted);
  const after = await it.mailboxes.get(id);
  assert.deepEqual([after?.recentUid, after?.highestModseq], [2, result?.modseq]);
});

Deno.test("EXPUNGE in one statement does nothing when somebody else was first", async () => {
  await using it = await openFixture();
  const { id } = it.inbox;
  await it.messages.append(someMessage(it.inbox, { flags: FLAG.deleted }));
  const result = await overlapping(it, {
    first: (tx) =>
      tx.query(sql`
        WITH box AS (UPDATE mailboxes SET highest_modseq = highest_modseq + 1
          WHERE id = ${id} RETURNING highest_modseq)
        UPDATE message_state SET flags = 0, modseq = box.highest_modseq FROM box
        WHERE mailbox_id = ${id}`),
    second: () => expungeAtOnce(it.db, id, { uids: null }),
  });
  assert.equal(result, null);
  assert.equal((await it.mailboxes.get(id))?.messages, 1);
});

Deno.test("STORE in one statement leaves alone what needs the long way", async () => {
  await using it = await openFixture();
  const { id } = it.inbox;
  await it.messages.append(someMessage(it.inbox));
  const change = { mode: "add", flags: 0, keywords: ["$New"] } as const;
  const store = () => changeFlagsAtOnce(it.db, id, { uids: uidSet(1), change });
  assert.equal(await store(), null, "a keyword that the mailbox does not know");
  await it.messages.storeFlags(id, uidSet(1), change);
  assert.deepEqual((await store())?.stored[0]?.keywords, ["$New"]);
  const otherCase = { ...change, keywords: ["$new"] };
  assert.equal(await changeFlagsAtOnce(it.db, id, { uids: uidSet(1), change: otherCase }), null);
});
