import assert from "node:assert/strict";
import { Delivery } from "../../src/delivery/delivery.ts";
import { QuotaWarnings } from "../../src/delivery/quota_warnings.ts";
import { logger } from "../../src/observe/log.ts";
import { makeWorld, USER } from "../support/imap.ts";

const LIMITS = { storageBytes: null, messages: 10, mailboxes: null };

Deno.test("a user is warned once at each percentage, and again after having been below it", async () => {
  await using world = await makeWorld("two-messages", { workers: 2 });
  const { accounts, messages, blobs, quotas, spoolDir } = world.services;
  const log = logger("test");
  const delivery = new Delivery({ messages, blobs, log });
  const options = { accounts, delivery, spoolDir, warnAt: [50, 80], log };
  await using warnings = new QuotaWarnings({ ...options, quotas });
  const other = new QuotaWarnings({ ...options, quotas: world.workers[1]?.quotas ?? quotas });
  await using _ = other;
  await quotas.setLimits(world.account.id, LIMITS);
  const client = await world.login();
  const subjects = async () => {
    await Promise.all([warnings.round(), other.round()]);
    await client.ok("SELECT INBOX");
    const found = await client.ok('SEARCH HEADER Auto-Submitted "auto-generated"');
    return (found[0] ?? "").split(" ").length - 2;
  };
  assert.equal(await subjects(), 0);
  for (let n = 0; n < 3; n++) await world.deliver(`Subject: ${n}\r\n\r\nx\r\n`);
  assert.equal(await subjects(), 1);
  assert.equal(await subjects(), 1);
  for (let n = 0; n < 2; n++) await world.deliver(`Subject: ${n}\r\n\r\ny\r\n`);
  assert.equal(await subjects(), 2);
  const [header = ""] = await client.ok("FETCH 9 BODY[HEADER.FIELDS (SUBJECT TO)]");
  assert.match(header, new RegExp(`Subject: Your mailbox is 80% full\r\n`));
  assert.match(header, new RegExp(`To: <${USER}>`));
  await client.ok("STORE 1:7 +FLAGS.SILENT (\\Deleted)");
  await client.ok("EXPUNGE"); // the first warning with it
  assert.equal(await subjects(), 1);
  for (let n = 0; n < 3; n++) await world.deliver(`Subject: ${n}\r\n\r\nz\r\n`);
  assert.equal(await subjects(), 2);
});
