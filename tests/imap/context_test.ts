import assert from "node:assert/strict";
import { MemoryBlobs } from "../../src/blobs/memory_blobs.ts";
import {
  type ImapClient,
  makeWorld,
  SHARING,
  type World,
  type WorldOptions,
} from "../support/imap.ts";
import { LiveList } from "./selected/live_list.ts";

const mail = (subject: string, body = "body") => `Subject: ${subject}\r\n\r\n${body}\r\n`;

async function opened(
  options: WorldOptions & { readonly messages?: number } = {},
): Promise<{ readonly world: World; readonly client: ImapClient; readonly other: ImapClient }> {
  const world = await makeWorld("empty", options);
  for (let n = 1; n <= (options.messages ?? 3); n++) await world.deliver(mail(`s${n}`));
  const [client, other] = [await world.login(), await world.login()];
  for (const each of [client, other]) await each.ok("SELECT INBOX");
  return { world, client, other };
}

Deno.test("a session has a limited number of contexts, and is told when there is no more", async () => {
  const { world, client } = await opened();
  await using _ = world;
  for (let n = 1; n <= 16; n++) {
    assert.equal((await client.ok("SEARCH RETURN (UPDATE) FLAGGED")).length, 1);
  }
  for (const command of ["UID SEARCH RETURN (UPDATE COUNT) ALL", "SEARCH RETURN (UPDATE) ALL"]) {
    const lines = await client.ok(command);
    assert.match(lines[0] ?? "", /^\* ESEARCH \(TAG "t\d+"\) (?:UID COUNT 3|ALL 1:3)$/);
    assert.match(lines[1] ?? "", /^\* NO \[NOUPDATE "t\d+"\] Too many contexts$/);
    assert.equal(lines.length, 2);
  }
  const told = await client.ok("STORE 1 +FLAGS.SILENT (\\Flagged)");
  assert.equal(told.filter((line) => line.endsWith("ADDTO (0 1)")).length, 16);
  await client.ok('CANCELUPDATE "t3"');
  assert.deepEqual(await client.ok("SEARCH RETURN (UPDATE) ANSWERED"), ['* ESEARCH (TAG "t23")']);
});

Deno.test("what contexts hold is memory of the session, free again with the selected state", async () => {
  const { world, client } = await opened({
    config: { sessionMemoryLimitBytes: 2_000 },
    messages: 1,
  });
  await using _ = world;
  const numbers = Array.from({ length: 25 }, (_, at) => 2 * at + 1).join(",");
  const large = `UID SEARCH RETURN (UPDATE) UID ${numbers}`;
  for (let round = 0; round < 3; round++) {
    assert.deepEqual((await client.ok("SEARCH RETURN (UPDATE) ALL")).length, 1);
    assert.match((await client.ok(large))[1] ?? "", /NOUPDATE "t\d+"\] Too much to keep$/);
    await client.ok("UNSELECT");
    await client.ok("SELECT INBOX");
  }
});

Deno.test("a context that grows beyond the limit of results ends with NOUPDATE", async () => {
  const { world, client } = await opened({ config: { maxSearchResults: 3 } });
  await using _ = world;
  await client.ok("SEARCH RETURN (UPDATE) SUBJECT s");
  await client.ok("SEARCH RETURN (UPDATE) ALL");
  await world.deliver(mail("s4"));
  assert.deepEqual((await client.ok("NOOP")).filter((line) => !line.includes("RECENT")), [
    "* 4 EXISTS",
    '* NO [NOUPDATE "t3"] Too many results',
    '* ESEARCH (TAG "t4") ADDTO (0 4)',
  ]);
  await world.deliver(mail("s5"));
  assert.ok(!(await client.ok("NOOP")).some((line) => line.includes('"t3"')));
});

Deno.test("with MESSAGELIMIT, new messages come in all the same", async () => {
  const { world, client } = await opened({ config: { messageLimit: 2 } });
  await using _ = world;
  const lines = await client.ok("UID SEARCH RETURN (UPDATE) NOT SUBJECT none");
  assert.deepEqual(lines, ['* ESEARCH (TAG "t3") UID ALL 2:3']);
  await world.deliver(mail("s4"));
  assert.equal((await client.ok("NOOP")).at(-1), '* ESEARCH (TAG "t3") UID ADDTO (0 4)');
  await client.ok("UID STORE 1 +FLAGS.SILENT (\\Seen)");
});

