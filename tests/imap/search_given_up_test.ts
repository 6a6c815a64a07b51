import assert from "node:assert/strict";
import { Progress } from "../../src/imap/progress.ts";
import { sharedTicker } from "../../src/net/ticker.ts";
import { sql, type Transaction } from "../../src/store/database.ts";
import { imapConfig, makeWorld, type World } from "../support/imap.ts";

const searches = [
  "SEARCH FROM nobody",
  "UID SEARCH RETURN (COUNT) BODY nothing",
  "SORT (SUBJECT) UTF-8 ALL",
  "THREAD REFERENCES UTF-8 ALL",
  "ESEARCH IN (personal) SUBJECT x",
];

for (const search of searches) {
  Deno.test(`who leaves takes ${search} along, also in the database`, async () => {
    await using world = await makeWorld("two-messages");
    const client = await world.login();
    await client.ok("SELECT INBOX");
    await whileLocked(world, async () => {
      await client.writeLine(`s1 ${search}`);
      await until(async () => await waiting(world) > 0, "it never reached the database");
      client.close();
      await until(async () => await waiting(world) === 0, "it still runs");
    });
    const other = await world.login();
    await other.ok("SELECT INBOX");
    await other.ok(search);
  });
}

Deno.test("RFC 9585: a long command says how far it is, every now and then", async () => {
  const lines: string[] = [];
  const now = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(sharedTicker), "now");
  assert.ok(now);
  let nowMs = 1_000;
  Object.defineProperty(sharedTicker, "now", { configurable: true, get: () => nowMs });
  try {
    const reply = { untagged: (line: string) => void lines.push(line) };
    const config = imapConfig();
    const make = (disabledCaps: readonly string[]) =>
      new Progress(
        {
          reply,
          tag: 'a"1',
          services: { config: { ...config, disabledCaps } },
        } as ConstructorParameters<typeof Progress>[0],
      );
    const [on, off] = [make([]), make(["INPROGRESS"])];
    for (const progress of [on, off]) progress.report(1, 100);
    nowMs += 9_999;
    for (const progress of [on, off]) progress.report(2, 100);
    assert.deepEqual(lines, []);
    nowMs += 1;
    for (const progress of [on, off]) progress.report(3, 100);
    for (const progress of [on, off]) progress.report(4, 100);
    nowMs += 10_000;
    on.report(5, 0);
    assert.deepEqual(lines, [
      'OK [INPROGRESS ("a\\"1" 3 100)] Still working',
      'OK [INPROGRESS ("a\\"1" 5 NIL)] Still working',
    ]);
  } finally {
    Reflect.deleteProperty(sharedTicker, "now");
  }
});

/** Nothing can be read from what searches read while `work` runs. */
async function whileLocked(world: World, work: () => Promise<void>): Promise<void> {
  const { db } = world.services.mailboxes;
  await db.transaction(async (tx: Transaction) => {
    await tx.script("LOCK TABLE messages, message_state IN ACCESS EXCLUSIVE MODE");
    await work();
  }, { timeoutMs: 30_000 });
}

/** Statements in this database that wait for a lock. */
async function waiting({ services: { mailboxes: { db } } }: World): Promise<number> {
  const [row] = await db.query<{ count: number }>(sql`
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND state = 'active'`);
  return row?.count ?? 0;
}

async function until(done: () => Promise<boolean>, what: string): Promise<void> {
  for (let turn = 0; turn < 400; turn++) {
    if (await done()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(what);
}
