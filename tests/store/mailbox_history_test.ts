import assert from "node:assert/strict";
import type { Uid } from "../../src/lib/ids.ts";
import { type Database, sql } from "../../src/store/database.ts";
import { type HeldPage, MailboxHistory } from "../../src/store/mailbox_history.ts";
import type { Sql } from "../../src/store/sql.ts";
import { type Fixture, openFixture, someMessage } from "./fixture.ts";

const AN_HOUR_AGO = new Date(Date.now() - 3_600_000);
/** Messages that were moved from INBOX to Trash. */
const MOVED = 3_000;
const LIMIT = 10;

/** All of them had been in INBOX for an hour at that time. */
async function moveAway({ db, messages, mailboxes, account, inbox }: Fixture): Promise<void> {
  const trash = await mailboxes.find(account, "Trash");
  await messages.append(someMessage(trash));
  await db.transaction((tx) =>
    tx.query(sql`
      INSERT INTO messages
      SELECT (jsonb_populate_record(message, jsonb_build_object('uid', uid + n))).*
      FROM messages AS message, generate_series(1, ${MOVED - 1}::int) AS n
      WHERE mailbox_id = ${trash.id}`)
  );
  await db.write(sql`
    INSERT INTO expunged_messages (mailbox_id, uid, modseq, flags, moved, moved_to, moved_uid, saved_at,
      expunged_at)
    SELECT ${inbox.id}, 2 * n, n, 0, true, ${trash.id}, n, now() - interval '2 hours', now()
    FROM generate_series(1, ${MOVED}::int) AS n`);
}

Deno.test("MailboxHistory reads no more than a page for a page", async () => {
  await using it = await openFixture();
  await moveAway(it);
  const asked: Sql[] = [];
  const spy = new Proxy(it.db, {
    get: (db, name) => async (statement: Sql) => {
      assert.equal(name, "search");
      asked.push(statement);
      return await db.search(statement);
    },
  }) as Database;
  await new MailboxHistory(spy).held(it.inbox.id, { at: AN_HOUR_AGO, after: 0, limit: LIMIT });
  const [statement] = asked;
  assert.ok(statement);
  const explain = sql`EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) ${statement}`.unprepared();
  for (const analyse of [false, true]) {
    if (analyse) await it.db.transaction((tx) => tx.script("ANALYZE"));
    const lines = await it.db.search<{ "QUERY PLAN": string }>(explain);
    const plan = lines.map((line) => line["QUERY PLAN"]).join("\n");
    const rows = [...plan.matchAll(/ rows=(\d+)/g)].map(([, count]) => Number(count));
    assert.ok(rows.length > 0 && Math.max(...rows) <= 2 * LIMIT, plan);
  }
});

Deno.test("MailboxHistory goes on behind a page of which nothing is left", async () => {
  await using it = await openFixture();
  await moveAway(it);
  await it.db.write(sql`
    UPDATE expunged_messages SET moved_to = NULL WHERE uid > 20 AND uid <= ${2 * MOVED - 20}`);
  const history = new MailboxHistory(it.db);
  const uids: number[] = [];
  let pages = 0;
  for (let after: Uid | 0 | null = 0; after !== null; pages++) {
    const options = { at: AN_HOUR_AGO, after, limit: MOVED / 3 };
    const page: HeldPage = await history.held(it.inbox.id, options);
    uids.push(...page.messages.map(({ then }) => then.uid));
    after = page.next;
  }
  const ten = Array.from({ length: 10 }, (_, n) => 2 * n + 2);
  assert.deepEqual(uids, [...ten, ...ten.map((uid) => uid + 2 * MOVED - 20)]);
  assert.equal(pages, 4);
});
