import assert from "node:assert/strict";
import { type ImapClient, makeWorld } from "../../support/imap.ts";

Deno.test("IDLE hears at once of mail, flags and expunges on another worker", async () => {
  await using world = await makeWorld("two-messages", { workers: 2 });
  const [idler, other] = [await world.login(), await world.login({ worker: 1 })];
  await idler.ok("SELECT INBOX");
  await other.ok("SELECT INBOX");
  await idler.writeLine("i IDLE");
  assert.equal(await idler.readLine(), "+ idling");
  await world.deliver("Subject: new\r\n\r\n\r\n", { worker: 1 });
  assert.equal(await idler.readLine(), "* 3 EXISTS");
  assert.equal(await idler.readLine(), "* 3 RECENT");
  await other.ok("UID STORE 2 +FLAGS (\\Flagged)");
  assert.equal(await idler.readLine(), "* 2 FETCH (FLAGS (\\Flagged \\Recent))");
  await other.ok("UID STORE 1 +FLAGS.SILENT (\\Deleted)");
  assert.equal(await idler.readLine(), "* 1 FETCH (FLAGS (\\Deleted \\Seen \\Recent))");
  await other.ok("EXPUNGE");
  assert.equal(await idler.readLine(), "* 1 EXPUNGE");
  assert.equal(await idler.readLine(), "* 2 RECENT");
  await idler.writeLine("DONE");
  assert.equal(await idler.readLine(), "i OK IDLE completed");
});

Deno.test("IDLE speaks the client's own language: QRESYNC and UIDONLY, on two workers", async () => {
  await using world = await makeWorld("two-messages", { workers: 2 });
  const [resync, uidOnly, other] = [
    await world.login(),
    await world.login({ worker: 1 }),
    await world.login({ worker: 1 }),
  ];
  await resync.ok("ENABLE QRESYNC");
  await uidOnly.ok("ENABLE UIDONLY");
  for (const client of [resync, uidOnly, other]) await client.ok("SELECT INBOX");
  for (const client of [resync, uidOnly]) {
    await client.writeLine("i IDLE");
    assert.equal(await client.readLine(), "+ idling");
  }
  await other.ok("STORE 2 +FLAGS.SILENT (\\Flagged)");
  assert.match(await resync.readLine(), /^\* 2 FETCH \(UID 2 MODSEQ \(4\) FLAGS \(\\Flagged/);
  assert.match(await uidOnly.readLine(), /^\* 2 UIDFETCH \(FLAGS \(\\Flagged/);
  await other.ok("UID MOVE 1 Trash");
  for (const client of [resync, uidOnly]) {
    assert.equal(await client.readLine(), "* VANISHED 1");
    await client.writeLine("DONE");
    const lines = await client.until("i");
    assert.deepEqual(lines.at(-1), "OK IDLE completed");
  }
});

Deno.test("IDLE works without a mailbox, and ends without a word when the client leaves", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  await client.writeLine("i IDLE");
  assert.equal(await client.readLine(), "+ idling");
  await client.writeLine("done");
  assert.equal(await client.readLine(), "i OK IDLE completed");
  await client.writeLine("j IDLE");
  assert.equal(await client.readLine(), "+ idling");
  client.close();
});

Deno.test("no EXPUNGE is told while FETCH, STORE or SEARCH by number runs", async () => {
  await using world = await makeWorld("two-messages");
  const [client, other] = [await world.login(), await world.login()];
  await client.ok("SELECT INBOX");
  await other.ok("SELECT INBOX");
  await other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)");
  await other.ok("EXPUNGE");
  for (const command of ["FETCH 2 UID", "SEARCH ALL", "STORE 2 +FLAGS.SILENT (\\Seen)"]) {
    const lines = await client.ok(command);
    assert.ok(!lines.some((line) => line.endsWith("EXPUNGE")), command);
  }
  assert.deepEqual(await client.ok("FETCH 2 UID"), ["* 2 FETCH (UID 2)"]);
  assert.deepEqual(await client.ok("NOOP"), ["* 1 EXPUNGE", "* 1 RECENT"]);
});

Deno.test("STORE.SILENT is silent about itself, not about others", async () => {
  await using world = await makeWorld("two-messages");
  const [client, other] = [await world.login(), await world.login()];
  await client.ok("SELECT INBOX");
  await other.ok("SELECT INBOX");
  assert.deepEqual(await client.ok("STORE 1:2 +FLAGS.SILENT (\\Draft)"), []);
  await other.ok("STORE 2 +FLAGS.SILENT (\\Answered)");
  assert.deepEqual(await client.ok("STORE 1:2 +FLAGS.SILENT (\\Flagged)"), [
    "* 2 FETCH (FLAGS (\\Answered \\Flagged \\Draft \\Recent))",
  ]);
  assert.deepEqual(await client.ok("NOOP"), []);
});

Deno.test("STORE: replaces, removes, ignores \\Recent, keeps one spelling of a keyword", async () => {
  await using world = await makeWorld("two-messages");
  const client = await world.login();
  await client.ok("SELECT INBOX");
  const flags = async (command: string) =>
    (await client.ok(command)).at(-1)?.match(/FLAGS (\(.*\))\)$/)?.[1];
  assert.equal(await flags("STORE 2 FLAGS (\\Seen Work)"), "(\\Seen Work \\Recent)");
  assert.equal(await flags("STORE 2 +FLAGS WORK"), "(\\Seen Work \\Recent)");
  assert.equal(await flags("STORE 2 -FLAGS (\\Seen work \\Recent)"), "(\\Recent)");
  assert.equal(await flags("STORE 2 FLAGS \\Answered \\Draft"), "(\\Answered \\Draft \\Recent)");
  assert.equal(await flags("STORE 2 FLAGS ()"), "(\\Recent)");
  assert.equal(await flags("STORE 2 FLAGS NIL"), "(\\Recent)");
  const many = Array.from({ length: 60 }, (_, n) => `k${n}`).join(" ");
  assert.match((await client.command(`STORE 2 +FLAGS (${many})`)).at(-1) ?? "", /^NO \[LIMIT\]/);
  for (
    const bad of ["STORE 2 FLAG ()", "STORE 2 ++FLAGS ()", "STORE 2 FLAGS", "STORE 2 FLAGS (\\)"]
  ) {
    assert.match((await client.command(bad)).at(-1) ?? "", /^BAD /, bad);
  }
});

Deno.test("EXPUNGE leaves a message alone that the client was never told of", async () => {
  await using world = await makeWorld("two-messages");
  const client = await world.login();
  await client.ok("SELECT INBOX");
  await client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)");
  await world.deliver("Subject: x\r\n\r\n\r\n", { flags: 8 });
  assert.deepEqual(await client.ok("EXPUNGE"), ["* 1 EXPUNGE", "* 2 EXISTS"]);
  assert.deepEqual(await client.ok("UID EXPUNGE 1:*"), ["* 2 EXPUNGE", "* 1 RECENT"]);
});

