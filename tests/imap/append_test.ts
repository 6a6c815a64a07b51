import assert from "node:assert/strict";
import { MemoryBlobs } from "../../src/blobs/memory_blobs.ts";
import { unavailable } from "../../src/lib/refused.ts";
import { type ImapClient, makeWorld, type World } from "../support/imap.ts";

/** Line ends of every kind, NUL-free 8-bit octets, things that look like IMAP. */
const nasty =
  "Subject: \xc3\xa4\r\n\r\nbare\rCR bare\nLF {5+}\r\na1 NOOP\r\n)\r\n.\r\n\xff\xfe end";

Deno.test("an appended message is read back octet for octet", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  const bodies = [nasty, "x", "\r\n", `Subject: big\r\n\r\n${"0123456789abcde\n".repeat(100_000)}`];
  for (const [i, body] of bodies.entries()) {
    const replies = await client.literal("APPEND INBOX", body);
    assert.match(replies.join(), new RegExp(`^OK \\[APPENDUID \\d+ ${i + 1}\\] APPEND completed$`));
  }
  await client.ok("SELECT INBOX");
  for (const [i, body] of bodies.entries()) {
    const [fetched] = await client.ok(`FETCH ${i + 1} BODY.PEEK[]`);
    assert.equal(fetched, `* ${i + 1} FETCH (BODY[] {${body.length}}\r\n${body})`);
  }
  assert.deepEqual(await spoolFiles(world), []);
});

Deno.test("flags, keywords and date of APPEND are the message's", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  const date = '"17-Jul-1996 02:44:25 -0700"';
  await client.literal(`APPEND INBOX (\\Seen \\flagged $Forwarded \\Recent) ${date}`, "x: y\r\n");
  await client.literal("APPEND INBOX", "x: y\r\n");
  await client.ok("EXAMINE INBOX");
  const [first, second] = await client.ok("FETCH 1:2 (FLAGS INTERNALDATE)");
  assert.match(first ?? "", /FLAGS \(\\Flagged \\Seen \$Forwarded( \\Recent)?\)/);
  assert.match(first ?? "", /INTERNALDATE "17-Jul-1996 09:44:25 \+0000"/);
  const day = new Date().toISOString().slice(0, 4);
  assert.match(second ?? "", new RegExp(`INTERNALDATE "..-...-${day} `));
});

Deno.test("too large a message is refused before it comes, or drained", async () => {
  await using world = await makeWorld("empty", { config: { appendLimitBytes: 1_000 } });
  const client = await world.login();
  assert.deepEqual(await client.command("APPEND INBOX {1001}"), [
    "NO [TOOBIG] Message too large",
  ]);
  assert.deepEqual(await client.literal("APPEND INBOX", "x".repeat(300_000)), [
    "NO [TOOBIG] Message too large",
  ]);
  assert.match((await client.literal("APPEND INBOX", "x".repeat(1_000))).join(), /^OK /);
});

Deno.test("a client that leaves in the middle leaves nothing behind", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  await client.send(`a1 APPEND INBOX {5000000+}\r\n${"x".repeat(3_000_000)}`);
  while ((await spoolFiles(world)).length === 0) await new Promise((r) => setTimeout(r, 5));
  client.close();
  while ((await spoolFiles(world)).length > 0) await new Promise((r) => setTimeout(r, 5));
  assert.deepEqual(await messagesIn(await world.login()), ['* STATUS "INBOX" (MESSAGES 0)']);
});

Deno.test("what follows the literal must be the end of the command, or nothing is stored", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  const replies = await client.command("APPEND INBOX {4+}\r\nx: y garbage");
  assert.deepEqual(replies, ["BAD Expected literal at octet 1"]);
  const more = await client.command("APPEND INBOX {4+}\r\nx: y {3+}\r\nabc)");
  assert.deepEqual(more, ["BAD Expected SP at octet 0"]);
  assert.deepEqual(await messagesIn(client), ['* STATUS "INBOX" (MESSAGES 0)']);
});

Deno.test("trouble with the bodies is temporary, and stores nothing", async () => {
  const blobs = new MemoryBlobs();
  await using world = await makeWorld("empty", { blobs });
  const client = await world.login();
  blobs.put = () => Promise.reject(unavailable("bodies", new Error("disk full")));
  const replies = await client.literal("APPEND INBOX", "x: y\r\n");
  assert.match(replies.join(), /^NO \[UNAVAILABLE\] /);
  blobs.put = () => Promise.reject(new Error("secret detail"));
  assert.deepEqual(await client.literal("APPEND INBOX", "x: y\r\n"), [
    "NO [SERVERBUG] Internal error",
  ]);
  assert.deepEqual(await messagesIn(client), ['* STATUS "INBOX" (MESSAGES 0)']);
});

Deno.test("a literal8 with NUL is refused by the code for that, wherever the NUL is", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  for (const octets of ["\0", `Subject: x\r\n\r\n${"y".repeat(200_000)}\0`]) {
    const replies = await client.command(`APPEND INBOX ~{${octets.length}+}\r\n${octets}`);
    assert.deepEqual(replies, ["NO [UNKNOWN-CTE] Unknown transfer encoding"]);
  }
  assert.match((await client.command("APPEND INBOX ~{2+}\r\nab")).join(), /^OK /);
});

Deno.test("a spool without room is temporary trouble, and the next command is served", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  await Deno.remove(world.services.spoolDir);
  const large = "x".repeat(3_000_000);
  for (
    const text of [
      `INBOX {${large.length}+}\r\n${large}`,
      `INBOX {1+}\r\nx {${large.length}+}\r\n${large}`,
    ]
  ) {
    assert.match((await client.command(`APPEND ${text}`)).join(), /^NO \[UNAVAILABLE\] /);
  }
  assert.deepEqual(await messagesIn(client), ['* STATUS "INBOX" (MESSAGES 0)']);
  await Deno.mkdir(world.services.spoolDir);
  assert.match((await client.literal("APPEND INBOX", large)).join(), /^OK /);
});

function messagesIn(client: ImapClient): Promise<string[]> {
  return client.ok("STATUS INBOX (MESSAGES)");
}

async function spoolFiles({ services }: World): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(services.spoolDir))).map(({ name }) => name);
}
