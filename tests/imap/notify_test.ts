import assert from "node:assert/strict";
import { unavailable } from "../../src/lib/refused.ts";
import { type ImapClient, makeWorld, PASSWORD, SHARING } from "../support/imap.ts";

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

const EVERYTHING = "(MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange " +
  "MailboxMetadataChange ServerMetadataChange)";

/** What happens in `work` happens while the client is told nothing, amid a command of its own. */
async function unheard(
  client: ImapClient,
  work: () => Promise<unknown>,
  mailbox = "Junk",
): Promise<string[]> {
  const text = "Subject: own\r\n\r\nown\r\n";
  await client.writeLine(`u1 APPEND ${mailbox} {${text.length}}`);
  assert.equal(await client.readLine(), "+ OK");
  await work();
  await client.writeLine(text);
  return await client.until("u1");
}

Deno.test("NOTIFY: RFC 8437 §3, UNAUTHENTICATE ends it, and nobody hears of another's mailboxes", async () => {
  await using world = await makeWorld("empty");
  await world.addAccount("bob@example.org");
  const client = await world.login();
  const ada = await world.login();
  await client.ok(`NOTIFY SET (personal ${EVERYTHING}) (selected (MessageNew MessageExpunge))`);
  await client.ok("UNAUTHENTICATE");
  await ada.ok("CREATE Secret");
  await client.ok(`LOGIN bob@example.org ${PASSWORD}`);
  await ada.ok("CREATE Secret2");
  await new Promise((done) => setTimeout(done, 300));
  assert.deepEqual(await client.ok("NOOP"), []);
  await client.ok("SELECT INBOX");
  await client.literal("APPEND INBOX", "Subject: x\r\n\r\nx\r\n");
  assert.deepEqual(await client.ok("SEARCH ALL"), ["* SEARCH 1"]);
});

Deno.test("NOTIFY: RFC 5465 §5.8, after an overflow as after NONE", async () => {
  await using world = await makeWorld("empty");
  const watcher = await world.login();
  await watcher.ok("SELECT INBOX");
  await watcher.ok("NOTIFY SET (personal (MailboxName))");
  await unheard(watcher, async () => {
    for (let n = 0; n < 501; n++) {
      await world.services.mailboxes.create(world.account.id, `many${n}`);
    }
  });
  assert.match(await watcher.readLine(), /^\* OK \[NOTIFICATIONOVERFLOW\] /);
  await world.deliver("Subject: told as ever\r\n\r\nx\r\n");
  assert.deepEqual(await watcher.ok("NOOP"), ["* 1 EXISTS", "* 1 RECENT"]);
});

Deno.test("NOTIFY: what happens while it begins is told", async () => {
  await using world = await makeWorld("empty");
  const watcher = await world.login();
  const { access, mailboxes } = world.services;
  const list = access.list.bind(access);
  access.list = async (user) => {
    access.list = list;
    const before = await list(user);
    await mailboxes.create(world.account.id, "Meanwhile");
    return before;
  };
  await watcher.ok("NOTIFY SET (personal (MailboxName))");
  assert.equal(await watcher.readLine(), '* LIST (\\HasNoChildren) "/" "Meanwhile"');
});

Deno.test("NOTIFY: one that fails leaves the one before in force", async () => {
  await using world = await makeWorld("empty");
  const watcher = await world.login();
  const other = await world.login();
  await watcher.ok("NOTIFY SET (personal (MailboxName))");
  const { access } = world.services;
  const list = access.list.bind(access);
  access.list = () => {
    access.list = list;
    throw unavailable("database", new Error("gone for a moment"));
  };
  const [answer] = await watcher.command("NOTIFY SET (personal (SubscriptionChange))");
  assert.match(answer ?? "", /^NO \[UNAVAILABLE\]/);
  await other.ok("CREATE Work");
  assert.equal(await watcher.readLine(), '* LIST (\\HasNoChildren) "/" "Work"');
});

