import assert from "node:assert/strict";
import { MemoryBlobs } from "../../src/blobs/memory_blobs.ts";
import { unavailable } from "../../src/lib/refused.ts";
import { type ImapClient, makeWorld, type World } from "../support/imap.ts";

const MIB = 1024 * 1024;

Deno.test("many messages in one command, large ones too, are read back in their order", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  const bodies = Array.from(
    { length: 40 },
    (_, i) => `Subject: ${i}\r\n\r\n${`${i} `.repeat(i === 7 ? MIB : i * 100)}`,
  );
  await sendAll(client, "m1 APPEND INBOX", bodies);
  assert.match((await client.until("m1")).join(), /^OK \[APPENDUID \d+ 1:40\] APPEND completed$/);
  await client.ok("SELECT INBOX");
  for (const [i, body] of bodies.entries()) {
    const [fetched] = await client.ok(`FETCH ${i + 1} BODY.PEEK[]`);
    assert.equal(fetched, `* ${i + 1} FETCH (BODY[] {${body.length}}\r\n${body})`);
  }
  assert.deepEqual(await spoolFiles(world), []);
});

Deno.test("messages of one command come together, or not at all", async () => {
  const blobs = new MemoryBlobs();
  await using world = await makeWorld("empty", { blobs });
  const client = await world.login();
  const put = blobs.put.bind(blobs);
  let puts = 0;
  blobs.put = (key, body) => {
    return ++puts === 2 ? Promise.reject(unavailable("bodies", new Error("full"))) : put(key, body);
  };
  await sendAll(client, "m1 APPEND INBOX", ["a: 1\r\n", "a: 2\r\n", "a: 3\r\n"]);
  assert.match((await client.until("m1")).join(), /^NO \[UNAVAILABLE\] /);
  assert.deepEqual(await messagesIn(client), ['* STATUS "INBOX" (MESSAGES 0)']);
  const watcher = await world.login();
  await watcher.ok("SELECT INBOX");
  await sendAll(client, "m2 APPEND INBOX", ["a: 1\r\n", "a: 2\r\n", "a: 3\r\n"]);
  assert.match((await client.until("m2")).join(), /^OK \[APPENDUID \d+ 1:3\] /);
  const seen = await watcher.ok("NOOP");
  assert.ok(seen.includes("* 3 EXISTS"), seen.join("\n"));
});

Deno.test("a client that leaves between two messages leaves nothing behind", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  const large = "x".repeat(2 * MIB);
  await client.send(`m1 APPEND INBOX {${large.length}+}\r\n${large} {${large.length}+}\r\nabc`);
  while ((await spoolFiles(world)).length === 0) await turn();
  client.close();
  while ((await spoolFiles(world)).length > 0) await turn();
  assert.deepEqual(await messagesIn(await world.login()), ['* STATUS "INBOX" (MESSAGES 0)']);
});

Deno.test("one command brings a bounded number of messages, octets and headers", async () => {
  await using world = await makeWorld("empty", { config: { appendLimitBytes: 200 * MIB } });
  const client = await world.login();
  await sendAll(client, "m1 APPEND INBOX", Array(1_001).fill("x"));
  assert.deepEqual(await client.until("m1"), ["NO [LIMIT] Limit exceeded"]);
  await client.writeLine("m2 APPEND INBOX {1}");
  assert.equal(await client.readLine(), "+ OK");
  await client.writeLine(`x {${200 * MIB}}`);
  assert.equal(await client.readLine(), "+ OK");
  const chunk = "y".repeat(MIB);
  for (let i = 0; i < 200; i++) await client.send(chunk);
  await client.writeLine(` {${100 * MIB}}`);
  assert.equal(await client.readLine(), "m2 NO [LIMIT] Limit exceeded");
  const header = `X: ${"h".repeat(200_000)}\r\n\r\n`;
  await sendAll(client, "m3 APPEND INBOX", Array(60).fill(header));
  assert.deepEqual(await client.until("m3"), ["NO [LIMIT] Limit exceeded"]);
  assert.deepEqual(await messagesIn(client), ['* STATUS "INBOX" (MESSAGES 0)']);
  assert.deepEqual(await spoolFiles(world), []);
});

