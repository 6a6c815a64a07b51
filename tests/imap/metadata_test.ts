import assert from "node:assert/strict";
import { makeWorld } from "../support/imap.ts";

const TOO_LONG = 2_001;
const ENTRIES_MAX = 10;

Deno.test("SETMETADATA: RFC 5464 §4.3 limits, all or nothing", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  const long = "x".repeat(TOO_LONG);
  const refused = await client.command(
    `SETMETADATA INBOX (/private/a "kept?" /private/b {${long.length}+}\r\n${long})`,
  );
  assert.match(refused.join("\n"), /NO \[METADATA MAXSIZE 2000\]/);
  const many = Array.from({ length: ENTRIES_MAX + 1 }, (_, n) => `/private/n/${n} "v"`).join(" ");
  assert.match(
    (await client.command(`SETMETADATA INBOX (${many})`)).join("\n"),
    /\[METADATA TOOMANY\]/,
  );
  const lines = await client.ok("GETMETADATA (DEPTH infinity) INBOX /private");
  assert.deepEqual(lines.filter((line) => line.startsWith("* METADATA")), []);
});

Deno.test("SETMETADATA: octets with NUL come back as a literal8, others as they went", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  const octets = "a\0b\r\n\xff";
  await client.ok(`SETMETADATA INBOX (/private/x ~{${octets.length}+}\r\n${octets})`);
  const [line] = await client.ok("GETMETADATA INBOX /private/x");
  assert.equal(line, `* METADATA "INBOX" (/private/x ~{6}\r\n${octets})`);
});

Deno.test("SETMETADATA: two sessions at the limit together", async () => {
  await using world = await makeWorld("empty", { workers: 2 });
  const clients = await Promise.all([0, 1].map((worker) => world.login({ worker })));
  const fill = (from: number) =>
    Array.from({ length: 6 }, (_, n) => `/private/n/${from + n} "v"`).join(" ");
  const results = await Promise.allSettled(
    clients.map((client, at) => client.ok(`SETMETADATA INBOX (${fill(at * 100)})`)),
  );
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
});

Deno.test("SETMETADATA: entries of a deleted mailbox count no longer, and none come behind it", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  const value = "x".repeat(2_000);
  for (let n = 0; n < 7; n++) {
    await client.ok("CREATE Work");
    const { id, accountId } = await world.services.mailboxes.find(world.account.id, "Work");
    await client.ok(`SETMETADATA Work (/private/a {${value.length}+}\r\n${value})`);
    await client.ok("DELETE Work");
    const target = { mailbox: { id, accountId }, account: world.account.id };
    const change = { name: "/private/b", value: new Uint8Array(10) };
    await assert.rejects(world.services.metadata.set(target, [change]), /gone/);
  }
});