Deno.test("NOTIFY: RFC 5465 §3.1, what has happened before in the selected mailbox is told at once", async () => {
  await using world = await makeWorld("two-messages");
  const watcher = await world.login();
  await watcher.ok("SELECT INBOX");
  await world.deliver("Subject: new\r\n\r\nnew\r\n");
  assert.deepEqual(await watcher.ok("NOTIFY SET (personal (MailboxName))"), [
    "* 3 EXISTS",
    "* 3 RECENT",
  ]);
});

Deno.test("NOTIFY: every new message is fetched, however many there are, but none of one's own", async () => {
  await using world = await makeWorld("two-messages");
  const watcher = await world.login();
  await watcher.ok("SELECT INBOX");
  await watcher.ok("NOTIFY SET (selected (MessageNew (UID) MessageExpunge))");
  const news = async () => {
    for (let n = 0; n < 70; n++) await world.deliver(`Subject: ${n}\r\n\r\nx\r\n`);
  };
  const told = await unheard(watcher, news, "INBOX");
  assert.match(told.join("\n"), /^\* 73 EXISTS$/m);
  const fetched: string[] = [];
  for (let n = 0; n < 70; n++) fetched.push(await watcher.readLine());
  assert.deepEqual(
    fetched,
    Array.from({ length: 70 }, (_, n) => `* ${n + 3} FETCH (UID ${n + 3})`),
  );
  assert.deepEqual(await watcher.ok("COPY 1 INBOX"), ["* 74 EXISTS", "* 74 RECENT"]);
  await world.deliver("Subject: last\r\n\r\nx\r\n");
  assert.equal(await watcher.readLine(), "* 75 EXISTS");
  assert.equal(await watcher.readLine(), "* 75 RECENT");
  assert.equal(await watcher.readLine(), "* 75 FETCH (UID 75)");
});

Deno.test("NOTIFY: mail in a mailbox that is new, or new again, is told", async () => {
  await using world = await makeWorld("empty");
  const watcher = await world.login();
  const other = await world.login();
  await watcher.ok(`NOTIFY SET (personal ${EVERYTHING})`);
  await unheard(watcher, async () => {
    await other.ok("CREATE New");
    await world.deliver("Subject: 1\r\n\r\nx\r\n", { mailbox: "New" });
  }, "Junk");
  const told = [await watcher.readLine(), await watcher.readLine(), await watcher.readLine()];
  assert.match(told.join("\n"), /LIST \(\\HasNoChildren\) "\/" "New"\n/);
  assert.match(told.join("\n"), /STATUS "New" \(UIDVALIDITY \d+ UIDNEXT 2 MESSAGES 1 UNSEEN 1\)/);
  assert.match(told.join("\n"), /STATUS "Junk" /);
  await unheard(watcher, async () => {
    await other.ok("DELETE New");
    await other.ok("CREATE New");
  }, "Sent");
  const again = [await watcher.readLine(), await watcher.readLine(), await watcher.readLine()];
  assert.match(again.join("\n"), /STATUS "New" \(UIDVALIDITY \d+ UIDNEXT 1 MESSAGES 0 UNSEEN 0\)/);
});

Deno.test("NOTIFY: RFC 5465 §5.4, the direct parent is affected", async () => {
  await using world = await makeWorld("empty");
  const watcher = await world.login();
  const other = await world.login();
  await other.ok("CREATE Work");
  await watcher.ok("NOTIFY SET (mailboxes Work (MailboxName))");
  await other.ok("CREATE Work/Done");
  assert.equal(await watcher.readLine(), '* LIST (\\HasChildren) "/" "Work"');
  await other.ok("DELETE Work/Done");
  assert.equal(await watcher.readLine(), '* LIST (\\HasNoChildren) "/" "Work"');
});

