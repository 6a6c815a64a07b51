import assert from "node:assert/strict";
import {
  ADMINISTRATOR,
  makeWorld,
  PASSWORD,
  TWO_MESSAGES,
  USER,
  type World,
} from "../support/imap.ts";

const MESSAGE = `Subject: x\r\n\r\n${"y".repeat(1_000)}\r\n`;

Deno.test("SETQUOTA: RFC 9208 §4.1.3, an administrator limits what others may keep", async () => {
  await using world = await makeWorld("two-messages");
  const { accounts } = world.services;
  const [ada] = await accounts.list();
  const passwordHash = ada?.credentials[0]?.passwordHash ?? "";
  await accounts.create({ address: ADMINISTRATOR, passwordHash });
  const admin = await world.connect();
  await admin.ok(`LOGIN ${ADMINISTRATOR} ${PASSWORD}`);
  const octets = TWO_MESSAGES[0].length + TWO_MESSAGES[1].length;
  assert.equal(Math.ceil(octets / 1024), 1);
  assert.deepEqual(await admin.ok(`SETQUOTA ${USER} (STORAGE 512 MESSAGE 10 MAILBOX 7)`), [
    `* QUOTA ${USER} (STORAGE 1 512 MESSAGE 2 10 MAILBOX 6 7)`,
  ]);
  // What is not named is no longer limited.
  assert.deepEqual(await admin.ok(`SETQUOTA ${USER} (MESSAGE 3)`), [
    `* QUOTA ${USER} (MESSAGE 2 3)`,
  ]);
  assert.deepEqual(await admin.ok(`GETQUOTA ${USER}`), [`* QUOTA ${USER} (MESSAGE 2 3)`]);

  const client = await world.login();
  await client.ok(append("INBOX"));
  assert.match((await client.command(append("Archive"))).at(-1) ?? "", /^NO \[OVERQUOTA\] /);
  await client.ok("SELECT INBOX");
  assert.match((await client.command("COPY 1 Archive")).at(-1) ?? "", /^NO \[OVERQUOTA\] /);
  await client.ok("MOVE 1 Archive");
  assert.deepEqual(await client.ok(`GETQUOTA ""`), [`* QUOTA ${USER} (MESSAGE 3 3)`]);
  await client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)");
  await client.ok("EXPUNGE");
  assert.deepEqual(await client.ok(`GETQUOTA ""`), [`* QUOTA ${USER} (MESSAGE 2 3)`]);
  await client.ok("COPY 1 Archive");
  await client.ok("UNSELECT");
  await client.ok("RENAME Archive Old");
  await client.ok("DELETE Old");
  assert.deepEqual(await client.ok(`GETQUOTA ""`), [`* QUOTA ${USER} (MESSAGE 1 3)`]);
});

Deno.test("CREATE: RFC 9208 §5.3 MAILBOX", async () => {
  await using world = await makeWorld("empty");
  await world.services.quotas.setLimits(world.account.id, limits({ mailboxes: 7 }));
  const client = await world.login();
  await client.ok("CREATE Work");
  const [refused = ""] = (await client.command("CREATE More")).slice(-1);
  assert.match(refused, /^NO \[OVERQUOTA\] /);
});

Deno.test("APPEND: fifty at once, at one below the limit, over two workers", async () => {
  await using world = await makeWorld("empty", { workers: 2 });
  await world.services.quotas.setLimits(world.account.id, limits({ messages: 1 }));
  const results = await Promise.all(
    Array.from({ length: 10 }, async (_, n) => {
      const client = await world.login({ worker: n % 2 });
      const mailbox = ["INBOX", "Archive", "Sent"][n % 3];
      return await Promise.all(
        Array.from({ length: 5 }, async () => (await client.command(append(mailbox ?? ""))).at(-1)),
      );
    }),
  );
  const replies = results.flat();
  assert.equal(replies.filter((reply) => reply?.startsWith("OK ")).length, 1);
  assert.equal(replies.filter((reply) => reply?.startsWith("NO [OVERQUOTA]")).length, 49);
  assert.equal((await world.services.quotas.of(world.account.id)).used.messages, 1);
  await usageIsTrue(world);
});

Deno.test("usage is what the mailboxes hold, whatever was done", async () => {
  await using world = await makeWorld("two-messages");
  const client = await world.login();
  await client.ok("SELECT INBOX");
  for (const text of ["COPY 1:2 Archive", "COPY 1:2 INBOX", "MOVE 1 Sent", "COPY 1:* Sent"]) {
    await client.ok(text);
  }
  await client.ok("STORE 1 +FLAGS (\\Deleted)");
  await client.ok("CLOSE");
  await client.ok("RENAME INBOX Old/New");
  await client.ok("DELETE Archive");
  await usageIsTrue(world);
});

async function usageIsTrue({ services: { mailboxes, quotas }, account }: World): Promise<void> {
  const boxes = await mailboxes.list(account.id);
  const { used } = await quotas.of(account.id);
  assert.equal(used.messages, boxes.reduce((sum, { messages }) => sum + messages, 0));
  assert.equal(used.storageBytes, boxes.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
}

function append(mailbox: string): string {
  return `APPEND ${mailbox} {${MESSAGE.length}+}\r\n${MESSAGE}`;
}

function limits(some: { readonly messages?: number; readonly mailboxes?: number }) {
  return { storageBytes: null, messages: null, mailboxes: null, ...some };
}
