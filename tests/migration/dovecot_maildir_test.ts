import assert from "node:assert/strict";
import { FLAG } from "../../src/store/flags.ts";
import { giveToDovecot, startDovecot } from "../support/dovecot.ts";
import { LineClient } from "../support/line_client.ts";
import { ADDRESS, openMigration } from "./migration_fixture.ts";

const PASSWORD = "secret";

const message = (n: number) =>
  `From: a@example.net\r\nSubject: number ${n}\r\n\r\nHello\r\n.\r\nFrom here, ${n}\r\n`;

/** A mailbox with holes in its UIDs, flags, keywords and dates; and names of all kinds. */
async function fill(client: LineClient): Promise<void> {
  await client.imapLine();
  await client.imap(`LOGIN ${ADDRESS} ${PASSWORD}`);
  for (let n = 1; n <= 6; n++) {
    const flags = n % 2 === 0 ? "(\\Seen $Forwarded Later)" : "(\\Flagged)";
    const body = message(n);
    await client.imap(
      `APPEND INBOX ${flags} "0${n}-Jan-2020 12:34:56 +0000" {${body.length}+}\r\n${body}`,
    );
  }
  for (const name of ['"Arbeit.M&APw-ll"', '"W.X.Y"', '"odd~name 1"']) {
    await client.imap(`CREATE ${name}`);
  }
  await client.imap('SUBSCRIBE "Arbeit.M&APw-ll"');
  await client.imap(`APPEND "W.X.Y" (\\Draft) {${message(9).length}+}\r\n${message(9)}`);
  await client.imap("SELECT INBOX");
  await client.imap("STORE 3 +FLAGS (\\Deleted)");
  await client.imap("EXPUNGE");
  await client.imap("STORE 5 +FLAGS (\\Answered \\Deleted Work/Home)");
}

Deno.test("import maildir --preserve-uids takes over what Dovecot wrote, and is repeatable", async () => {
  await using dovecot = await startDovecot({ addresses: [ADDRESS], password: PASSWORD });
  if (!dovecot) return;
  await using fixture = await openMigration();
  using client = await LineClient.dial(dovecot.imapPort);
  await fill(client);
  const status = (await client.imap("STATUS INBOX (UIDVALIDITY UIDNEXT)")).join();
  const path = `${dovecot.mail}/${ADDRESS}`;
  const line = `import maildir --email ${ADDRESS} --preserve-uids --json --path`;

  const dry = JSON.parse((await fixture.admin(`${line} ${path} --dry-run`)).out);
  assert.equal(dry.imported, 6);
  assert.deepEqual(await fixture.contents("INBOX"), []);

  const first = await fixture.admin(`${line} ${path}`);
  assert.equal(first.code, 0, first.err + first.out);
  const report = JSON.parse(first.out);
  assert.equal(report.imported, 6);
  assert.deepEqual(report.problems, []);
  const account = (await fixture.accounts.show(ADDRESS)).id;
  const inbox = await fixture.mailboxes.find(account, "INBOX");
  assert.match(status, new RegExp(`UIDVALIDITY ${inbox.uidValidity}\\b`));
  assert.equal(inbox.uidNext, 7);
  assert.equal(inbox.recentUid, 7);
  const contents = await fixture.contents("INBOX");
  const even = { flags: FLAG.seen, keywords: ["$Forwarded", "Later"] };
  assert.deepEqual(
    contents,
    [
      { n: 1, flags: FLAG.flagged, keywords: [] },
      { n: 2, ...even },
      { n: 4, ...even },
      { n: 5, flags: FLAG.flagged, keywords: [] },
      {
        n: 6,
        flags: even.flags | FLAG.answered | FLAG.deleted,
        keywords: ["$Forwarded", "Later", "Work/Home"],
      },
    ].map(({ n, ...rest }) => ({
      uid: n,
      ...rest,
      date: `2020-01-0${n}T12:34:56.000Z`,
      body: message(n),
    })),
  );
  assert.equal((await fixture.contents("W/X/Y"))[0]?.flags, FLAG.draft);
  assert.ok((await fixture.mailboxes.subscriptions(account)).includes("Arbeit/Müll"));
  await fixture.mailboxes.find(account, "odd~name 1");

  const again = JSON.parse((await fixture.admin(`${line} ${path}`)).out);
  assert.deepEqual([again.imported, again.there, again.subscribed], [0, 6, 0]);
  assert.deepEqual(await fixture.contents("INBOX"), contents);

  await client.imap(`APPEND INBOX {${message(7).length}+}\r\n${message(7)}`);
  const more = JSON.parse((await fixture.admin(`${line} ${path}`)).out);
  assert.deepEqual([more.imported, more.there], [1, 6]);
  assert.deepEqual((await fixture.contents("INBOX")).at(-1)?.uid, 7);

  // What was read there since is read here, when that is asked for.
  await client.imap("STORE 1 FLAGS (\\Seen New)");
  const kept = JSON.parse((await fixture.admin(`${line} ${path}`)).out);
  assert.deepEqual([kept.updated, (await fixture.contents("INBOX"))[0]?.flags], [0, FLAG.flagged]);
  const updated = JSON.parse((await fixture.admin(`${line} ${path} --update-flags`)).out);
  assert.deepEqual([updated.imported, updated.there, updated.updated], [0, 7, 1]);
  const [changed] = await fixture.contents("INBOX");
  assert.deepEqual([changed?.flags, changed?.keywords], [FLAG.seen, ["New"]]);
});

