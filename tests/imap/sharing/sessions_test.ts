import assert from "node:assert/strict";
import { hashOf, type ObjectKey, objectKey } from "../../../src/blobs/blobs.ts";
import { MemoryBlobs } from "../../../src/blobs/memory_blobs.ts";
import { NumberSet } from "../../../src/lib/number_set.ts";
import { unavailable } from "../../../src/lib/refused.ts";
import { sql } from "../../../src/store/database.ts";
import {
  type ImapClient,
  makeWorld,
  SHARING,
  TWO_MESSAGES,
  type World,
} from "../../support/imap.ts";

const BOB = "bob@example.org";
const INBOX = "Users/ada@example.org/INBOX";
const EVERYTHING = NumberSet.of([[1, 4294967295]]) as NumberSet<never>;

interface Shared extends AsyncDisposable {
  readonly world: World;
  readonly ada: ImapClient;
  readonly bob: ImapClient;
}

/** Ada's INBOX with two messages, which Bob may use as `rights` say. */
async function share(
  rights: string,
  options: { readonly workers?: number; readonly blobs?: MemoryBlobs } = {},
): Promise<Shared> {
  const world = await makeWorld("two-messages", { sharing: SHARING, ...options });
  await world.addAccount(BOB);
  const ada = await world.login();
  await ada.ok(`SETACL INBOX ${BOB} ${rights}`);
  const bob = await world.login({ user: BOB, worker: (options.workers ?? 1) - 1 });
  return { world, ada, bob, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

const flagsOf = (lines: readonly string[]) =>
  lines.map((line) => /FLAGS \(([^)]*)\)/.exec(line)?.[1]?.replace(/ ?\\Recent/, ""));
const modseqIn = (lines: readonly string[]) =>
  Number(/HIGHESTMODSEQ (\d+)/.exec(lines.join("\n"))?.[1]);

Deno.test("two users read the same mailbox, each with \\Seen of their own, also told by CONDSTORE", async () => {
  await using it = await share("lrsw");
  const { world, ada, bob } = it;
  const again = await world.login({ user: BOB });
  for (const [client, name] of [[ada, "INBOX"], [bob, INBOX], [again, INBOX]] as const) {
    await client.ok(`SELECT ${name} (CONDSTORE)`);
  }
  await bob.ok("STORE 1:2 +FLAGS.SILENT (\\Seen)");
  assert.deepEqual(flagsOf(await again.ok("NOOP")), ["\\Seen", "\\Seen"]);
  assert.deepEqual(await ada.ok("NOOP"), []);
  assert.deepEqual(flagsOf(await ada.ok("FETCH 1:2 FLAGS")), ["\\Seen", ""]);
  await ada.ok("STORE 2 +FLAGS.SILENT (\\Seen)");
  await ada.ok("STORE 1 -FLAGS.SILENT (\\Seen)");
  await ada.ok("STORE 2 +FLAGS.SILENT (\\Answered)");
  assert.deepEqual(flagsOf(await bob.ok("FETCH 1:2 FLAGS")).slice(-2), [
    "\\Seen",
    "\\Answered \\Seen",
  ]);
  assert.deepEqual(await bob.ok("SEARCH UNSEEN"), ["* SEARCH"]);
  assert.deepEqual(await ada.ok("SEARCH UNSEEN"), ["* SEARCH 1"]);
  assert.deepEqual(await bob.ok(`STATUS ${INBOX} (UNSEEN)`), [`* STATUS "${INBOX}" (UNSEEN 0)`]);
  assert.deepEqual(await ada.ok("STATUS INBOX (UNSEEN)"), ['* STATUS "INBOX" (UNSEEN 1)']);
  const listed = await bob.ok('LIST "" Users/*/INBOX RETURN (STATUS (UNSEEN MESSAGES))');
  assert.match(listed.at(-1) ?? "", /UNSEEN 0/);
});

Deno.test("QRESYNC gives each user what changed for that user", async () => {
  await using it = await share("lrstew");
  const { world, ada, bob } = it;
  for (const client of [ada, bob]) await client.ok("ENABLE QRESYNC");
  const adaSince = modseqIn(await ada.ok("SELECT INBOX"));
  const opened = await bob.ok(`SELECT ${INBOX}`);
  const bobSince = modseqIn(opened);
  const validity = /UIDVALIDITY (\d+)/.exec(opened.join())?.[1];
  for (const client of [ada, bob]) await client.ok("UNSELECT");
  const other = await world.login({ user: BOB });
  await other.ok(`SELECT ${INBOX}`);
  await other.ok("STORE 1 +FLAGS.SILENT (\\Seen)");
  const resync = async (client: ImapClient, name: string, since: number) => {
    const lines = await client.ok(`SELECT ${name} (QRESYNC (${validity} ${since} 1:2))`);
    await client.ok("UNSELECT");
    return lines.filter((line) => /FETCH|VANISHED/.test(line));
  };
  assert.deepEqual(flagsOf(await resync(bob, INBOX, bobSince)), ["\\Seen"]);
  assert.deepEqual(await resync(ada, "INBOX", adaSince), []);
  await other.ok("STORE 2 +FLAGS.SILENT (\\Deleted \\Seen)");
  assert.deepEqual(flagsOf(await resync(bob, INBOX, bobSince)), ["\\Seen", "\\Deleted \\Seen"]);
  assert.deepEqual(flagsOf(await resync(ada, "INBOX", adaSince)), ["\\Deleted"]);
  await other.ok("EXPUNGE");
  assert.deepEqual((await resync(bob, INBOX, bobSince)).sort(), [
    ...(await resync(bob, INBOX, bobSince)).filter((line) => line.includes("FETCH")),
    "* VANISHED (EARLIER) 2",
  ]);
  assert.deepEqual(await resync(ada, "INBOX", adaSince), ["* VANISHED (EARLIER) 2"]);
});

Deno.test("rights that are taken count for the next command, also on another worker", async () => {
  await using it = await share("lrswte", { workers: 2 });
  const { ada, bob } = it;
  await bob.ok(`SELECT ${INBOX}`);
  await ada.ok(`SETACL INBOX ${BOB} lrs`);
  // A notice takes some milliseconds to the other worker; a second at most without it.
  const refused = await until(() => bob.command("STORE 1 +FLAGS (\\Flagged)"), /NOPERM/);
  assert.ok(refused);
  assert.match((await bob.command("EXPUNGE")).at(-1) ?? "", /^NO \[NOPERM\]/);
  assert.match((await bob.command("STORE 1 +FLAGS (\\Seen)")).at(-1) ?? "", /^OK/);
  await ada.ok(`DELETEACL INBOX ${BOB}`);
  const gone = await until(() => bob.command("NOOP"), /^\* BYE/m);
  assert.ok(gone);
  assert.equal(await bob.tryLine(), null);
});

Deno.test("who idles on a mailbox is sent away when it may not be read any more", async () => {
  await using it = await share("lr");
  const { ada, bob } = it;
  await bob.ok(`SELECT ${INBOX}`);
  await bob.writeLine("i IDLE");
  assert.match(await bob.readLine(), /^\+ /);
  await ada.ok(`SETACL INBOX ${BOB} l`);
  assert.match(await bob.readLine(), /^\* BYE/);
});

Deno.test("what a user appends or copies to another's mailbox is the other's: body, octets, quota", async () => {
  const blobs = new MemoryBlobs();
  await using it = await share("lrswi", { blobs });
  const { world, ada, bob } = it;
  const { services, account } = world;
  const used = async (of: typeof account.id) => (await services.quotas.of(of)).used;
  const before = await used(account.id);
  const text = "Subject: from Bob\r\n\r\nHello\r\n";
  await bob.literal(`APPEND ${INBOX} (\\Seen)`, text);
  await bob.literal("APPEND INBOX (\\Seen \\Flagged)", text.replace("Hello", "Hello again"));
  await bob.ok("SELECT INBOX");
  await bob.ok(`COPY 1 ${INBOX}`);
  const inbox = await services.mailboxes.find(account.id, "INBOX");
  const rows = await services.messages.rows(inbox.id, EVERYTHING, {});
  assert.equal(rows.length, 4);
  for (const { objectKey: key } of rows) assert.match(key, /^example\.org\/ada\//);
  const after = await used(account.id);
  const added = 2 * text.length + " again".length;
  assert.equal(after.storageBytes - before.storageBytes, added);
  assert.equal(after.messages, 4);
  // Bob's account goes, with all its bodies; Ada's mail is whole.
  for (const { hash } of rows) await blobs.delete(objectKey(BOB, hash));
  await ada.ok("SELECT INBOX");
  assert.ok((await ada.ok("FETCH 4 BODY.PEEK[TEXT]")).join("").includes("Hello again"));
  assert.deepEqual(flagsOf(await ada.ok("FETCH 3:4 FLAGS")), ["", "\\Flagged"]);
});

Deno.test("MOVE from another's mailbox takes the octets along and leaves a recoverable row", async () => {
  const blobs = new MemoryBlobs();
  await using it = await share("lrswte", { blobs });
  const { world, ada, bob } = it;
  const { services, account } = world;
  await ada.ok("SELECT INBOX");
  await bob.ok(`SELECT ${INBOX}`);
  await bob.ok("STORE 1 +FLAGS (\\Seen)");
  const moved = await bob.ok("MOVE 1:2 INBOX");
  assert.match(moved[0] ?? "", /^\* OK \[COPYUID \d+ 1:2 1:2\]/);
  assert.deepEqual(moved.slice(1), ["* 2 EXPUNGE", "* 1 EXPUNGE"]);
  assert.deepEqual(await ada.ok("NOOP"), ["* 2 EXPUNGE", "* 1 EXPUNGE", "* 0 RECENT"]);
  await bob.ok("SELECT INBOX");
  assert.deepEqual(flagsOf(await bob.ok("FETCH 1:2 FLAGS")), ["\\Seen", ""]);
  const octets = TWO_MESSAGES.reduce((sum, text) => sum + text.length, 0);
  const quota = await services.quotas.find(BOB);
  assert.deepEqual([quota?.used.storageBytes, quota?.used.messages], [octets, 2]);
  assert.equal((await services.quotas.of(account.id)).used.messages, 0);
  // The bodies under Ada's address are still there for the grace period, and Bob's are his own.
  const mine = await services.mailboxes.find(quota?.account ?? account.id, "INBOX");
  for (const { objectKey: key } of await services.messages.rows(mine.id, EVERYTHING, {})) {
    const hash = hashOf(key as ObjectKey);
    assert.equal(key, objectKey(BOB, hash));
    assert.ok(await blobs.exists(objectKey("ada@example.org", hash)));
    await blobs.delete(objectKey("ada@example.org", hash));
  }
  assert.ok((await bob.ok("FETCH 1 BODY[TEXT]")).join("").includes("Hello, Bob!"));
});

Deno.test("a body that cannot be copied is no message lost", async () => {
  const blobs = new MemoryBlobs();
  await using it = await share("lrte", { blobs });
  const { world, bob } = it;
  const { services, account } = world;
  const inbox = await services.mailboxes.find(account.id, "INBOX");
  const [row] = await services.messages.rows(inbox.id, EVERYTHING, {});
  await blobs.delete(row?.objectKey as ObjectKey);
  await bob.ok(`SELECT ${INBOX}`);
  assert.match((await bob.command("MOVE 1:2 INBOX")).at(-1) ?? "", /^NO \[UNAVAILABLE\]/);
  assert.deepEqual(await bob.ok("STATUS INBOX (MESSAGES)"), ['* STATUS "INBOX" (MESSAGES 0)']);
  assert.deepEqual(await bob.ok("SEARCH ALL"), ["* SEARCH 1 2"]);
});

Deno.test("of two users who create one shared mailbox at once, one has it", async () => {
  await using it = await share("l");
  const { world } = it;
  for (let round = 0; round < 5; round++) {
    const names = [`Shared/Team${round}`, `Shared/TEAM${round}`, `shared/team${round}/below`];
    const users = ["ada@example.org", BOB, BOB];
    const answers = await Promise.all(names.map(async (name, at) => {
      const client = await world.login({ user: users[at] ?? BOB });
      return (await client.command(`CREATE ${name}`)).at(-1) ?? "";
    }));
    assert.equal(answers.slice(0, 2).filter((answer) => answer.startsWith("OK")).length <= 1, true);
    for (const answer of answers) assert.match(answer, /^(?:OK|NO \[(?:ALREADYEXISTS|NOPERM)\])/);
    const rows = await world.services.mailboxes.db.query(sql`
      SELECT count(*) FROM mailboxes WHERE domain = 'example.org' AND deleted_at IS NULL
        AND name_key = ${`/example.org/team${round}`}`);
    assert.deepEqual(rows, [{ count: 1 }]);
  }
});

Deno.test("UIDVALIDITY of a shared name grows, whoever makes it anew", async () => {
  await using it = await share("l");
  const { ada, bob } = it;
  const validity = async (client: ImapClient) =>
    Number(
      /UIDVALIDITY (\d+)/.exec((await client.ok("STATUS Shared/X (UIDVALIDITY)")).join())?.[1],
    );
  let last = 0;
  for (const client of [ada, bob, ada, bob]) {
    await client.ok("CREATE Shared/X");
    const now = await validity(client);
    assert.ok(now > last);
    last = now;
    await client.ok("DELETE Shared/X");
  }
});

Deno.test("subscriptions follow who renames, and the owner", async () => {
  await using it = await share("lrxk");
  const { ada, bob } = it;
  await ada.ok("CREATE Projects");
  await ada.ok(`SETACL Projects ${BOB} lrxk`);
  await ada.ok("CREATE Projects/One");
  await ada.ok("SUBSCRIBE Projects/One");
  await bob.ok("SUBSCRIBE Users/ada@example.org/Projects/One");
  await bob.ok("RENAME users/ada@example.org/Projects/One Users/Ada@example.org/Projects/Two");
  assert.ok((await ada.ok('LSUB "" *')).includes('* LSUB () "/" "Projects/Two"'));
  assert.deepEqual(await bob.ok('LSUB "" Users/*'), [
    '* LSUB () "/" "Users/ada@example.org/Projects/Two"',
  ]);
  const protectedReply = "NO [CANNOT] Not possible with this mailbox";
  assert.deepEqual(await bob.command(`RENAME ${INBOX} Users/ada@example.org/Old`), [
    protectedReply,
  ]);
  assert.deepEqual(await bob.command(`DELETE ${INBOX}`), [protectedReply]);
  assert.deepEqual(await bob.command("RENAME Users/ada@example.org/Projects Mine"), [
    "NO [NOPERM] Permission denied",
  ]);
});

/** Asks again until the answer is one of these: what is told to another worker takes its time. */
async function until(ask: () => Promise<string[]>, expected: RegExp): Promise<boolean> {
  for (let tries = 0; tries < 500; tries++) {
    if (expected.test((await ask()).join("\n"))) return true;
  }
  return false;
}

Deno.test("LOGOUT and UNAUTHENTICATE are never refused, also when rights cannot be looked up", async () => {
  await using it = await share("lrsw");
  const { world, ada, bob } = it;
  const again = await world.login({ user: BOB });
  await bob.ok(`SELECT ${INBOX}`);
  await again.ok(`SELECT ${INBOX}`);
  world.services.access.renew = () => Promise.reject(unavailable("database", new Error("away")));
  await ada.literal("APPEND INBOX", "Subject: notice\r\n\r\nx\r\n");
  assert.match((await bob.command("CHECK")).at(-1) ?? "", /^NO \[UNAVAILABLE\]/);
  assert.deepEqual(await bob.ok("UNAUTHENTICATE"), []);
  assert.match((await again.ok("LOGOUT")).join(), /^\* BYE/);
});
