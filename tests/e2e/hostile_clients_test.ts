import assert from "node:assert/strict";
import { join } from "node:path";
import { LineClient } from "../support/line_client.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

const USER = "ada@example.org";
const PASSWORD = "a password of a test";

/** Octets that may stay in buffers and heap when all of this is over: no bomb is held anywhere. */
const GROWTH_KIB_MAX = 300 * 1024;

/** Connections to the database that a busy moment leaves in the pools. */
const POOLED_MAX = 25;

/** Sends what the server still takes; a server that hangs up is what these tests expect. */
async function flood(client: LineClient, data: string, times = 1): Promise<void> {
  try {
    for (let i = 0; i < times; i++) await client.send(data);
  } catch (error) {
    const gone = error instanceof Deno.errors.BrokenPipe ||
      error instanceof Deno.errors.ConnectionReset;
    if (!gone) throw error;
  }
}

async function dial(server: TestServer): Promise<LineClient> {
  const client = await LineClient.dial(server.imapPort);
  await client.line();
  return client;
}

async function logIn(server: TestServer): Promise<LineClient> {
  const client = await dial(server);
  assert.match((await client.imap(`LOGIN ${USER} "${PASSWORD}"`)).at(-1) ?? "", / OK /);
  return client;
}

async function residentKib({ pid }: TestServer): Promise<number> {
  const [, kib] = /VmRSS:\s+(\d+)/.exec(await Deno.readTextFile(`/proc/${pid}/status`)) ?? [];
  return Number(kib);
}

async function openFiles({ pid }: TestServer): Promise<number> {
  return (await Array.fromAsync(Deno.readDir(`/proc/${pid}/fd`))).length;
}

async function spoolFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.name.startsWith("incoming-")) found.push(path);
    else if (entry.isDirectory && entry.name !== "postgres") found.push(...await spoolFiles(path));
  }
  return found;
}

const bombs: readonly [name: string, data: string, times: number][] = [
  ["literals", `a SEARCH BODY {1048576+}\r\n${"x".repeat(65_536)}`, 1_000],
  ["a huge literal", `a LOGIN {4294967295+}\r\n${"x".repeat(65_536)}`, 200],
  ["an impossible literal", `a LOGIN {99999999999999999999+}\r\n${"x".repeat(65_536)}`, 200],
  ["an endless line", "x".repeat(65_536), 1_000],
  ["parentheses", `a ID ${"(".repeat(1_000_000)}\r\n`, 5],
  ["commands", "a NOOP\r\n".repeat(8_000), 5],
  ["HTTP", "POST / HTTP/1.1\r\nHost: x\r\n\r\na CREATE evil\r\n", 1],
];

const cuts: readonly string[] = [
  "a SELECT INBOX\r\n",
  "a SELECT INBOX\r\nb IDLE\r\n",
  "a SELECT INBOX\r\nb FETCH 1:* BODY[]\r\n",
  "a APPEND INBOX {10}\r\n",
  `a APPEND INBOX {9000000+}\r\n${"x".repeat(1_500_000)}`,
  "a CREATE cut\r\n",
  "a LOGOUT\r\n",
];

const lmtpCuts: readonly string[] = [
  "LHLO c\r\nMAIL FR",
  `LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<${USER}>\r\n`,
  `LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<${USER}>\r\nDATA\r\n${"x".repeat(1_500_000)}`,
  `LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<${USER}>\r\nBDAT 9000000\r\n${"x".repeat(1_500_000)}`,
];

Deno.test("hostile clients leave nothing behind, and everybody else is served", async () => {
  await using server = await startServer();
  await server.createAccount(USER, PASSWORD);
  using friend = await logIn(server);
  await friend.imap("SELECT INBOX");
  const before = { files: await openFiles(server), kib: await residentKib(server) };

  for (const [, data, times] of bombs) {
    for (const open of [dial, logIn]) {
      using client = await open(server);
      await flood(client, data, Math.min(times, open === logIn ? 50 : times));
    }
    assert.match((await friend.imap("NOOP")).at(-1) ?? "", / OK /);
  }
  for (const data of cuts) {
    const clients = await Promise.all(Array.from({ length: 8 }, () => logIn(server)));
    await Promise.all(clients.map((client) => flood(client, data)));
    for (const client of clients) client.close();
  }
  for (const data of lmtpCuts) {
    for (let i = 0; i < 8; i++) {
      using client = await LineClient.dial(server.lmtpPort);
      await flood(client, data);
    }
  }

  // The server needs a moment to notice who has left.
  await until("files are closed", async () => await openFiles(server) <= before.files + POOLED_MAX);
  await until("no spool files", async () => (await spoolFiles(server.dataDir)).length === 0);
  const grownKib = await residentKib(server) - before.kib;
  assert.ok(grownKib < GROWTH_KIB_MAX, `${grownKib} KiB more`);
  assert.match((await friend.imap("STATUS INBOX (MESSAGES)")).join(), /MESSAGES 0\).* OK /);
  assert.doesNotMatch(server.output(), / ERROR | [Uu]ncaught|Unhandled/);
  assert.equal(await server.stop(), 0);
});
