import assert from "node:assert/strict";
import { makeWorld } from "../support/imap.ts";

Deno.test("NOTIFY: what happens in other mailboxes is told without a command", async () => {
  await using world = await makeWorld("two-messages", { workers: 2 });
  const watcher = await world.login({ worker: 1 });
  const other = await world.login();
  const status = await watcher.ok(
    "NOTIFY SET STATUS (personal (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))",
  );
  assert.equal(status.length, 6);
  assert.match(
    status.join("\n"),
    /STATUS "INBOX" \(UIDVALIDITY \d+ UIDNEXT 3 MESSAGES 2 UNSEEN 1\)/,
  );
  await world.deliver("Subject: new\r\n\r\nnew\r\n");
  assert.match(
    await watcher.readLine(),
    /^\* STATUS "INBOX" \(UIDVALIDITY \d+ UIDNEXT 4 MESSAGES 3 UNSEEN 2\)$/,
  );
  await other.ok("SELECT INBOX");
  await other.ok("STORE 2 +FLAGS (\\Seen)");
  assert.match(await watcher.readLine(), /^\* STATUS "INBOX" \(UIDVALIDITY \d+ UNSEEN 1\)$/);
  await other.ok("CREATE Work");
  assert.equal(await watcher.readLine(), '* LIST (\\HasNoChildren) "/" "Work"');
  await other.ok("SUBSCRIBE Work");
  assert.equal(await watcher.readLine(), '* LIST (\\Subscribed \\HasNoChildren) "/" "Work"');
  await other.ok("RENAME Work Done");
  assert.equal(
    await watcher.readLine(),
    '* LIST (\\Subscribed \\HasNoChildren) "/" "Done" ("OLDNAME" ("Work"))',
  );
  await other.ok("DELETE Done");
  assert.equal(await watcher.readLine(), '* LIST (\\NonExistent \\Subscribed) "/" "Done"');
  await watcher.ok("NOTIFY NONE");
  await world.deliver("Subject: unheard\r\n\r\nx\r\n");
  assert.deepEqual(await watcher.ok("NOOP"), []);
});

Deno.test("NOTIFY: the selected mailbox, with what is fetched of new messages", async () => {
  await using world = await makeWorld("two-messages");
  const watcher = await world.login();
  const other = await world.login();
  await watcher.ok("SELECT INBOX");
  await other.ok("SELECT INBOX");
  await watcher.ok(
    "NOTIFY SET (selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)]) MessageExpunge FlagChange))",
  );
  await world.deliver("Subject: new\r\n\r\nnew\r\n");
  assert.equal(await watcher.readLine(), "* 3 EXISTS");
  assert.equal(await watcher.readLine(), "* 3 RECENT");
  assert.equal(
    await watcher.readResponse(),
    "* 3 FETCH (UID 3 BODY[HEADER.FIELDS (SUBJECT)] {16}\r\nSubject: new\r\n\r\n)",
  );
  await other.ok("STORE 1 +FLAGS (\\Deleted)");
  assert.match(await watcher.readLine(), /^\* 1 FETCH \(UID 1 FLAGS \(\\Deleted \\Seen.*\)\)$/);
  await other.ok("EXPUNGE");
  assert.equal(await watcher.readLine(), "* 1 EXPUNGE");
});

Deno.test("NOTIFY: with SELECTED-DELAYED expunges wait for a command", async () => {
  await using world = await makeWorld("two-messages");
  const watcher = await world.login();
  const other = await world.login();
  await watcher.ok("SELECT INBOX");
  await other.ok("SELECT INBOX");
  await watcher.ok("NOTIFY SET (selected-delayed (MessageNew MessageExpunge))");
  await other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)");
  await other.ok("EXPUNGE");
  assert.match(await watcher.readLine(), /^\* 1 FETCH /);
  assert.deepEqual(await watcher.ok("NOOP"), ["* 1 EXPUNGE", "* 1 RECENT"]);
});

Deno.test("NOTIFY: nothing about the selected mailbox when it is not asked for", async () => {
  await using world = await makeWorld("two-messages");
  const watcher = await world.login();
  await watcher.ok("SELECT INBOX");
  await watcher.ok("NOTIFY SET (mailboxes Archive (MessageNew MessageExpunge))");
  await world.deliver("Subject: new\r\n\r\nnew\r\n");
  assert.deepEqual(await watcher.ok("NOOP"), []);
  await world.deliver("Subject: filed\r\n\r\nnew\r\n", { mailbox: "Archive" });
  assert.match(await watcher.readLine(), /^\* STATUS "Archive" \(.*MESSAGES 1 .*\)$/);
});

Deno.test("NOTIFY: annotations, by name", async () => {
  await using world = await makeWorld("empty");
  const watcher = await world.login();
  const other = await world.login();
  await watcher.ok("NOTIFY SET (personal (MailboxMetadataChange ServerMetadataChange))");
  await other.ok('SETMETADATA INBOX (/private/comment "x" /shared/comment "y")');
  assert.equal(await watcher.readLine(), '* METADATA "INBOX" /private/comment /shared/comment');
  await other.ok('SETMETADATA "" (/private/x "1")');
  assert.equal(await watcher.readLine(), '* METADATA "" /private/x');
  await other.ok("SETMETADATA INBOX (/private/comment NIL)");
  assert.equal(await watcher.readLine(), '* METADATA "INBOX" /private/comment');
});
