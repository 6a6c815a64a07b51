import assert from "node:assert/strict";
import { Progress } from "../../src/imap/progress.ts";
import { sharedTicker } from "../../src/net/ticker.ts";
import { imapConfig, makeWorld } from "../support/imap.ts";
import { until } from "../support/until.ts";
import { waitingStatements } from "./waiting_statements.ts";
import { whileLocked } from "./while_locked.ts";

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
    const { db } = world.services.mailboxes;
    await whileLocked(db, async () => {
      await client.writeLine(`s1 ${search}`);
      await until("it reaches the database", async () => await waitingStatements(db) > 0);
      client.close();
      await until("it is given up", async () => await waitingStatements(db) === 0);
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