Deno.test("UID commands with nothing to do are OK, and answer without a code", async () => {
  await using world = await makeWorld("two-messages");
  const client = await world.login();
  await client.ok("SELECT INBOX");
  const commands = [
    "FETCH 9 FLAGS",
    "STORE 9 +FLAGS (x)",
    "COPY 9 Trash",
    "MOVE 9 Trash",
    "EXPUNGE 9",
  ];
  for (const command of commands) {
    const name = command.split(" ")[0];
    assert.deepEqual(await client.command(`UID ${command}`), [`OK UID ${name} completed`]);
  }
});

Deno.test("EXAMINE refuses every change, and CLOSE after it expunges nothing", async () => {
  await using world = await makeWorld("two-messages");
  const client = await world.login();
  await client.ok("SELECT INBOX");
  await client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)");
  await client.ok("EXAMINE INBOX");
  for (const command of ["STORE 1 FLAGS ()", "EXPUNGE", "UID EXPUNGE 1", "MOVE 1 Trash"]) {
    assert.match((await client.command(command)).at(-1) ?? "", /^NO \[READ-ONLY\]/, command);
  }
  await client.ok("CLOSE");
  assert.ok((await client.ok("SELECT INBOX")).includes("* 2 EXISTS"));
});

Deno.test("a mailbox that is deleted while selected ends the session with BYE", async () => {
  await using world = await makeWorld("empty", { workers: 2 });
  const [client, idler, other] = [
    await world.login(),
    await world.login(),
    await world.login({ worker: 1 }),
  ];
  await other.ok("CREATE Short");
  await client.ok("SELECT Short");
  await idler.ok("SELECT Short");
  await idler.writeLine("i IDLE");
  await idler.readLine();
  await other.ok("DELETE Short");
  assert.match(await idler.readLine(), /^\* BYE /);
  await client.writeLine("x NOOP");
  assert.match(await client.readLine(), /^\* BYE /);
});