Deno.test("Dovecot serves what export maildir wrote, with the same UIDs", async () => {
  await using dovecot = await startDovecot({ addresses: [ADDRESS], password: PASSWORD });
  if (!dovecot) return;
  await using fixture = await openMigration();
  const source = `${fixture.folder}/Maildir`;
  await Deno.mkdir(`${source}/.a\\2eb.M&APw-ll/cur`, { recursive: true });
  await Deno.mkdir(`${source}/cur`);
  await Deno.writeTextFile(`${source}/dovecot-keywords`, "0 Later\n");
  await Deno.writeTextFile(`${source}/dovecot-uidlist`, "3 V1234 N12\n4 :4.x\n9 :9.x\n");
  for (const name of ["cur/4.x:2,Sa", "cur/9.x:2,P", ".a\\2eb.M&APw-ll/cur/1.x:2,F"]) {
    await Deno.writeTextFile(`${source}/${name}`, message(name.length));
    await Deno.utime(`${source}/${name}`, 1_577_934_245, 1_577_934_245);
  }
  await fixture.admin(`import maildir --email ${ADDRESS} --preserve-uids --path`, source);
  const path = `${dovecot.mail}/${ADDRESS}`;
  assert.equal((await fixture.admin(`export maildir --email ${ADDRESS} --path`, path)).code, 0);
  await giveToDovecot(path);

  using client = await LineClient.logIn(dovecot.imapPort, ADDRESS, PASSWORD);
  const status = await client.imap("STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY)");
  assert.match(status.join(), /\(MESSAGES 2 UIDNEXT 12 UIDVALIDITY 1234\)/);
  await client.imap("EXAMINE INBOX");
  const lines = await client.imap("UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE)");
  const fetched = lines.filter((line) => line.includes("FETCH (")).map((line) =>
    line.replace("\\Recent ", "").replace(" \\Recent", "")
  );
  const date = 'INTERNALDATE "02-Jan-2020 03:04:05 +0000"';
  assert.deepEqual(fetched, [
    `* 1 FETCH (UID 4 FLAGS (\\Seen Later) ${date} RFC822.SIZE ${message(11).length})`,
    `* 2 FETCH (UID 9 FLAGS ($Forwarded) ${date} RFC822.SIZE ${message(11).length})`,
  ]);
  const subscribed = (await client.imap('LSUB "" "*"')).join();
  for (const name of ["INBOX", "Drafts", "Trash"]) assert.ok(subscribed.includes(name));
});
