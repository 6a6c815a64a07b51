import assert from "node:assert/strict";
import type { Uid } from "../../src/lib/ids.ts";
import { NumberSet } from "../../src/lib/number_set.ts";
import { FLAG } from "../../src/store/flags.ts";
import { startDovecot } from "../support/dovecot.ts";
import { LineClient } from "../support/line_client.ts";
import { shapedMessage } from "../support/mail.ts";
import { ADDRESS, openMigration } from "./migration_fixture.ts";

const OTHER = "other@example.com";
const TIME = "Thu Jan  1 10:20:30 2026";

Deno.test("import mbox reads files and folders, and nothing comes twice", async () => {
  await using fixture = await openMigration();
  const folder = `${fixture.folder}/mail`;
  await Deno.mkdir(`${folder}/Work.sbd`, { recursive: true });
  await Deno.writeTextFile(
    `${folder}/inbox`,
    `From - ${TIME}\nStatus: RO\nSubject: 1\n\n>From me\n\nFrom - ${TIME}\nSubject: 2\n\n\n`,
  );
  await Deno.writeTextFile(`${folder}/Work.sbd/Now`, `From - ${TIME}\nSubject: 3\n\n`);
  await Deno.writeTextFile(`${folder}/Work.msf`, "an index");
  await Deno.writeTextFile(`${folder}/Empty.mbox`, "");
  for (const imported of [3, 0]) {
    const { code, out } = await fixture.admin(
      `import mbox --email ${ADDRESS} --json --path`,
      folder,
    );
    assert.equal(code, 0, out);
    const report = JSON.parse(out);
    assert.deepEqual([report.imported, report.there], [imported, 3 - imported]);
  }
  assert.deepEqual(await fixture.contents("INBOX"), [
    {
      uid: 1,
      flags: FLAG.seen,
      keywords: [],
      date: "2026-01-01T10:20:30.000Z",
      body: "Subject: 1\r\n\r\nFrom me\r\n",
    },
    {
      uid: 2,
      flags: 0,
      keywords: [],
      date: "2026-01-01T10:20:30.000Z",
      body: "Subject: 2\r\n\r\n",
    },
  ]);
  assert.equal((await fixture.contents("Work/Now")).length, 1);
  assert.deepEqual(await fixture.contents("Empty"), []);
  const named = await fixture.admin(
    `import mbox --email ${ADDRESS} --mailbox A/B --path`,
    `${folder}/inbox`,
  );
  assert.match(named.out, /Imported 2 of 2 messages/);
  assert.equal((await fixture.contents("A/B")).length, 2);
  const none = await fixture.admin(
    `import mbox --email ${ADDRESS} --path`,
    `${folder}/Work.msf`,
  );
  assert.equal(none.code, 1);
});

Deno.test("export mbox and import mbox are the same both ways", async () => {
  await using fixture = await openMigration();
  await fixture.accounts.create({ address: OTHER, passwordHash: "{X}" });
  const account = (await fixture.accounts.show(ADDRESS)).id;
  const maildir = `${fixture.folder}/Maildir`;
  await Deno.mkdir(`${maildir}/.a.b/cur`, { recursive: true });
  await Deno.mkdir(`${maildir}/cur`);
  await Deno.writeTextFile(`${maildir}/.a.b/dovecot-keywords`, "0 Later\n1 $Junk\n");
  const forged = `X-UID: 99\nStatus: O\nSubject: forged\n\nFrom x ${TIME}\n>From y\n\nFrom\n`;
  for (let n = 0; n < 24; n++) {
    // An mbox file cannot say that a message has no line end.
    const text = n === 7 ? forged : `${shapedMessage(n).replace(/(?:\r\n)?$/, "\r\n")}`;
    const info = `${["", "S", "FRS", "DT"][n % 4]}${["", "ab"][n % 2]}`;
    await Deno.writeTextFile(`${maildir}/.a.b/cur/${n}.x:2,${info}`, text);
  }
  await fixture.admin(`import maildir --email ${ADDRESS} --path`, maildir);
  // A hole in the UIDs.
  const box = await fixture.mailboxes.find(account, "a/b");
  const first = NumberSet.from([1 as Uid]);
  await fixture.messages.storeFlags(box.id, first, {
    mode: "add",
    flags: FLAG.deleted,
    keywords: [],
  });
  await fixture.messages.expunge(box.id, first);

  const out = `${fixture.folder}/out`;
  const line = `export mbox --email ${ADDRESS} --mailbox-filter a/* --json --path`;
  const exported = await fixture.admin(line, out);
  assert.equal(exported.code, 0, exported.out);
  assert.equal(JSON.parse(exported.out).written, 23);
  assert.equal((await fixture.admin(line, out)).code, 1, "files are there");
  assert.equal((await fixture.admin(`${line} ${out} --overwrite`)).code, 0);

  const back = await fixture.admin(
    `import mbox --email ${OTHER} --preserve-uids --json --path`,
    out,
  );
  assert.equal(back.code, 0, back.out);
  const contents = await fixture.contents("a/b");
  const seconds = (date: string) => `${date.slice(0, 19)}.000Z`;
  const expected = contents.map((one) => ({
    ...one,
    date: seconds(one.date),
    // The fields of mbox programs are no part of a message.
    body: one.body.replace("X-UID: 99\r\nStatus: O\r\n", ""),
  }));
  assert.deepEqual(await fixture.contents("a/b", OTHER), expected);
  const again = JSON.parse(
    (await fixture.admin(`import mbox --email ${OTHER} --preserve-uids --json --path`, out)).out,
  );
  assert.deepEqual([again.imported, again.there], [0, 23]);
});

Deno.test("import mbox --preserve-uids reads what Dovecot wrote", async () => {
  await using dovecot = await startDovecot({
    addresses: [ADDRESS],
    password: "secret",
    format: "mbox",
  });
  if (!dovecot) return;
  await using fixture = await openMigration();
  using client = await LineClient.logIn(dovecot.imapPort, ADDRESS, "secret");
  await client.imap("CREATE Box");
  const body = "Subject: x\r\n\r\nFrom here\r\n\r\nFrom there\r\n";
  for (const flags of ["\\Seen Later", "\\Flagged", "\\Draft $Junk"]) {
    const date = '"02-Jan-2020 03:04:05 +0000"';
    await client.imap(`APPEND Box (${flags}) ${date} {${body.length}+}\r\n${body}`);
  }
  await client.imap("SELECT Box");
  await client.imap("STORE 2 +FLAGS (\\Deleted)");
  await client.imap("EXPUNGE");
  await client.imap("STORE 2 +FLAGS (\\Answered)");
  const status = (await client.imap("STATUS Box (UIDVALIDITY)")).join();
  await client.imap("LOGOUT");
  const { code, out } = await fixture.admin(
    `import mbox --email ${ADDRESS} --preserve-uids --json --path`,
    `${dovecot.mail}/${ADDRESS}/mail/Box`,
  );
  assert.equal(code, 0, out);
  const account = (await fixture.accounts.show(ADDRESS)).id;
  const { uidValidity, uidNext } = await fixture.mailboxes.find(account, "Box");
  assert.match(status, new RegExp(`UIDVALIDITY ${uidValidity}\\b`));
  assert.equal(uidNext, 4);
  const date = "2020-01-02T03:04:05.000Z";
  assert.deepEqual(await fixture.contents("Box"), [
    { uid: 1, flags: FLAG.seen, keywords: ["Later"], date, body },
    { uid: 3, flags: FLAG.draft | FLAG.answered, keywords: ["$Junk"], date, body },
  ]);
});
