import assert from "node:assert/strict";
import type { Modseq, Uid } from "../../src/lib/ids.ts";
import { NumberSet } from "../../src/lib/number_set.ts";
import { AccountStore } from "../../src/store/accounts.ts";
import type { Database, TransactionOptions } from "../../src/store/database.ts";
import { MailboxStore } from "../../src/store/mailboxes.ts";
import { MessageStore } from "../../src/store/messages.ts";
import { compile, Sql, sql } from "../../src/store/sql.ts";
import { EVERY_UID, openFixture, someMessage, uidSet } from "./fixture.ts";

/** Messages of each of the mailboxes. */
const SIZE = 20_000;

Deno.test("the statements of a busy server use their indexes", async () => {
  await using it = await openFixture();
  const asked: Sql[] = [];
  const searched = new Set<Sql>();
  const written: Sql[] = [];
  // WHY: the stores' own statements, not copies of them: a database that writes down and passes on.
  const spy = new Proxy(it.db, {
    get(db, name) {
      const member = Reflect.get(db, name);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        if (["query", "read", "write", "search"].includes(String(name))) asked.push(args[0] as Sql);
        if (name === "search") searched.add(args[0] as Sql);
        if (name === "transaction") {
          const [work, options] = args as Parameters<Database["transaction"]>;
          assert.ok(!options?.plannedFreely);
          return db.transaction((tx) => {
            const query = <R>(statement: Sql) => {
              written.push(statement);
              return tx.query<R>(statement);
            };
            return work({ query, script: (text) => tx.script(text) });
          }, options);
        }
        return Reflect.apply(member, db, args);
      };
    },
  }) as Database;
  const messages = new MessageStore(spy, it.notices);
  const mailboxes = new MailboxStore(spy, it.notices);
  const accounts = new AccountStore(spy);
  const boxes = await Promise.all(
    ["a", "b", "c"].map((name) => it.mailboxes.create(it.account, name)),
  );
  for (const box of boxes) {
    await it.messages.append(someMessage(box, { flags: 1 }));
    await it.db.transaction((tx) =>
      tx.query(sql`
        WITH facts AS (INSERT INTO messages SELECT mailbox_id, uid + n, created_modseq,
          internal_date, saved_at, sent_date, size_bytes, header_bytes, hash, object_key, message_id,
          in_reply_to, reference_ids, subject, base_subject, from_text, to_text, cc_text, bcc_text,
          envelope, body_structure, structure, header
          FROM messages, generate_series(1, ${SIZE}::int) AS n WHERE mailbox_id = ${box.id})
        INSERT INTO message_state SELECT mailbox_id, uid + n, n, flags, keywords
        FROM message_state, generate_series(1, ${SIZE}::int) AS n WHERE mailbox_id = ${box.id}`)
    );
    await it.db.write(sql`
      UPDATE mailboxes SET uid_next = ${3 * SIZE}, highest_modseq = ${3 * SIZE}, messages = ${SIZE},
        size_bytes = ${1000 * SIZE} WHERE id = ${box.id}`);
    await it.db.transaction((tx) =>
      tx.query(sql`
        INSERT INTO expunged_messages
        SELECT ${box.id}, ${SIZE}::int + n, n, 0, NULL, false FROM generate_series(1, ${SIZE}::int) AS n`)
    );
  }
  const box = boxes[1];
  assert.ok(box);
  await messages.uids(box.id);
  await messages.changes(box.id, (SIZE - 10) as Modseq, 100);
  await messages.states(box.id, uidSet(5, 17, 19));
  await messages.rows(box.id, NumberSet.of([[100 as Uid, 1099 as Uid]]), { envelope: true });
  await messages.rows(box.id, uidSet(1, 3, 5, 7), { header: true });
  await messages.firstUnseen(box.id);
  const since = (SIZE - 10) as Modseq;
  await messages.changedSince(box.id, { uids: EVERY_UID, since });
  await messages.expungedSince(box.id, { uids: EVERY_UID, since });
  await messages.sort(box.id, { uids: uidSet(5, 17), criteria: [{ by: "date", reverse: false }] });
  const want = { subjects: true, ids: true };
  await Array.fromAsync(messages.threadFacts(box.id, { uids: uidSet(5, 17), want }));
  await messages.expunge(box.id, EVERY_UID);
  await mailboxes.find(it.account, "INBOX");
  await mailboxes.get(box.id);
  await mailboxes.modseqs([box.id]);
  await accounts.credential("owner@example.com");
  await accounts.recipient("owner@example.com");
  await messages.append(someMessage(box));
  const change = { mode: "add", flags: 8, keywords: ["$x"] } as const;
  await messages.storeFlags(box.id, uidSet(5, 100), change);
  await messages.expunge(box.id, uidSet(5));
  await messages.expunge(box.id, null);
  await messages.copy(box.id, uidSet(6, 7), { mailbox: it.inbox.id, account: it.account });
  await messages.move(box.id, NumberSet.of([[6 as Uid, 50 as Uid]]), {
    mailbox: it.inbox.id,
    account: it.account,
  });
  assert.deepEqual([asked.length, written.length], [20, 9]);
  // WHY: a mailbox grows faster than autovacuum looks at it, so both must be good plans.
  for (const analyse of [false, true]) {
    if (analyse) await it.db.transaction((tx) => tx.script("ANALYZE"));
    for (const statement of [...asked, ...written]) {
      const options = { plannedFreely: searched.has(statement) };
      const whole = statement === asked[0];
      check(await customPlan(it.db, statement, options), { whole });
      check(await genericPlan(it.db, statement, options), { whole });
    }
  }
});

/** `whole`: the list of all UIDs is the one statement that reads a whole mailbox. */
function check(plan: string, { whole }: { readonly whole: boolean }): void {
  // WHY: tables of one page are read whole, and rightly so; only the large ones are looked at.
  assert.doesNotMatch(plan, /Seq Scan on (?:messages|message_state|expunged_messages)/, plan);
  // WHY not a hashed sub-plan: it filters the messages of one batch, not the mailbox.
  assert.doesNotMatch(plan, /(?:Filter|Join Filter): (?!.*hashed SubPlan).*\buid\b/, plan);
  if (!whole) assert.doesNotMatch(plan, /_pkey on .*\n\s+Index Cond: \(mailbox_id = \S+\)/, plan);
}

interface Line {
  readonly "QUERY PLAN": string;
}

const asText = (lines: readonly Line[]) => lines.map((line) => line["QUERY PLAN"]).join("\n");

/** How the statement is run for these values. */
async function customPlan(
  db: Database,
  statement: Sql,
  options: TransactionOptions,
): Promise<string> {
  const explain = sql`EXPLAIN ${statement}`.unprepared();
  return asText(await db.transaction((tx) => tx.query<Line>(explain), options));
}

/** How the prepared statement is run for any values: PostgreSQL's choice after five times. */
async function genericPlan(
  db: Database,
  statement: Sql,
  options: TransactionOptions,
): Promise<string> {
  const { text, values } = compile(statement);
  return await db.transaction(async (tx) => {
    await tx.script("SET LOCAL plan_cache_mode = force_generic_plan");
    await tx.script(`PREPARE generic AS ${text}`);
    const nothing = values.map(() => "NULL").join(", ");
    const execute = `EXPLAIN EXECUTE generic${values.length > 0 ? `(${nothing})` : ""}`;
    const plan = asText(await tx.query<Line>(new Sql([execute], []).unprepared()));
    await tx.script("DEALLOCATE generic");
    return plan;
  }, options);
}
