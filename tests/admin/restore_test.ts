import assert from "node:assert/strict";
import { dumpToml } from "../../src/config/dump.ts";
import { embeddedConfig } from "../../src/config/embedded.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { AccountStore } from "../../src/store/accounts.ts";
import { Database, sql } from "../../src/store/database.ts";
import { type Mailbox, MailboxStore } from "../../src/store/mailboxes.ts";
import { FLAG, MessageStore } from "../../src/store/messages.ts";
import { Notices } from "../../src/store/notices.ts";
import { EVERY_UID, someFacts, someMessage, uidSet } from "../store/fixture.ts";
import { RESTORE_MAX } from "../../src/store/restore.ts";
import { testDatabase } from "../support/postgres.ts";
import { type Ran, run } from "./played_terminal.ts";

interface Open extends AsyncDisposable {
  readonly db: Database;
  readonly inbox: Mailbox;
  readonly mailboxes: MailboxStore;
  readonly messages: MessageStore;
  admin(line: string): Promise<Ran>;
  add(subject: string, box?: Mailbox): Promise<number>;
}

async function open(): Promise<Open> {
  const database = await testDatabase();
  const file = await Deno.makeTempFile({ suffix: ".toml" });
  const config = { ...embeddedConfig("/nowhere"), database: database.config };
  await Deno.writeTextFile(file, dumpToml(config, { secrets: true }));
  const observe = { log: logger("test"), metrics: new Metrics() };
  const db = await Database.open(database.config, observe);
  const notices = new Notices(db, { workerId: "test" });
  const mailboxes = new MailboxStore(db, notices);
  const messages = new MessageStore(db, notices);
  const address = "a@example.org";
  const { id } = await new AccountStore(db).create({ address, passwordHash: "{X}" });
  const inbox = await mailboxes.find(id, "INBOX");
  return {
    db,
    inbox,
    mailboxes,
    messages,
    admin: (line) => run([...line.split(" "), "--email", address, "--config", file]),
    async add(subject, box = inbox) {
      const header = new TextEncoder().encode(
        `Subject: ${subject}\r\nFrom: =?utf-8?Q?Andr=C3=A9?= <andre@example.net>\r\n\r\n`,
      );
      const facts = someFacts({ subject, header });
      return (await messages.append(someMessage(box, { facts, flags: FLAG.deleted }))).uid;
    },
    async [Symbol.asyncDispose]() {
      await db[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
      await Deno.remove(file);
    },
  };
}

Deno.test("sora-admin messages list-deleted and restore", async () => {
  await using it = await open();
  const { admin, inbox, messages } = it;
  assert.equal((await admin("messages list-deleted")).out, "No deleted messages\n");
  for (const subject of ["first", "a =?utf-8?Q?se=C3=A7ond?= one", "third"]) {
    await it.add(subject);
    await messages.expunge(inbox.id, null);
  }
  const listed = await admin("messages list-deleted");
  assert.equal(listed.code, 0, listed.err);
  const [heading, newest, middle] = listed.out.split("\n");
  assert.match(heading ?? "", /^ID +DELETED +MAILBOX +FROM +SUBJECT +SIZE$/);
  assert.match(
    newest ?? "",
    new RegExp(`^${inbox.id}:3 .*UTC +INBOX +André <andre@.* third +1000b?$`),
  );
  assert.match(middle ?? "", /a seçond one/);
  assert.match((await admin("messages list-deleted --limit 2")).out, /there may be more/);
  const json = JSON.parse((await admin("messages list-deleted --json")).out);
  assert.deepEqual(
    json.map((
      { id, subject, uid, mailbox }: Record<string, unknown>,
    ) => [id, subject, uid, mailbox]),
    [3, 2, 1].map((uid) => [
      `${inbox.id}:${uid}`,
      ["first", "a seçond one", "third"][uid - 1],
      uid,
      "INBOX",
    ]),
  );
  assert.equal((await admin("messages restore")).code, 64);
  assert.equal((await admin("messages restore --ids 1-2")).code, 64);
  const reversed = await admin(`messages restore --ids 13:1,13:9-5`);
  assert.equal(reversed.code, 64);
  assert.match(reversed.err, /--ids: "13:9-5" ends before it begins/);
  assert.equal((await admin("messages list-deleted --since yesterday")).code, 64);
  assert.equal((await admin("messages list-deleted --limit 0")).code, 64);
  assert.equal((await admin("messages restore --since 2030-01-01")).out, "Restored 0 messages\n");
  const ids = await admin(`messages restore --ids ${inbox.id}:1,${inbox.id}:3-9 --json`);
  assert.deepEqual(JSON.parse(ids.out), { restored: 2 });
  assert.deepEqual((await messages.states(inbox.id, EVERY_UID)).map(({ uid }) => uid), [4, 5]);
  const rest = await admin("messages restore --mailbox inbox --since 1h --to Saved");
  assert.equal(rest.out, "Restored 1 message\n");
  assert.equal((await it.mailboxes.find(inbox.accountId, "Saved")).messages, 1);
});

Deno.test("sora-admin messages restore brings a deleted mailbox back, up to the quota", async () => {
  await using it = await open();
  const { admin, mailboxes, inbox, db } = it;
  const box = await mailboxes.create(inbox.accountId, "Projects/2026");
  for (let i = 0; i < 3; i++) await it.add(`message ${i}`, box);
  await mailboxes.delete(inbox.accountId, "Projects/2026");
  const listed = await admin("messages list-deleted --mailbox projects/2026");
  assert.match(listed.out, /Projects\/2026 \(deleted\)/);
  await db.write(sql`UPDATE quotas SET messages_limit = 2`);
  const refused = await admin("messages restore --mailbox projects/2026");
  assert.deepEqual([refused.code, refused.out], [1, ""]);
  assert.match(refused.err, /the quota is used up/);
  await db.write(sql`UPDATE quotas SET messages_limit = NULL`);
  assert.equal((await admin("messages restore --since 1d")).out, "Restored 3 messages\n");
  assert.equal((await mailboxes.find(inbox.accountId, "Projects/2026")).messages, 3);
});

Deno.test("sora-admin messages restore says what it restored before it could not go on", async () => {
  await using it = await open();
  const { admin, mailboxes, inbox, db, messages } = it;
  const box = await mailboxes.create(inbox.accountId, "Sales");
  await it.add("shared", box);
  await db.write(sql`UPDATE mailboxes SET domain = 'example.org' WHERE id = ${box.id}`);
  await db.write(
    sql`UPDATE mailboxes SET deleted_at = now() - interval '1 h' WHERE id = ${box.id}`,
  );
  const alone = await admin("messages restore --since 1d");
  assert.deepEqual([alone.code, alone.out], [1, ""]);
  assert.match(alone.err, /the shared mailbox "Sales" is deleted/);
  const deleted = someMessage(inbox, { flags: FLAG.deleted });
  await messages.appendAll(Array.from({ length: RESTORE_MAX }, () => deleted));
  await messages.expunge(inbox.id, null);
  const first = await admin("messages restore --since 1d");
  assert.equal(first.code, 1);
  assert.match(first.out, /^Restored 500 messages, then: the shared mailbox "Sales" is deleted/);
});

Deno.test("sora-admin mailbox at lists what there was, and copies it", async () => {
  await using it = await open();
  const { admin, messages, mailboxes, inbox, db } = it;
  for (let i = 1; i <= 3; i++) await it.add(`message ${i}`);
  const hour = sql`interval '1 hour'`;
  await db.write(sql`UPDATE messages SET saved_at = saved_at - ${hour}`);
  await db.write(sql`UPDATE mailboxes SET created_at = created_at - ${hour}`);
  const trash = await mailboxes.find(inbox.accountId, "Trash");
  const target = { mailbox: trash.id, account: inbox.accountId };
  await messages.move(inbox.id, uidSet(2), target);
  await messages.expunge(inbox.id, uidSet(3));
  await it.add("message 4");
  const then = await admin("mailbox at --mailbox inbox --time 30m");
  assert.equal(then.code, 0, then.err);
  const lines = then.out.trimEnd().split("\n");
  assert.match(lines[0] ?? "", /^UID +DATE +FROM +SUBJECT +SIZE +NOW IN$/);
  assert.match(lines[1] ?? "", /^1 .* message 1 .* INBOX$/);
  assert.match(lines[2] ?? "", /^2 .* message 2 .* Trash$/);
  assert.match(lines[3] ?? "", /^3 .* message 3 .* INBOX \(deleted\)$/);
  assert.equal(lines[4], "3 messages");
  const json = JSON.parse((await admin("mailbox at --mailbox INBOX --time 30m --json")).out);
  assert.deepEqual(json.messages[1].now, { mailbox: "Trash", id: `${trash.id}:1`, deleted: false });
  assert.deepEqual([json.lost, json.restored], [0, null]);
  const copied = await admin("mailbox at --mailbox INBOX --time 30m --restore-to Before");
  assert.equal(copied.out, "Copied 3 messages\n");
  assert.equal((await mailboxes.find(inbox.accountId, "Before")).messages, 3);
  const again = await admin("mailbox at --mailbox INBOX --time 30m --restore-to Before");
  assert.equal(again.code, 1);
  assert.equal((await admin("mailbox at --mailbox INBOX --time 2d")).code, 1);
  assert.equal((await admin("mailbox at --mailbox INBOX --time 2999-01-01")).code, 64);
});