Deno.test("an idling client hears of a flood of changes, at last of all of them", async () => {
  const { world, client, other } = await opened({ messages: 30 });
  await using _ = world;
  const live = new LiveList({ tag: "t3", byUid: true, isSorted: true, exists: 30, first: [] });
  await client.ok("UID SORT RETURN (UPDATE) (REVERSE SIZE) UTF-8 FLAGGED");
  await client.writeLine("i IDLE");
  for (let n = 1; n <= 30; n++) {
    await other.ok(`UID STORE ${n} ${n % 3 ? "+" : "-"}FLAGS.SILENT (\\Flagged)`);
    if (n % 2 && n > 1) await other.ok(`UID STORE ${n - 1} -FLAGS.SILENT (\\Flagged)`);
  }
  const left = Array.from({ length: 30 }, (_, at) => at + 1)
    .filter((n) => n % 3 && (n % 2 || n === 30));
  while (live.list.length !== left.length || !left.every((n) => live.list.includes(n))) {
    live.hear([await client.readResponse()]);
  }
  await client.writeLine("DONE");
  live.hear(await client.until("i"));
  const [line = ""] = await client.ok("UID SORT RETURN (ALL) (REVERSE SIZE) UTF-8 FLAGGED");
  assert.match(line, /ALL [\d,:]+$/);
  assert.deepEqual([...live.list].sort((a, b) => a - b), left);
});

Deno.test("NOTIFY tells of results between commands, and not when it says nothing of the mailbox", async () => {
  const { world, client, other } = await opened();
  await using _ = world;
  await client.ok("UID SEARCH RETURN (UPDATE) FLAGGED");
  await client.ok("NOTIFY SET (selected (MessageNew MessageExpunge FlagChange))");
  await other.ok("UID STORE 2 +FLAGS.SILENT (\\Flagged)");
  assert.match(await client.readLine(), /^\* 2 FETCH /);
  assert.equal(await client.readLine(), '* ESEARCH (TAG "t3") UID ADDTO (0 2)');
  await other.ok("UID STORE 2 +FLAGS.SILENT (\\Deleted)");
  assert.match(await client.readLine(), /^\* 2 FETCH /);
  await other.ok("EXPUNGE");
  assert.equal(await client.readLine(), '* ESEARCH (TAG "t3") UID REMOVEFROM (0 2)');
  assert.equal(await client.readLine(), "* 2 EXPUNGE");
  await client.ok("NOTIFY NONE");
});

Deno.test("only what has changed is searched, and a change of flags no text", async () => {
  const blobs = new CountedBlobs();
  const { world, client, other } = await opened({ blobs, messages: 40 });
  await using _ = world;
  await client.ok("SEARCH RETURN (UPDATE) BODY body");
  await client.ok("SEARCH RETURN (UPDATE) FLAGGED BODY body");
  blobs.reads = 0;
  await other.ok("STORE 1:20 +FLAGS.SILENT (\\Seen)");
  await client.ok("NOOP");
  assert.equal(blobs.reads, 0);
  await other.ok("STORE 1:3 +FLAGS.SILENT (\\Flagged)");
  const flagged = await client.ok("NOOP");
  assert.equal(flagged.at(-1), '* ESEARCH (TAG "t4") ADDTO (0 1:3)');
  assert.equal(blobs.reads, 3);
  await world.deliver(mail("new"));
  assert.equal((await client.ok("NOOP")).at(-1), '* ESEARCH (TAG "t3") ADDTO (0 41)');
  assert.equal(blobs.reads, 4);
});

Deno.test("$ and message numbers mean for ever what they meant", async () => {
  const { world, client, other } = await opened();
  await using _ = world;
  await client.ok("SEARCH RETURN (SAVE) 2:3");
  await client.ok("UID SEARCH RETURN (UPDATE) $ FLAGGED");
  await client.ok("UID SEARCH RETURN (UPDATE) 1:2 FLAGGED");
  await client.ok("SEARCH RETURN (SAVE) 1");
  await other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)");
  await other.ok("EXPUNGE");
  await client.ok("NOOP");
  await world.deliver(mail("s4"), { flags: 4 });
  const told = (lines: readonly string[]) => lines.filter((line) => line.includes("ESEARCH"));
  assert.deepEqual(told(await client.ok("STORE 1:2 +FLAGS.SILENT (\\Flagged)")), [
    '* ESEARCH (TAG "t4") UID ADDTO (0 2:3)',
    '* ESEARCH (TAG "t5") UID ADDTO (0 2)',
  ]);
});

