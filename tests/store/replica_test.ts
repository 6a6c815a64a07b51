import assert from "node:assert/strict";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { AccountStore } from "../../src/store/accounts.ts";
import { Database, sql } from "../../src/store/database.ts";
import { MailboxStore } from "../../src/store/mailboxes.ts";
import { MessageStore } from "../../src/store/messages.ts";
import { Notices } from "../../src/store/notices.ts";
import { testDatabase } from "../support/postgres.ts";
import { EVERY_UID, someMessage } from "./fixture.ts";

Deno.test("a replica answers only when it has all that was seen; otherwise the primary", async () => {
  await using main = await testDatabase();
  await using copy = await testDatabase();
  const observe = { log: logger("test"), metrics: new Metrics() };
  await using db = await Database.open({ ...main.config, read: [copy.config.write] }, observe);
  await using replica = await Database.open(copy.config, observe);
  const notices = new Notices(db, { workerId: "test" });
  const accounts = new AccountStore(db);
  const account = await accounts.create({ address: "a@example.com", passwordHash: "" });
  const inbox = await new MailboxStore(db, notices).find(account.id, "INBOX");
  const messages = new MessageStore(db, notices);
  await messages.append(someMessage(inbox, { flags: 1 }));
  // WHY: an ordinary database that lags as this test says takes the place of a replica.
  const lagging = new AccountStore(replica);
  await lagging.create({ address: "a@example.com", passwordHash: "" });
  const flags = async () => {
    const [state] = await messages.states(inbox.id, EVERY_UID);
    const [row] = await messages.rows(inbox.id, EVERY_UID, {});
    const found = await messages.search(inbox.id, { flagsSet: 16 });
    return [state?.flags, row?.flags, found.uids.length];
  };
  assert.deepEqual(await flags(), [1, 1, 0]);
  const theirs = new MessageStore(replica, new Notices(replica, { workerId: "copy" }));
  const copied = await new MailboxStore(replica, notices).find(account.id, "INBOX");
  assert.equal(copied.id, inbox.id);
  await theirs.append(someMessage(copied, { flags: 16 }));
  assert.deepEqual(await flags(), [16, 16, 1]);
  await messages.storeFlags(inbox.id, EVERY_UID, { mode: "replace", flags: 2, keywords: [] });
  assert.deepEqual(await flags(), [2, 2, 0]);
  await replica.write(sql`UPDATE mailboxes SET highest_modseq = 100`);
  assert.deepEqual(await flags(), [16, 16, 1]);
});
