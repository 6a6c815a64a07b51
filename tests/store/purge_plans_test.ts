import assert from "node:assert/strict";
import { type Database, sql } from "../../src/store/database.ts";
import { PurgeStore } from "../../src/store/purge.ts";
import { MailboxPurge } from "../../src/store/purge_mailboxes.ts";
import { RestoreStore } from "../../src/store/restore.ts";
import { RetentionStore } from "../../src/store/retention.ts";
import type { Sql } from "../../src/store/sql.ts";
import { openFixture, someMessage } from "./fixture.ts";

const SIZE = 20_000;

/** A database that writes down what it is asked, and passes it on. */
function spyOn(db: Database, asked: Sql[]): Database {
  return new Proxy(db, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        if (["query", "write"].includes(String(name))) asked.push(args[0] as Sql);
        if (name !== "transaction") return Reflect.apply(member, target, args);
        const [work, options] = args as Parameters<Database["transaction"]>;
        return target.transaction((tx) =>
          work({
            query: (statement) => {
              asked.push(statement);
              return tx.query(statement);
            },
            script: (text) => tx.script(text),
          }), options);
      };
    },
  }) as Database;
}

Deno.test("the statements of the cleaner use their indexes", async () => {
  await using it = await openFixture();
  const { db, inbox } = it;
  await it.messages.append(someMessage(inbox));
  await db.transaction((tx) =>
    tx.query(sql`
      WITH facts AS (INSERT INTO messages SELECT mailbox_id, uid + n, created_modseq, internal_date,
          saved_at, sent_date, size_bytes, header_bytes, sha256(n::text::bytea), object_key, message_id,
          in_reply_to, reference_ids, subject, base_subject, from_text, to_text, cc_text, bcc_text,
          envelope, body_structure, structure, header
          FROM messages, generate_series(1, ${SIZE}::int) AS n),
        gone AS (INSERT INTO expunged_messages
          SELECT ${inbox.id}, n, n, 0, NULL, n % 2 = 0, now() - interval '20 days'
          FROM generate_series(2, ${SIZE / 2}::int) AS n)
      INSERT INTO message_state SELECT ${inbox.id}, n, n, 0, NULL
      FROM generate_series(${SIZE / 2 + 1}::int, ${SIZE}::int) AS n`)
  );
  await db.write(sql`UPDATE mailboxes SET uid_next = ${SIZE + 2} WHERE id = ${inbox.id}`);
  const asked: Sql[] = [];
  const spy = spyOn(db, asked);
  const remove = (keys: readonly string[]) => Promise.resolve(new Set(keys));
  const purge = new PurgeStore(spy);
  const first = await purge.purgeExpunged(null, { graceMs: 1000, remove });
  assert.equal(first.messages, 200);
  assert.ok(first.next);
  await purge.purgeExpunged(first.next, { graceMs: 1000, remove });
  assert.equal(await purge.forgetTombstones(1000), 2000);
  await purge.forgetTexts();
  await purge.purgeMailbox(inbox.id, { after: 0, remove });
  await new MailboxPurge(spy).mark(1000);
  await new MailboxPurge(spy).marked(0);
  const retention = new RetentionStore(spy, it.notices);
  await retention.overdue(0, { everywhereMs: 1000, mailboxes: [{ mailbox: "Trash", ageMs: 1 }] });
  await retention.expungeOld({ mailbox: inbox.id, ageMs: 3_600_000 });
  const restore = new RestoreStore(spy, it.notices);
  const uid = SIZE / 2 - 1 as typeof inbox.uidNext;
  const ids = [{ mailbox: inbox.id, uid }];
  assert.equal((await restore.restore(it.account, ids, inbox.id)).length, 1);
  await restore.copy(it.account, ids, inbox.id);
  assert.ok(asked.length > 25, `${asked.length} statements`);
  for (const analyse of [false, true]) {
    if (analyse) await db.transaction((tx) => tx.script("ANALYZE"));
    for (const statement of asked.filter(({ strings }) => !strings[0]?.includes("LOCK TABLE"))) {
      const lines = await db.transaction((tx) =>
        tx.query<{ "QUERY PLAN": string }>(sql`EXPLAIN ${statement}`.unprepared())
      );
      const plan = lines.map((line) => line["QUERY PLAN"]).join("\n");
      assert.doesNotMatch(plan, /Seq Scan on (?:messages|message_state|expunged_messages)/, plan);
      // WHY: one mailbox may have a million of them.
      const whole =
        /_pkey on (?:messages|expunged_messages)\b.*\n\s+Index Cond: \(mailbox_id = \S+\)\n/;
      if (!/LIMIT|Limit/.test(plan)) assert.doesNotMatch(plan, whole, plan);
    }
  }
});
