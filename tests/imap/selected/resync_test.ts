import assert from "node:assert/strict";
import { lastMatch } from "../../../src/imap/commands/select/resync.ts";
import { SequenceSet } from "../../../src/imap/wire/sequence_set.ts";
import type { Sequence, Uid } from "../../../src/lib/ids.ts";
import { sql } from "../../../src/store/database.ts";
import { type ImapClient, makeWorld, type World } from "../../support/imap.ts";

/** INBOX with ten messages of which 2, 5, 6 and 10 are gone and 8 is new to a client that knew all. */
async function afterChanges() {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await makeWorld("empty"));
  for (let n = 0; n < 10; n++) await world.deliver(`Subject: ${n}\r\n\r\n\r\n`);
  const client = await world.login();
  await client.ok("SELECT INBOX");
  await client.ok("UID STORE 5 +FLAGS.SILENT (\\Deleted)");
  await client.ok("EXPUNGE");
  const known = await modseq(world);
  await client.ok("UID STORE 2,6,10 +FLAGS.SILENT (\\Deleted)");
  await client.ok("EXPUNGE");
  await client.ok("UID STORE 8 +FLAGS.SILENT (\\Flagged)");
  await world.deliver("Subject: new\r\n\r\n\r\n");
  await client.ok("CLOSE");
  await client.ok("ENABLE QRESYNC");
  const closing = stack.move();
  const { uidValidity } = await box(world);
  const resync = async (rest: string) => {
    const lines = await client.ok(`SELECT INBOX (QRESYNC (${uidValidity} ${rest}))`);
    return lines.filter((line) => /VANISHED|FETCH/.test(line));
  };
  return {
    world,
    client,
    known,
    uidValidity,
    resync,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

const box = (world: World) => world.services.mailboxes.find(world.account.id, "INBOX");
const modseq = async (world: World) => (await box(world)).highestModseq;

Deno.test("SELECT (QRESYNC) tells what a client has missed, of what it means", async () => {
  await using it = await afterChanges();
  const { known } = it;
  const changed = "* 5 FETCH (UID 8 MODSEQ (16) FLAGS (\\Flagged))";
  const arrived = "* 7 FETCH (UID 11 MODSEQ (17) FLAGS (\\Recent))";
  assert.deepEqual(await it.resync(`${known}`), [
    "* VANISHED (EARLIER) 2,6,10",
    changed,
    arrived,
  ]);
  assert.deepEqual(await it.resync(`${known} 1:6`), ["* VANISHED (EARLIER) 2,6"]);
  assert.deepEqual(await it.resync(`${known} 1:8,10`), ["* VANISHED (EARLIER) 2,6,10", changed]);
  assert.deepEqual(await it.resync(`${known + 3}`), [arrived.replace("\\Recent", "")]);
  assert.deepEqual(await it.resync(`${known + 4}`), []);
  assert.deepEqual(await it.resync("9007199254740993"), []);
  const vanished = async (rest: string) => (await it.resync(rest))[0];
  // The third message is UID 4: the client knows of everything up to there.
  assert.equal(await vanished(`${known} 1:11 (3 4)`), "* VANISHED (EARLIER) 6,10");
  assert.equal(await vanished(`${known} (1,3,5:6 1,4,8:9)`), "* VANISHED (EARLIER) 10");
  assert.equal(await vanished(`${known} (2,3 2,5)`), "* VANISHED (EARLIER) 2,6,10");
});

Deno.test("SELECT (QRESYNC) of another mailbox than the client knew is a plain SELECT", async () => {
  await using it = await afterChanges();
  const lines = await it.client.ok(`SELECT INBOX (QRESYNC (${it.uidValidity + 1} 1 1:9))`);
  assert.ok(!lines.some((line) => /VANISHED|FETCH/.test(line)));
  assert.ok(lines.some((line) => line === "* 7 EXISTS"));
});

Deno.test("SELECT (QRESYNC) is right where nobody remembers any more what was expunged", async () => {
  await using it = await afterChanges();
  const { id } = await box(it.world);
  await it.world.services.messages.db.write(sql`
    WITH gone AS (DELETE FROM expunged_messages WHERE mailbox_id = ${id} RETURNING modseq)
    UPDATE mailboxes SET expunged_floor = (SELECT max(modseq) FROM gone) WHERE id = ${id}`);
  const vanished = async (rest: string) => (await it.resync(rest))[0];
  assert.equal(await vanished(`${it.known}`), "* VANISHED (EARLIER) 2,5:6,10");
  assert.equal(await vanished(`${it.known} 3:9,400`), "* VANISHED (EARLIER) 5:6");
  assert.equal(await vanished(`${it.known} 1:11 (1,4 1,7)`), "* VANISHED (EARLIER) 10");
  assert.match(await vanished(`${await modseq(it.world) - 2}`) ?? "", /^\* 5 FETCH/);
});

Deno.test("a mailbox that never had a message has nothing to vanish", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  await client.ok("ENABLE QRESYNC");
  const { uidValidity } = await box(world);
  const lines = await client.ok(`SELECT INBOX (QRESYNC (${uidValidity} 1))`);
  assert.ok(!lines.some((line) => /VANISHED|FETCH/.test(line)));
});

