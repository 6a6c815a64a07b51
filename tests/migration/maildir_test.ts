import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { FLAG } from "../../src/store/flags.ts";
import { shapedMessage } from "../support/mail.ts";
import { ADDRESS, type MigrationFixture, openMigration } from "./migration_fixture.ts";

const OTHER = "other@example.com";
const MAIL = "Subject: hello\n\nworld\n";
const STORED = "Subject: hello\r\n\r\nworld\r\n";

/** Files of a Maildir by their path below it, each as old as asked for. */
async function write(
  folder: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<string> {
  const root = `${folder}/Maildir`;
  await Deno.mkdir(`${root}/cur`, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const path = `${root}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeFile(
      path,
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    );
    await Deno.utime(path, new Date("2020-02-03T04:05:06Z"), new Date("2020-02-03T04:05:06Z"));
  }
  return root;
}

async function imported(fixture: MigrationFixture, root: string, more = "") {
  const { code, out, err } = await fixture.admin(
    `import maildir --email ${ADDRESS} --json${more} --path`,
    root,
  );
  assert.equal(err, "");
  return { code, ...JSON.parse(out) };
}

Deno.test("import maildir without UIDs comes once, however often it is run", async () => {
  await using fixture = await openMigration();
  const root = await write(fixture.folder, {
    "cur/1.a:2,S": MAIL,
    "cur/2.twin:2,": MAIL,
    "new/3.b": "Subject: other\r\n\r\nworld\r\n",
    ".Sent/cur/4.c:2,F": MAIL,
    "Work/Now/cur/5.d:2,": MAIL,
    "Work/cur/.hidden": MAIL,
  });
  const first = await imported(fixture, root);
  assert.deepEqual([first.code, first.found, first.imported], [0, 5, 5]);
  const inbox = await fixture.contents("INBOX");
  assert.deepEqual(inbox.map(({ body }) => body).sort(), [
    STORED,
    STORED,
    "Subject: other\r\n\r\nworld\r\n",
  ]);
  assert.equal(inbox[0]?.date, "2020-02-03T04:05:06.000Z");
  assert.equal((await fixture.contents("Work/Now")).length, 1);
  assert.equal((await fixture.contents("Sent"))[0]?.flags, FLAG.flagged);
  for (const more of ["", " --incremental"]) {
    const again = await imported(fixture, root, more);
    assert.deepEqual([again.imported, again.there], [0, 5]);
  }
  assert.deepEqual(await fixture.contents("INBOX"), inbox);
});

Deno.test("import maildir lists what is damaged and goes on", async () => {
  await using fixture = await openMigration();
  const root = await write(fixture.folder, {
    "dovecot-uidlist": "3 V77 N9\n1 :1.a\n2 :2.empty\n3 :3.gz\n4 :4.zst\n5 :5.link\n6 :6.b\n",
    "cur/1.a:2,S": MAIL,
    "cur/2.empty:2,": "",
    "cur/3.gz:2,": gzipSync(MAIL).subarray(0, 20),
    "cur/4.zst:2,": Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0),
    "cur/6.b:2,": gzipSync(MAIL),
    [`.bad\u0007name/cur/1.x:2,`]: MAIL,
  });
  await Deno.symlink("/etc/passwd", `${root}/cur/5.link:2,`);
  const report = await imported(fixture, root, " --preserve-uids");
  assert.equal(report.code, 1);
  const why = report.problems.map((problem: { message: string | null; why: string }) =>
    `${problem.message?.replace(/.*\//, "")} ${problem.why}`
  );
  assert.deepEqual(why.sort(), [
    "2.empty:2, empty",
    "3.gz:2, damaged gzip",
    "4.zst:2, compressed with Zstandard",
    "5.link:2, no regular file",
    "undefined no name for a mailbox: a control character or malformed Unicode",
  ]);
  assert.deepEqual(
    (await fixture.contents("INBOX")).map(({ uid, body }) => [uid, body]),
    [[1, STORED], [6, STORED]],
  );
  // What was mended since has a UID that clients have passed already: it comes with a new one.
  await Deno.writeTextFile(`${root}/cur/2.empty:2,`, "Subject: mended\n\n");
  const untouched = await imported(fixture, root, " --preserve-uids");
  assert.deepEqual([untouched.imported, untouched.there, untouched.gone], [0, 2, 4]);
  const retried = await imported(fixture, root, " --preserve-uids --retry");
  assert.deepEqual([retried.imported, retried.there, retried.skipped], [1, 2, 3]);
  assert.equal((await fixture.contents("INBOX")).at(-1)?.uid, 9);
});

Deno.test("import maildir keeps mail that was delivered meanwhile, and what was deleted away", async () => {
  await using fixture = await openMigration();
  const list = "3 V77 N3\n1 :1.a\n2 :2.b\n";
  const root = await write(fixture.folder, { "dovecot-uidlist": list, "cur/1.a:2,S": MAIL });
  await imported(fixture, root, " --preserve-uids");
  const account = (await fixture.accounts.show(ADDRESS)).id;
  const inbox = await fixture.mailboxes.find(account, "INBOX");
  // UID 3 is given away here, to a copy of UID 1, and UID 1 is expunged.
  const { NumberSet } = await import("../../src/lib/number_set.ts");
  const one = NumberSet.from([1 as typeof inbox.uidNext]);
  await fixture.messages.copy(inbox.id, one, { mailbox: inbox.id, account });
  await fixture.messages.storeFlags(inbox.id, one, {
    mode: "add",
    flags: FLAG.deleted,
    keywords: [],
  });
  await fixture.messages.expunge(inbox.id, one);
  await write(fixture.folder, {
    "dovecot-uidlist": `${list.replace("N3", "N4")}3 :3.c\n`,
    "cur/3.c:2,": "Subject: third\n\n",
  });
  const report = await imported(fixture, root, " --preserve-uids");
  assert.deepEqual([report.imported, report.renumbered, report.there], [1, 1, 1]);
  const kept = (await fixture.contents("INBOX")).map(({ uid, body }) => [uid, body]);
  assert.deepEqual(kept, [[3, STORED], [4, "Subject: third\r\n\r\n"]]);
  const again = await imported(fixture, root, " --preserve-uids");
  assert.deepEqual([again.imported, again.there], [0, 2]);
});

Deno.test("import maildir stops at the quota, and goes on without it", async () => {
  await using fixture = await openMigration();
  const root = await write(
    fixture.folder,
    Object.fromEntries(Array.from({ length: 5 }, (_, n) => [`cur/${n}.x:2,`, `${MAIL}${n}\n`])),
  );
  await fixture.admin(`quota set --email ${ADDRESS} --messages 2`);
  const full = await imported(fixture, root);
  assert.deepEqual([full.code, full.imported, full.ended], [1, 0, "the quota is used up"]);
  const more = await imported(fixture, root, " --ignore-quota");
  assert.deepEqual([more.code, more.imported], [0, 5]);
});

Deno.test("import maildir says what is wrong with what it was given", async () => {
  await using fixture = await openMigration();
  const none = await fixture.admin(`import maildir --email ${ADDRESS} --path`, fixture.folder);
  assert.equal(none.code, 1);
  assert.match(none.err, /is no Maildir/);
  const nobody = await fixture.admin(
    "import maildir --email no@example.com --path",
    fixture.folder,
  );
  assert.equal(nobody.code, 1);
  await write(fixture.folder, { "cur/1.x:2,": MAIL });
  const filtered = await fixture.admin(
    `import maildir --email ${ADDRESS} --mailbox-filter Sent --path`,
    `${fixture.folder}/Maildir`,
  );
  assert.match(filtered.err, /no such mailbox/);
  const jobs = await fixture.admin(`import-maildir --email ${ADDRESS} --jobs 0 --path`, "x");
  assert.equal(jobs.code, 64);
});

Deno.test("import maildir makes no mailbox where shared ones are", async () => {
  await using fixture = await openMigration();
  const config = await Deno.readTextFile(fixture.config);
  await Deno.writeTextFile(
    fixture.config,
    config.replace(/(\[shared_mailboxes\]\n)(?:enabled = \w+\n)?/, "$1enabled = true\n"),
  );
  const root = await write(fixture.folder, { ".shared.x/cur/1.x:2,": MAIL, "cur/2.x:2,": MAIL });
  const report = await imported(fixture, root);
  assert.deepEqual([report.code, report.imported], [1, 1]);
  assert.deepEqual(report.problems, [
    { mailbox: "shared/x", message: null, why: "its name is one of shared mailboxes" },
  ]);
});

Deno.test("export maildir and import maildir are the same both ways", async () => {
  await using fixture = await openMigration();
  const account = (await fixture.accounts.show(ADDRESS)).id;
  await fixture.accounts.create({ address: OTHER, passwordHash: "{X}" });
  const root = await write(
    fixture.folder,
    Object.fromEntries(
      Array.from({ length: 40 }, (_, n) => [
        `${n % 3 === 0 ? "" : n % 3 === 1 ? ".a\\2eb.M&APw-ll/" : ".Sent/"}cur/${n}.x:2,${
          ["", "S", "FRS", "DPT"][n % 4]
        }${n % 5 === 0 ? "b" : ""}`,
        shapedMessage(n),
      ]).concat([["dovecot-keywords", "1 Später\n"], [".Sent/dovecot-keywords", "1 Later\n"]]),
    ),
  );
  assert.equal((await imported(fixture, root)).code, 0);
  await fixture.mailboxes.subscribe(account, "a.b/Müll");
  const out = `${fixture.folder}/out`;
  const exported = await fixture.admin(`export maildir --email ${ADDRESS} --json --path`, out);
  assert.equal(exported.code, 0, exported.out + exported.err);
  assert.deepEqual([JSON.parse(exported.out).written, JSON.parse(exported.out).there], [40, 0]);

  const back = await fixture.admin(
    `import maildir --email ${OTHER} --preserve-uids --json --path`,
    out,
  );
  assert.equal(back.code, 0, back.out);
  const other = (await fixture.accounts.show(OTHER)).id;
  for (const name of ["INBOX", "Sent", "a.b/Müll"]) {
    const contents = await fixture.contents(name);
    assert.ok(contents.length > 10);
    assert.deepEqual(await fixture.contents(name, OTHER), contents);
    const [was, is] = [
      await fixture.mailboxes.find(account, name),
      await fixture.mailboxes.find(other, name),
    ];
    assert.deepEqual([is.uidValidity, is.uidNext], [was.uidValidity, was.uidNext]);
  }
  assert.ok((await fixture.contents("Sent")).some(({ keywords }) => keywords.includes("Later")));
  assert.ok((await fixture.mailboxes.subscriptions(other)).includes("a.b/Müll"));

  const all = { mode: "replace", flags: FLAG.flagged, keywords: [] } as const;
  const sent = await fixture.mailboxes.find(account, "Sent");
  const { EVERY_UID } = await import("../store/fixture.ts");
  await fixture.messages.storeFlags(sent.id, EVERY_UID, all);
  const again = JSON.parse(
    (await fixture.admin(`export-maildir --email ${ADDRESS} --json --path`, out)).out,
  );
  assert.deepEqual([again.written, again.there], [0, 40]);
  for await (const { name } of Deno.readDir(`${out}/.Sent/cur`)) assert.match(name, /:2,F$/);
});