Deno.test("what comes of age leaves a result, and comes into another", async () => {
  const { world, client, other } = await opened();
  await using _ = world;
  const now = Date.now;
  await world.deliver(mail("young"), { internalDate: new Date() });
  await client.ok("NOOP");
  assert.match((await client.ok("SEARCH RETURN (UPDATE) YOUNGER 3600"))[0] ?? "", / ALL 4$/);
  assert.match((await client.ok("UID SEARCH RETURN (UPDATE) OLDER 3600"))[0] ?? "", / ALL 1:3$/);
  try {
    Date.now = () => now() + 2 * 3_600_000;
    await other.ok("STORE 1 +FLAGS.SILENT (\\Seen)");
    assert.deepEqual((await client.ok("NOOP")).slice(1), [
      '* ESEARCH (TAG "t4") REMOVEFROM (0 4)',
      '* ESEARCH (TAG "t5") UID ADDTO (0 4)',
    ]);
  } finally {
    Date.now = now;
  }
});

Deno.test("in a mailbox of somebody else, \\Seen is one's own in results, too", async () => {
  await using world = await makeWorld("empty", { sharing: SHARING });
  await world.addAccount("bob@example.org");
  const ada = await world.login();
  await ada.ok("CREATE Team");
  await ada.ok("SETACL Team bob@example.org lrsw");
  await world.deliver(mail("s1"), { mailbox: "Team" });
  await world.deliver(mail("s2"), { mailbox: "Team" });
  await ada.ok("SELECT Team");
  const bobs = [
    await world.login({ user: "bob@example.org" }),
    await world.login({ user: "bob@example.org" }),
  ] as const;
  for (const bob of bobs) await bob.ok("SELECT Users/ada@example.org/Team");
  const [bob, again] = bobs;
  await bob.ok("UID SEARCH RETURN (UPDATE) UNSEEN");
  await ada.ok("STORE 1:2 +FLAGS.SILENT (\\Seen \\Flagged)");
  assert.ok(!(await bob.ok("NOOP")).some((line) => line.includes("ESEARCH")));
  await again.ok("STORE 2 +FLAGS.SILENT (\\Seen)");
  assert.equal((await bob.ok("NOOP")).at(-1), '* ESEARCH (TAG "t3") UID REMOVEFROM (0 2)');
});

Deno.test("what is disabled of contexts is refused", async () => {
  const cases:
    readonly (readonly [disabled: readonly string[], command: string, works: boolean])[] = [
      [["CONTEXT=SEARCH"], "SEARCH RETURN (UPDATE) ALL", false],
      [["CONTEXT=SEARCH"], "SEARCH RETURN (CONTEXT) ALL", false],
      [["CONTEXT=SEARCH"], "SORT RETURN (UPDATE) (DATE) UTF-8 ALL", true],
      [["CONTEXT=SEARCH"], 'CANCELUPDATE "x"', true],
      [["CONTEXT=SEARCH"], "ESEARCH IN (selected) RETURN (UPDATE) ALL", false],
      [["CONTEXT=SORT"], "SORT RETURN (UPDATE) (DATE) UTF-8 ALL", false],
      [["CONTEXT=SORT", "CONTEXT=SEARCH"], 'CANCELUPDATE "x"', false],
      [["PARTIAL"], "SEARCH RETURN (PARTIAL 1:2) ALL", true],
      [["PARTIAL"], "SEARCH RETURN (PARTIAL -1:-2) ALL", false],
      [["PARTIAL", "CONTEXT=SEARCH"], "SEARCH RETURN (PARTIAL 1:2) ALL", false],
      [["NOTIFY"], "SEARCH RETURN (UPDATE (UID)) ALL", false],
      [["NOTIFY"], "SEARCH RETURN (UPDATE) ALL", true],
      [[], "SEARCH RETURN (UPDATE(UID FLAGS)) ALL", true],
    ];
  for (const [disabledCaps, command, works] of cases) {
    const { world, client } = await opened({ config: { disabledCaps }, messages: 1 });
    await using _ = world;
    const answer = (await client.command(command)).at(-1) ?? "";
    assert.match(answer, works ? /^OK / : /^BAD /, `${disabledCaps}: ${command}`);
  }
});

/** Counts whole bodies that are read. */
class CountedBlobs extends MemoryBlobs {
  reads = 0;

  override get(...args: Parameters<MemoryBlobs["get"]>): ReturnType<MemoryBlobs["get"]> {
    this.reads++;
    return super.get(...args);
  }
}