Deno.test("what is said about a mailbox that was deleted while selected", async () => {
  // Command, and its tagged reply. Whoever leaves the mailbox anyway has nothing to complain about.
  const cases = [
    ["CHECK", /^x OK CHECK completed$/],
    ["STORE 1 +FLAGS (\\Seen)", /^x NO \[NONEXISTENT\] The mailbox no longer exists$/],
    ["EXPUNGE", /^x NO \[NONEXISTENT\] The mailbox no longer exists$/],
    ["MOVE 1 Trash", /^x NO \[NONEXISTENT\] The mailbox no longer exists$/],
    ["COPY 1 Trash", /^x NO \[NONEXISTENT\] The mailbox no longer exists$/],
    ["CLOSE", /^x OK CLOSE completed$/],
    ["UNSELECT", /^x OK UNSELECT completed$/],
    ["SELECT INBOX", /^x OK \[READ-WRITE\] /],
  ] as const;
  await using world = await makeWorld("empty", { workers: 2 });
  const other = await world.login({ worker: 1 });
  for (const [command, reply] of cases) {
    const client = await world.login();
    await other.ok("CREATE Short");
    await world.deliver("Subject: x\r\n\r\n\r\n", { mailbox: "Short" });
    await client.ok("SELECT Short");
    await other.ok("DELETE Short");
    await client.writeLine(`x ${command}`);
    const lines: string[] = [];
    while (!lines.at(-1)?.startsWith("x ")) lines.push(await client.readResponse());
    assert.match(lines.at(-1) ?? "", reply, command);
    const goesOn = ["CLOSE", "UNSELECT", "SELECT INBOX"].includes(command);
    assert.equal(lines.some((line) => line.startsWith("* BYE ")), !goesOn, command);
    if (goesOn) await client.ok("NOOP");
    else assert.equal(await client.tryLine(), null);
  }
});

Deno.test("a mailbox that is renamed while selected goes on", async () => {
  await using world = await makeWorld("empty");
  const [client, other] = [await world.login(), await world.login()];
  await other.ok("CREATE Old");
  await client.ok("SELECT Old");
  await other.ok("RENAME Old New");
  await world.deliver("Subject: x\r\n\r\n\r\n", { mailbox: "New" });
  assert.deepEqual(await client.ok("NOOP"), ["* 1 EXISTS", "* 1 RECENT"]);
});

Deno.test("SELECT of a name that can be none closes the open mailbox all the same", async () => {
  await using world = await makeWorld("two-messages");
  const client = await world.login();
  await client.ok("SELECT INBOX");
  assert.match((await client.command('SELECT "a&b"')).at(-1) ?? "", /^NO /);
  assert.match((await client.command("FETCH 1 FLAGS")).at(-1) ?? "", /^BAD /);
});

Deno.test("COPY into the selected mailbox announces the copies once", async () => {
  await using world = await makeWorld("two-messages");
  const client = await world.login();
  await client.ok("SELECT INBOX");
  const answer = await client.command("COPY 1:2 INBOX");
  assert.deepEqual(answer.slice(0, -1), ["* 4 EXISTS", "* 4 RECENT"]);
  assert.match(answer.at(-1) ?? "", /^OK \[COPYUID \d+ 1:2 3:4\]/);
  assert.deepEqual(await client.ok("NOOP"), []);
});

Deno.test("four sessions on two workers agree in the end, each told everything once", async () => {
  await using world = await makeWorld("two-messages", { workers: 2 });
  const clients: ImapClient[] = [];
  const counts: number[] = [];
  for (let i = 0; i < 4; i++) {
    const client = await world.login({ worker: i % 2 });
    await client.ok("SELECT INBOX");
    clients.push(client);
    counts.push(2);
  }
  let state = 1;
  const roll = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
  const heard = (at: number, lines: readonly string[]) => {
    for (const line of lines) {
      const [, number = "", word] = line.split(" ");
      const count = counts[at] ?? 0;
      if (word === "EXPUNGE") assert.ok(Number(number) <= count, line);
      if (word === "EXPUNGE") counts[at] = count - 1;
      if (word === "EXISTS") assert.ok(Number(number) > count, line);
      if (word === "EXISTS") counts[at] = Number(number);
    }
  };
  for (let step = 0; step < 120; step++) {
    const at = roll(4);
    const client = clients[at];
    assert.ok(client);
    const count = counts[at] ?? 0;
    const n = count > 0 ? 1 + roll(count) : "1:*";
    const commands = [
      "NOOP",
      `STORE ${n} +FLAGS.SILENT (\\Deleted)`,
      `STORE ${n} -FLAGS (\\Seen)`,
      `COPY ${n} INBOX`,
      "UID SEARCH ALL",
      "EXPUNGE",
      `FETCH ${n} (FLAGS)`,
      `UID MOVE ${roll(step + 2) + 1} INBOX`,
    ];
    if (roll(5) === 0) await world.deliver(`Subject: ${step}\r\n\r\n\r\n`, { worker: roll(2) });
    heard(at, await client.ok(commands[roll(commands.length)] ?? "NOOP"));
  }
  const box = await world.services.mailboxes.find(world.account.id, "INBOX");
  const { uids } = await world.services.messages.search(box.id, { everything: true });
  for (const [at, client] of clients.entries()) {
    for (let tries = 0; tries < 100; tries++) {
      heard(at, await client.ok("NOOP"));
      if (counts[at] === uids.length) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal(counts[at], uids.length);
    const [line] = await client.ok("UID SEARCH ALL");
    assert.equal(line, `* SEARCH${uids.map((uid) => ` ${uid}`).join("")}`);
  }
});
