import assert from "node:assert/strict";
import { inconsistencies, someMessage } from "../store/fixture.ts";
import { plainMessage } from "../support/mail.ts";
import { ADDRESS, openMigration } from "./migration_fixture.ts";

const MESSAGES = 2_000;

Deno.test("import maildir into a mailbox that mail is delivered to brings everything, once", async () => {
  await using fixture = await openMigration();
  const root = `${fixture.folder}/Maildir`;
  await Deno.mkdir(`${root}/cur`, { recursive: true });
  const list: string[] = [];
  for (let n = 1; n <= MESSAGES; n++) {
    await Deno.writeTextFile(`${root}/cur/${n}.x:2,`, plainMessage(n));
    list.push(`${n} :${n}.x\n`);
  }
  await Deno.writeTextFile(`${root}/dovecot-uidlist`, `3 V1234 N${MESSAGES + 1}\n${list.join("")}`);
  const account = (await fixture.accounts.show(ADDRESS)).id;
  const inbox = await fixture.mailboxes.find(account, "INBOX");
  const line = `import maildir --email ${ADDRESS} --preserve-uids --json --path`;

  let delivered = 0;
  let isOver = false;
  const delivering = (async () => {
    // Not before the mailbox is somebody's: it would not get the UIDVALIDITY of the source.
    while ((await fixture.mailboxes.find(account, "INBOX")).uidNext === 1);
    while (!isOver) {
      await fixture.messages.append(someMessage(inbox));
      delivered++;
    }
  })();
  const first = JSON.parse((await fixture.admin(line, root)).out);
  isOver = true;
  await delivering;
  assert.equal(first.imported, MESSAGES);
  assert.ok(delivered > 0);
  assert.ok(first.renumbered > 0, "UIDs were taken");
  const again = JSON.parse((await fixture.admin(line, root)).out);
  assert.deepEqual([again.imported, again.there], [0, MESSAGES]);

  const box = await fixture.mailboxes.find(account, "INBOX");
  assert.deepEqual([box.messages, box.uidValidity], [MESSAGES + delivered, 1234]);
  assert.deepEqual(await inconsistencies(fixture.db, box.id), []);
});
