import assert from "node:assert/strict";
import { SessionMemory } from "../../src/imap/session_memory.ts";
import { Refused } from "../../src/lib/refused.ts";
import { makeWorld, type World } from "../support/imap.ts";

Deno.test("what is charged counts until it is released, and too much is not charged at all", () => {
  const memory = new SessionMemory(100);
  memory.charge(60);
  assert.throws(() => memory.charge(41), Refused);
  assert.throws(() => memory.chargeCommand(41), Refused);
  assert.equal(memory.usedBytes, 60);
  memory.chargeCommand(40);
  assert.equal(memory.freeBytes, 0);
  memory.endCommand();
  memory.endCommand();
  assert.equal(memory.usedBytes, 60);
  memory.release(60);
  assert.equal(memory.freeBytes, 100);
});

Deno.test("what is held for a purpose is counted once, however often it changes", () => {
  const memory = new SessionMemory(100);
  memory.hold("a", 60);
  memory.hold("b", 30);
  memory.hold("a", 70);
  assert.throws(() => memory.hold("b", 31), Refused);
  assert.equal(memory.usedBytes, 100);
  memory.hold("a", 0);
  memory.hold("a", 0);
  assert.equal(memory.usedBytes, 30);
});

Deno.test("without a limit nothing is too much", () => {
  const memory = new SessionMemory(0);
  memory.charge(1e15);
  assert.equal(memory.freeBytes, Infinity);
});

Deno.test("literals of one command count, and are let go of with it", async () => {
  await using world = await makeWorld("empty", { config: { sessionMemoryLimitBytes: 100_000 } });
  const client = await world.login();
  const name = (bytes: number) => `{${bytes}+}\r\n${"x".repeat(bytes)}`;
  for (let i = 0; i < 5; i++) {
    assert.deepEqual(await client.command(`STATUS ${name(60_000)} (MESSAGES)`), [
      "NO [NONEXISTENT] No such mailbox",
    ]);
    const both = await client.command(`RENAME ${name(60_000)} ${name(60_000)}`);
    assert.deepEqual(both, ["NO [LIMIT] Limit exceeded"]);
  }
  assert.deepEqual(await client.command("STATUS {100001}"), ["NO [LIMIT] Limit exceeded"]);
});

Deno.test("a message that memory has no room for goes to the disk", async () => {
  await using world = await makeWorld("empty", { config: { sessionMemoryLimitBytes: 20_000 } });
  const client = await world.login();
  const body = `Subject: x\r\n\r\n${"y".repeat(300_000)}`;
  await client.send(`a1 APPEND INBOX {${body.length}+}\r\n${body.slice(0, 100_000)}`);
  while ((await spoolFiles(world)).length === 0) await turn();
  await client.send(`${body.slice(100_000)}\r\n`);
  assert.match((await client.until("a1")).join(), /^OK /);
  assert.deepEqual(await spoolFiles(world), []);
  // The header is held for the database: that much memory a command must have.
  const header = `X: ${"h".repeat(30_000)}\r\n\r\n`;
  assert.deepEqual(await client.literal("APPEND INBOX", header), ["NO [LIMIT] Limit exceeded"]);
});

Deno.test("a saved result counts until the mailbox is left", async () => {
  await using world = await makeWorld("empty", { config: { sessionMemoryLimitBytes: 200 } });
  for (let i = 0; i < 12; i++) await world.deliver("x: y\r\n\r\n", { flags: i % 2 });
  const client = await world.login();
  await client.ok("SELECT INBOX");
  await client.ok("UID SEARCH RETURN (SAVE) UID 1");
  assert.deepEqual(await client.command("UID SEARCH RETURN (SAVE) SEEN"), [
    "NO [NOTSAVED] No room for the result",
  ]);
  assert.deepEqual(await client.ok("UID SEARCH $"), ["* SEARCH"]);
  await client.ok("UID SEARCH RETURN (SAVE) ALL");
  await client.ok("UID SEARCH RETURN (SAVE) UID 1,3,5,7");
  await client.ok("SELECT INBOX");
  await client.ok("UID SEARCH RETURN (SAVE) UID 2,4,6,8");
});

async function spoolFiles({ services }: World): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(services.spoolDir))).map(({ name }) => name);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
