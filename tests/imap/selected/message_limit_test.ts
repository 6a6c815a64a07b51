import assert from "node:assert/strict";
import { uidBatchesOf } from "../../../src/imap/commands/uidbatches.ts";
import { makeWorld } from "../../support/imap.ts";

async function limited(messageLimit: number, messages: number) {
  const world = await makeWorld("empty", { config: { messageLimit } });
  for (let n = 0; n < messages; n++) await world.deliver(`Subject: ${n}\r\n\r\n\r\n`);
  const client = await world.login();
  await client.ok("SELECT INBOX");
  return { world, client };
}

Deno.test("MESSAGELIMIT is announced where there is one", async () => {
  const { world, client } = await limited(3, 0);
  await using _ = world;
  assert.match((await client.ok("CAPABILITY")).join(), / MESSAGELIMIT=3(?: |$)/);
  await using unlimited = await makeWorld("empty");
  const other = await unlimited.login();
  assert.doesNotMatch((await other.ok("CAPABILITY")).join(), /MESSAGELIMIT/);
});

Deno.test("with MESSAGELIMIT, STORE and EXPUNGE do the newest, COPY and MOVE all or nothing", async () => {
  const { world, client } = await limited(3, 8);
  await using _ = world;
  assert.deepEqual(await client.command("UID STORE 1:* +FLAGS.SILENT (\\Deleted)"), [
    "OK [MESSAGELIMIT 3 6] Only the newest messages, ask again",
  ]);
  assert.deepEqual(await client.command("STORE 1,3,5:* +FLAGS.SILENT (\\Seen)"), [
    "OK [MESSAGELIMIT 3 6] Only the newest messages, ask again",
  ]);
  assert.deepEqual(await client.command("STORE 1,5,7 +FLAGS.SILENT (\\Deleted)"), [
    "OK STORE completed",
  ]);
  const conditional = await client.command("STORE 1:4 (UNCHANGEDSINCE 2) +FLAGS.SILENT (x)");
  assert.match(conditional.at(-2) ?? "", /^\* OK \[MODIFIED 2:4\]/);
  assert.equal(conditional.at(-1), "OK [MESSAGELIMIT 3 2] Only the newest messages, ask again");
  for (const command of ["COPY 1:4 Trash", "MOVE 1:4 Trash", "UID COPY 1:* Trash"]) {
    assert.match((await client.command(command)).at(-1) ?? "", /^NO \[MESSAGELIMIT 3\]/, command);
  }
  assert.match((await client.command("COPY 1:3 Trash")).at(-1) ?? "", /^OK \[COPYUID/);
  assert.deepEqual(await numbersOnly(client.command("EXPUNGE")), [
    "* 8 EXPUNGE",
    "* 7 EXPUNGE",
    "* 6 EXPUNGE",
    "OK [MESSAGELIMIT 3 6] Only the newest messages, ask again",
  ]);
  assert.deepEqual(await numbersOnly(client.command("EXPUNGE")), [
    "* 5 EXPUNGE",
    "* 1 EXPUNGE",
    "OK EXPUNGE completed",
  ]);
});

Deno.test("with MESSAGELIMIT, FETCH and SEARCH look at the newest messages", async () => {
  const { world, client } = await limited(3, 8);
  await using _ = world;
  const cut = "OK [MESSAGELIMIT 3 6] Only the newest messages, ask again";
  assert.deepEqual(await client.command("FETCH 1:* (UID)"), [
    "* 6 FETCH (UID 6)",
    "* 7 FETCH (UID 7)",
    "* 8 FETCH (UID 8)",
    cut,
  ]);
  assert.deepEqual(await client.command("UID SEARCH ALL"), ["* SEARCH 6 7 8", cut]);
  assert.deepEqual(await client.command("FETCH 1:3 (UID)").then((lines) => lines.length), 4);
});

async function numbersOnly(lines: Promise<string[]>): Promise<string[]> {
  return (await lines).filter((line) => /EXPUNGE|^OK/.test(line));
}

Deno.test("UIDBATCHES divides a mailbox without gaps, from the newest message down to UID 1", () => {
  // UIDs 3, 6, 9 … 30 and room behind them.
  const uids = Uint32Array.from({ length: 20 }, (_, at) => 3 * (at + 1));
  const list = { uids, count: 10, generation: 1 };
  const of = (size: number, first = 1, last = Infinity) =>
    uidBatchesOf(list, { size, span: [first, last] }).map((range) => range.join(":"));
  assert.deepEqual(of(4), ["30:19", "18:7", "6:1"]);
  assert.deepEqual(of(5), ["30:16", "15:1"]);
  assert.deepEqual(of(10), ["30:1"]);
  assert.deepEqual(of(4294967295), ["30:1"]);
  assert.deepEqual(of(4, 2, 2), ["18:7"]);
  assert.deepEqual(of(4, 3, 9), ["6:1"]);
  assert.deepEqual(of(4, 4, 9), []);
  assert.deepEqual(uidBatchesOf({ ...list, count: 0 }, { size: 4, span: [1, Infinity] }), []);
});

Deno.test("UIDBATCHES answers no more batches than it may, and none larger than MESSAGELIMIT", async () => {
  const uids = Uint32Array.from({ length: 20_000 }, (_, at) => at + 1);
  const many = uidBatchesOf({ uids, count: 20_000, generation: 1 }, {
    size: 1,
    span: [1, Infinity],
  });
  assert.equal(many.length, 10_001); // one more than may be answered, which says so
  const { world, client } = await limited(2, 5);
  await using _ = world;
  assert.deepEqual(await client.ok("UIDBATCHES 500"), ['* UIDBATCHES (TAG "t3") 5:4,3:2,1:1']);
});
