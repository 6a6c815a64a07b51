import assert from "node:assert/strict";
import { ImapFlow } from "imapflow";

/** What a webmail does with ImapFlow, as a program of its own: `imapflow_client.ts PORT USER PASSWORD`. */
const [port, user, password] = Deno.args;
assert.ok(port && user && password);
const message = "From: a@example.net\r\nTo: b@example.net\r\nSubject: from ImapFlow\r\n" +
  "Message-ID: <flow@example.net>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nGrüße\r\n";

const client = new ImapFlow({
  host: "127.0.0.1",
  port: Number(port),
  secure: false,
  doSTARTTLS: false,
  auth: { user, pass: password },
  logger: false,
  qresync: true,
});
await client.connect();
assert.deepEqual(
  (await client.list()).map(({ specialUse }) => specialUse).filter(Boolean).sort(),
  ["\\Archive", "\\Drafts", "\\Inbox", "\\Junk", "\\Sent", "\\Trash"],
);
const created = await client.mailboxCreate(["Work", "Entwürfe"]);
assert.equal(created.path, "Work/Entwürfe");
const appended = await client.append(created.path, message, ["\\Seen"], new Date());
assert.ok(appended && appended.uid === 1);
const lock = await client.getMailboxLock(created.path);
try {
  assert.deepEqual(await client.search({ subject: "imapflow" }, { uid: true }), [1]);
  const fetched = await client.fetchOne("1", {
    uid: true,
    flags: true,
    envelope: true,
    bodyStructure: true,
    source: true,
    threadId: true,
    headers: ["subject"],
  }, { uid: true });
  assert.ok(fetched);
  assert.equal(fetched.envelope?.subject, "from ImapFlow");
  assert.equal(fetched.source?.toString(), message);
  assert.ok(await client.messageFlagsAdd("1", ["\\Flagged", "$Important"], { uid: true }));
  const moved = await client.messageMove("1", "Archive", { uid: true });
  assert.ok(moved && moved.uidMap?.get(1) === 1);
} finally {
  lock.release();
}
const status = await client.status("Archive", {
  messages: true,
  unseen: true,
  highestModseq: true,
});
assert.equal(status.messages, 1);
assert.equal(status.unseen, 0);
const archive = await client.getMailboxLock("Archive");
try {
  for await (const { flags } of client.fetch("1:*", { flags: true })) {
    assert.ok(flags?.has("\\Flagged") && flags.has("$Important"));
  }
  assert.ok(await client.messageDelete("1:*"));
} finally {
  archive.release();
}
await client.mailboxRename("Work", "Done");
await client.mailboxDelete("Done/Entwürfe");
await client.mailboxDelete("Done");
await client.logout();
Deno.stdout.writeSync(new TextEncoder().encode("done\n"));