Deno.test("MULTIAPPEND, CATENATE and UTF8 can be switched off", async () => {
  const disabledCaps = ["MULTIAPPEND", "CATENATE", "UTF8=ACCEPT"];
  await using world = await makeWorld("two-messages", { config: { disabledCaps } });
  const client = await world.login();
  const texts = [
    "APPEND INBOX {1+}\r\nx {1+}\r\ny",
    'APPEND INBOX CATENATE (URL "/INBOX/;UID=1")',
    "APPEND INBOX UTF8 (~{1+}\r\nx)",
  ];
  for (const text of texts) assert.match((await client.command(text)).join(), /^BAD /, text);
  assert.deepEqual(await messagesIn(client), ['* STATUS "INBOX" (MESSAGES 2)']);
});

Deno.test("commands that follow at once are not lost, whatever becomes of the APPEND", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  const appends = [
    ["INBOX {1+}\r\nx {1+}\r\ny", "OK"],
    ["INBOX {1+}\r\nx {1+}\r\ny)", "BAD"],
    ["INBOX (\\Seen {3+}\r\na\r\n {2+}\r\n\r\n x", "BAD"],
    ["nowhere {5+}\r\nz NO\r (\\Seen) {3+}\r\nabc", "NO"],
    ["INBOX CATENATE (TEXT {1+}\r\nx URL {3+}\r\nabc TEXT {4+}\r\n\r\n\r\n)", "NO"],
    ["INBOX CATENATE (TEXT {1+}\r\nx URLX {3+}\r\nabc TEXT {4+}\r\n\r\n\r\n)", "BAD"],
    [`INBOX {${26 * MIB}+}\r\n${"x".repeat(26 * MIB)} {1+}\r\nx`, "NO"],
    [`INBOX {1+}\r\nx ${"(".repeat(70_000)}{3+}\r\nabc`, "BAD"],
    [`INBOX CATENATE (URL {2000000+}\r\n${"u".repeat(2_000_000)})`, "NO"],
  ] as const;
  for (const [text, status] of appends) {
    const sending = client.send(`p1 APPEND ${text}\r\np2 NOOP\r\n`);
    const replies = await client.until("p1");
    assert.ok(replies.at(-1)?.startsWith(status), `${text.slice(0, 80)}: ${replies}`);
    assert.deepEqual(await client.until("p2"), ["OK NOOP completed"]);
    await sending;
  }
});

Deno.test("a literal that nobody could read ends the connection", async () => {
  await using world = await makeWorld("empty");
  for (const size of ["4294967295", "9999999999"]) {
    for (const start of ["INBOX", "INBOX {1+}\r\nx", "INBOX CATENATE (TEXT {1+}\r\nx TEXT"]) {
      const client = await world.login();
      await client.send(`b1 APPEND ${start} {${size}+}\r\n`);
      assert.match(await client.readLine(), /^\* BYE Too much data/);
      assert.match(await client.readLine(), /^b1 NO \[TOOBIG\]/);
      assert.equal(await client.tryLine(), null);
    }
  }
});

/** Every literal as LITERAL+, in one go. */
async function sendAll(
  client: ImapClient,
  start: string,
  bodies: readonly string[],
): Promise<void> {
  await client.send(start);
  for (const body of bodies) await client.send(` {${body.length}+}\r\n${body}`);
  await client.send("\r\n");
}

function messagesIn(client: ImapClient): Promise<string[]> {
  return client.ok("STATUS INBOX (MESSAGES)");
}

async function spoolFiles({ services }: World): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(services.spoolDir))).map(({ name }) => name);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
