import assert from "node:assert/strict";
import type { MailboxId, Modseq } from "../../src/lib/ids.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { Database } from "../../src/store/database.ts";
import { Notices } from "../../src/store/notices.ts";
import { throwawayPostgres } from "../support/postgres.ts";
import { openFixture, someMessage } from "./fixture.ts";

/** Waits until a condition holds; the test's own time limit ends it otherwise. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

Deno.test("a change is told here at once, elsewhere once, and not back to where it happened", async () => {
  await using it = await openFixture();
  const here = it.notices;
  const there = new Notices(it.db, { workerId: "there" });
  const heardHere: (Modseq | null)[] = [];
  const heardThere: (Modseq | null)[] = [];
  await using _here = await here.start();
  await using _there = await there.start();
  here.on(it.inbox.id, (modseq) => heardHere.push(modseq));
  const stop = there.on(it.inbox.id, (modseq) => heardThere.push(modseq));
  const { modseq } = await it.messages.append(someMessage(it.inbox));
  assert.deepEqual(heardHere, [modseq]);
  await until(() => heardThere.length > 0);
  assert.deepEqual(heardThere, [modseq]);
  stop();
  there.changed(it.inbox.id, 99 as Modseq);
  await until(() => heardHere.length > 1);
  assert.deepEqual([heardHere, heardThere], [[modseq, 99], [modseq]]);
});

Deno.test("many changes share few notices, none is lost, the latest MODSEQ wins", async () => {
  await using it = await openFixture();
  const there = new Notices(it.db, { workerId: "there" });
  await using _there = await there.start();
  const heard = new Map<number, number>();
  const count = 3000;
  for (let id = 1; id <= count; id++) {
    there.on(id as MailboxId, (modseq) => heard.set(id, modseq ?? 0));
  }
  for (let id = 1; id <= count; id++) {
    it.notices.changed(id as MailboxId, (2 ** 40 + id) as Modseq);
    it.notices.changed(id as MailboxId, 5 as Modseq);
  }
  await until(() => heard.size === count);
  for (const [id, modseq] of heard) assert.equal(modseq, 2 ** 40 + id);
});

Deno.test("after a lost connection listeners are told to look for themselves", async () => {
  await using server = await throwawayPostgres();
  const observe = { log: logger("test"), metrics: new Metrics() };
  await using db = await Database.open(server.config, observe);
  const notices = new Notices(db, { workerId: "one" });
  const other = new Notices(db, { workerId: "two" });
  await using _listening = await notices.start();
  const heard: (Modseq | null)[] = [];
  notices.on(1 as MailboxId, (modseq) => heard.push(modseq));
  await server.stop("SIGKILL");
  other.changed(1 as MailboxId, 7 as Modseq);
  await server.start();
  await until(() => heard.includes(null));
  other.changed(1 as MailboxId, 8 as Modseq);
  await until(() => heard.includes(8 as Modseq));
});
