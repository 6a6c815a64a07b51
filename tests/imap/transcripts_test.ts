import assert from "node:assert/strict";
import { type Fixture, type ImapClient, makeWorld, PASSWORD, USER } from "../support/imap.ts";
import { commands } from "../../src/imap/registry.ts";

/*
 * Every file of tests/transcripts/imap is a test. `C:` lines are sent, `S:` lines must come, in this
 * order; `…` stands for anything, `(end)` for the end of the connection. `C2:`, `S2:` and so on are
 * further connections. A header says what the world is like:
 *
 *     # RFC 6851 §3
 *     # fixture: two-messages        empty (default) or two-messages
 *     # state: selected              greeted, authenticated (default) or selected: INBOX is
 */
const folder = new URL("../transcripts/imap/", import.meta.url);
const names = Array.from(Deno.readDirSync(folder), ({ name }) => name)
  .filter((name) => name.endsWith(".txt")).sort();

for (const name of names) {
  Deno.test(`IMAP transcript ${name}`, async () => {
    await play(await Deno.readTextFile(new URL(name, folder)));
  });
}

Deno.test("every IMAP command has a transcript", async () => {
  const scripts = await Promise.all(names.map((name) => Deno.readTextFile(new URL(name, folder))));
  const text = scripts.join("\n").toUpperCase();
  for (const { name, uid } of commands) {
    assert.match(text, new RegExp(`^C\\d?: \\S+ ${name}(?: |$)`, "m"), `no transcript of ${name}`);
    if (uid) {
      assert.match(text, new RegExp(`^C\\d?: \\S+ UID ${name} `, "m"), `none of UID ${name}`);
    }
  }
});

async function play(script: string): Promise<void> {
  const [, fixture = "empty"] = /^# fixture: (\S+)$/m.exec(script) ?? [];
  const [, state = "authenticated"] = /^# state: (\S+)$/m.exec(script) ?? [];
  assert.ok(fixture === "empty" || fixture === "two-messages", `no such fixture: ${fixture}`);
  await using world = await makeWorld(fixture satisfies Fixture);
  const clients = new Map<string, ImapClient>();
  for (const [, side, number = "", text = ""] of script.matchAll(/^([CS])(\d?): ?(.*)$/gm)) {
    let client = clients.get(number);
    if (!client) {
      client = await world.connect();
      clients.set(number, client);
      await enter(client, state);
    }
    if (side === "C") await client.writeLine(text);
    else assert.match(await client.tryLine() ?? "(end)", pattern(text));
  }
}

async function enter(client: ImapClient, state: string): Promise<void> {
  if (state === "greeted") return;
  await client.ok(`LOGIN ${USER} ${PASSWORD}`);
  if (state === "selected") await client.ok("SELECT INBOX");
}

function pattern(text: string): RegExp {
  return new RegExp(`^${text.split("…").map((part) => RegExp.escape(part)).join(".*")}$`);
}
