import assert from "node:assert/strict";
import type { MailboxId } from "../../src/lib/ids.ts";
import { type Database, sql } from "../../src/store/database.ts";
import { ManifestStore } from "../../src/store/manifests.ts";
import type { Sql } from "../../src/store/sql.ts";
import { openFixture } from "./fixture.ts";

/** More than two statements look at. */
const SIZE = 12_000;
/** One of so many has changed. */
const SHARE = 100;

Deno.test("a look finds what is behind a part at a time, and never reads all mailboxes", async () => {
  await using it = await openFixture();
  const { db } = it;
  await db.transaction(async (tx) => {
    await tx.query(sql`
      INSERT INTO mailboxes (account_id, name, name_key, uid_validity, uid_next, highest_modseq)
      SELECT ${it.account}, 'box' || n, 'box' || n, 1, 10, 50 FROM generate_series(1, ${SIZE}::int) AS n`);
    await tx.query(sql`
      INSERT INTO manifest_progress (mailbox_id, account_id, written_modseq, written_at)
      SELECT id, account_id, 50, now() - interval '1 hour' FROM mailboxes`);
    await tx.query(sql`
      UPDATE mailboxes SET highest_modseq = 51 WHERE id % ${SHARE} = 0 AND uid_next > 1`);
  });
  await db.transaction((tx) => tx.script("ANALYZE"));
  const asked: Sql[] = [];
  const spy = new Proxy(db, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        if (name === "query" || name === "write") asked.push(args[0] as Sql);
        return Reflect.apply(member, target, args);
      };
    },
  }) as Database;
  const manifests = new ManifestStore(spy);
  const due: MailboxId[] = [];
  let behind = 0;
  let looks = 0;
  for (let after: MailboxId | 0 | null = 0; after !== null; looks++) {
    const found: Awaited<ReturnType<ManifestStore["look"]>> = await manifests.look(after, 60_000);
    assert.ok(found.due.every((id) => id > (after ?? 0)));
    due.push(...found.due);
    behind += found.behind;
    assert.ok(found.oldestSeconds >= 3600 && found.oldestSeconds < 4000);
    assert.deepEqual(await manifests.dropped({ after, last: found.last }, 10), []);
    after = found.last;
  }
  assert.equal(looks, 3);
  const ids = new Set(due);
  assert.deepEqual([ids.size, behind], [due.length, due.length]);
  assert.ok(due.every((id) => id % SHARE === 0));
  assert.ok(due.length >= SIZE / SHARE - 1, `${due.length} found`);
  assert.deepEqual((await manifests.look(0, 7_200_000)).due, [], "written lately");
  assert.equal((await manifests.take(due.slice(0, 20), 60_000)).length, 20);
  assert.deepEqual(await manifests.take(due.slice(0, 20), 60_000), [], "somebody is at it");
  for (const statement of asked) {
    const lines = await db.transaction((tx) =>
      tx.query<{ "QUERY PLAN": string }>(sql`EXPLAIN ${statement}`.unprepared())
    );
    const plan = lines.map((line) => line["QUERY PLAN"]).join("\n");
    // WHY this one: of a range of keys that is most of a table, reading all of it is the right way.
    if (statement.strings.some((text) => text.includes("done.obsolete"))) continue;
    assert.doesNotMatch(plan, /Seq Scan on (?:mailboxes|manifest_progress)/, plan);
  }
});