Deno.test("NOTIFY: who may list a mailbox, but not read it, is told just that", async () => {
  await using world = await makeWorld("empty", {
    sharing: { enabled: true, allowUserCreate: true },
  });
  await world.addAccount("bob@example.org");
  const ada = await world.login();
  const bob = await world.login({ user: "bob@example.org" });
  await ada.ok("CREATE Shared/Team");
  await ada.ok("SETACL Shared/Team bob@example.org l");
  assert.deepEqual(
    await bob.ok(
      `NOTIFY SET STATUS (subtree Shared (MessageNew MessageExpunge MailboxMetadataChange))`,
    ),
    ['* LIST (\\NoAccess \\HasNoChildren) "/" "Shared/Team"'],
  );
  await ada.ok('SETMETADATA Shared/Team (/shared/comment "for readers")');
  await ada.literal("APPEND Shared/Team", "Subject: x\r\n\r\nx\r\n");
  await ada.ok("SETACL Shared/Team bob@example.org lr");
  assert.equal(await bob.readLine(), '* LIST (\\HasNoChildren) "/" "Shared/Team"');
});

Deno.test("NOTIFY: whoever is granted a mailbox, or may see its annotations, hears of it at once", async () => {
  await using world = await makeWorld("empty", { sharing: SHARING, workers: 2 });
  await world.addAccount("bob@example.org");
  const ada = await world.login();
  const bob = await world.login({ user: "bob@example.org", worker: 1 });
  await bob.ok(`NOTIFY SET (subtree Users ${EVERYTHING})`);
  await ada.ok("CREATE Team");
  await ada.ok("SETACL Team bob@example.org lr");
  assert.equal(await bob.readLine(), '* LIST (\\HasNoChildren) "/" "Users/ada@example.org/Team"');
  assert.equal(
    await bob.readLine(),
    '* LIST (\\NonExistent \\HasChildren) "/" "Users/ada@example.org"',
  );
  await ada.ok('SETMETADATA Team (/shared/comment "x" /private/comment "not for Bob")');
  assert.equal(await bob.readLine(), '* METADATA "Users/ada@example.org/Team" /shared/comment');
});

Deno.test("NOTIFY: what is known of the mailboxes counts as memory of the session", async () => {
  const config = { sessionMemoryLimitBytes: 20_000 };
  await using world = await makeWorld("empty", { config });
  const watcher = await world.login();
  const other = await world.login();
  for (let n = 0; n < 5; n++) await watcher.ok(`NOTIFY SET (personal ${EVERYTHING})`);
  for (let n = 0; n < 15; n++) await other.ok(`CREATE box${n}`);
  let line = await watcher.readLine();
  while (line.startsWith("* LIST")) line = await watcher.readLine();
  assert.match(line, /^\* OK \[NOTIFICATIONOVERFLOW\]/);
  const [answer] = await watcher.command(`NOTIFY SET (personal ${EVERYTHING})`);
  assert.match(answer ?? "", /^NO \[NOTIFICATIONOVERFLOW\]/);
  assert.deepEqual(await watcher.ok("NOOP"), []);
});

Deno.test("NOTIFY: nobody listens any more for a client that leaves amid a look", async () => {
  await using world = await makeWorld("empty");
  const watcher = await world.login();
  const { access, mailboxes: { notices } } = world.services;
  let listeners = 0;
  const on = notices.on.bind(notices);
  notices.on = (mailbox, listener) => {
    listeners++;
    const stop = on(mailbox, listener);
    return () => {
      listeners--;
      stop();
    };
  };
  await watcher.ok("NOTIFY SET (personal (MailboxName))");
  assert.ok(listeners > 0);
  const begun = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const list = access.list.bind(access);
  access.list = async (user) => {
    begun.resolve();
    await left.promise;
    return await list(user);
  };
  await world.services.mailboxes.create(world.account.id, "Work");
  await begun.promise;
  watcher.close();
  while (listeners > 0) await new Promise((done) => setTimeout(done, 5));
  left.resolve();
  await new Promise((done) => setTimeout(done, 100));
  assert.equal(listeners, 0);
});