Deno.test("a client that leaves before it could be told comes back for it", async () => {
  await using world = await makeWorld("two-messages");
  const [client, other] = [await world.login(), await world.login()];
  await client.ok("ENABLE QRESYNC");
  await client.ok("SELECT INBOX");
  await other.ok("SELECT INBOX");
  await other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)");
  await other.ok("EXPUNGE");
  await other.ok("UID STORE 2 +FLAGS.SILENT (\\Flagged)");
  // Message numbers are in use: the expunge waits, though a later change is told.
  const lines = await client.ok("STORE 2 +FLAGS.SILENT (\\Seen)");
  assert.deepEqual(lines.slice(0, 1), [
    "* 2 FETCH (UID 2 MODSEQ (7) FLAGS (\\Flagged \\Seen \\Recent))",
  ]);
  const [, told] = /HIGHESTMODSEQ (\d+)/.exec(lines.at(-1) ?? "") ?? [];
  assert.ok(Number(told) < 5, `${lines}`);
  const again = await connectAgain(world, client);
  const { uidValidity } = await box(world);
  const missed = await again.ok(`SELECT INBOX (QRESYNC (${uidValidity} ${told}))`);
  assert.ok(missed.includes("* VANISHED (EARLIER) 1"), `${missed}`);
});

async function connectAgain(world: World, client: ImapClient): Promise<ImapClient> {
  client.close();
  const again = await world.login();
  await again.ok("ENABLE QRESYNC");
  return again;
}

Deno.test("lastMatch() finds the highest pair that is true, however long the sets are", () => {
  // A mailbox with the UIDs 2, 4, 6 … 2000.
  const view = {
    count: 1000,
    uidAt: (n: Sequence) => (n <= 1000 ? 2 * n as Uid : undefined),
  };
  const cases: readonly (readonly [numbers: string, uids: string, matched: number])[] = [
    ["4", "8", 8],
    ["4", "9", 0],
    ["4,12", "8,25", 8],
    ["1,2,3", "2,4,7", 4],
    ["1:4294967295", "1:4294967295", 0],
    ["2:4294967295", "4:4294967295", 4],
    ["1000:1001", "2000:2001", 2000],
    ["1001", "2002", 0],
    ["1:3", "2", 2],
    ["1,5:7,9", "2,9:11,18", 18],
    ["5:7", "9:11", 0],
    ["5:7", "11:13", 12],
  ];
  for (const [numbers, uids, matched] of cases) {
    const match = { numbers: SequenceSet.parse(numbers), uids: SequenceSet.parse(uids) };
    assert.equal(lastMatch(match, view), matched, `${numbers} ${uids}`);
  }
});
