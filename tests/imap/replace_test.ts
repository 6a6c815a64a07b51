import assert from "node:assert/strict";
import { type ImapClient, makeWorld } from "../support/imap.ts";

Deno.test("REPLACE is one change for everybody who looks on", async () => {
  await using world = await makeWorld("two-messages");
  const client = await world.login();
  const watcher = await world.login();
  await client.ok("SELECT INBOX");
  await watcher.ok("SELECT INBOX");
  const replies = await client.literal("UID REPLACE 1 INBOX (\\Draft)", "x: y\r\n");
  assert.match(replies[0] ?? "", /^\* OK \[APPENDUID \d+ 3\] /);
  assert.ok(replies.indexOf("* 1 EXPUNGE") > 0);
  const seen = await watcher.ok("NOOP");
  assert.ok(seen.includes("* 1 EXPUNGE"), seen.join("\n"));
  assert.deepEqual(await watcher.ok("UID SEARCH ALL"), ["* SEARCH 2 3"]);
});

Deno.test("with QRESYNC, REPLACE tells VANISHED and the MODSEQ behind it", async () => {
  await using world = await makeWorld("two-messages");
  const client = await world.login();
  await client.ok("ENABLE QRESYNC");
  await client.ok("SELECT INBOX");
  const replies = await client.literal("UID REPLACE 1 INBOX", "x: y\r\n");
  assert.match(replies[0] ?? "", /^\* OK \[APPENDUID \d+ 3\] /);
  assert.equal(replies[1], "* VANISHED 1");
  const modseq = /^OK \[HIGHESTMODSEQ (\d+)\]/.exec(replies.at(-1) ?? "")?.[1];
  const selected = await client.ok("SELECT INBOX");
  assert.ok(selected.some((line) => line.startsWith(`* OK [HIGHESTMODSEQ ${modseq}]`)));
});

Deno.test("two clients that replace the same message at once add one message", async () => {
  await using world = await makeWorld("two-messages", { workers: 2 });
  const clients = [await world.login(), await world.login({ worker: 1 })] as const;
  for (const client of clients) await client.ok("SELECT INBOX");
  const replies = await Promise.all(
    clients.map((client) => client.literal("UID REPLACE 2 Drafts", "x: y\r\n")),
  );
  assert.deepEqual(replies.map((lines) => lines.at(-1)).sort(), [
    "NO [EXPUNGEISSUED] The message was expunged",
    "OK UID REPLACE completed",
  ]);
  const onlooker = await world.login();
  for (const name of ["Drafts", "INBOX"]) {
    assert.deepEqual(await onlooker.ok(`STATUS ${name} (MESSAGES)`), [
      `* STATUS "${name}" (MESSAGES 1)`,
    ]);
  }
});

Deno.test("opposite REPLACEs between two mailboxes do not stop each other", async () => {
  await using world = await makeWorld("empty", { workers: 2 });
  for (let i = 0; i < 10; i++) {
    await world.deliver("x: y\r\n\r\n");
    await world.deliver("x: y\r\n\r\n", { mailbox: "Drafts" });
  }
  const [a, b] = [await world.login(), await world.login({ worker: 1 })];
  await a.ok("SELECT INBOX");
  await b.ok("SELECT Drafts");
  const replaceAll = async (client: ImapClient, target: string) => {
    for (let uid = 1; uid <= 10; uid++) {
      const replies = await client.literal(`UID REPLACE ${uid} ${target}`, "x: z\r\n\r\n");
      assert.match(replies.at(-1) ?? "", /^OK /);
    }
  };
  await Promise.all([replaceAll(a, "Drafts"), replaceAll(b, "INBOX")]);
  for (const name of ["Drafts", "INBOX"]) {
    const counted = await (await world.login()).ok(`STATUS ${name} (MESSAGES)`);
    assert.deepEqual(counted, [`* STATUS "${name}" (MESSAGES 10)`]);
  }
});

Deno.test("a REPLACE needs only what it adds of the quota", async () => {
  await using world = await makeWorld("two-messages");
  const { quotas } = world.services;
  await quotas.setLimits(world.account.id, { storageBytes: null, messages: 2, mailboxes: null });
  const client = await world.login();
  await client.ok("SELECT INBOX");
  const over = await client.literal("APPEND Sent", "x: y\r\n");
  assert.match(over.at(-1) ?? "", /^NO \[OVERQUOTA\] /);
  const several = await client.command("APPEND Sent {1+}\r\nx {1+}\r\ny");
  assert.match(several.at(-1) ?? "", /^NO \[OVERQUOTA\] /);
  const replaced = await client.literal("REPLACE 1 Sent", "x: y\r\n");
  assert.match(replaced.at(-1) ?? "", /^OK /);
  assert.equal((await quotas.of(world.account.id)).used.messages, 2);
});
