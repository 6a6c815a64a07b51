import assert from "node:assert/strict";
import {
  type Fixture,
  type ImapClient,
  makeWorld,
  PASSWORD,
  SHARING,
  USER,
} from "../support/imap.ts";
import { encodeUtf8, toBinary } from "../../src/lib/bytes.ts";
import { commands } from "../../src/imap/registry.ts";

/*
 * Every file of tests/transcripts/imap is a test. `C:` lines are sent, `S:` lines must come, in this
 * order; `…` stands for anything, `(end)` for the end of the connection. `C2:`, `S2:` and so on are
 * further connections. A header says what the world is like:
 *
 *     # RFC 6851 §3
 *     # fixture: two-messages        empty (default) or two-messages
 *     # state: selected              greeted, authenticated (default) or selected: INBOX is
 *     # sharing: on                  off (default) or on: [shared_mailboxes] with all it can allow
 *     # user2: bob@example.org       who C2 is, if not ada@example.org, whom INBOX of the fixture is
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
  const sharing = /^# sharing: on$/m.test(script) ? SHARING : {};
  await using world = await makeWorld(fixture satisfies Fixture, { sharing });
  const users = new Map(Array.from(
    script.matchAll(/^# user(\d): (\S+)$/gm),
    ([, number = "", address = ""]) => [number, address] as const,
  ));
  for (const address of new Set(users.values())) await world.addAccount(address);
  const clients = new Map<string, ImapClient>();
  for (const [, side, number = "", text = ""] of script.matchAll(/^([CS])(\d?): ?(.*)$/gm)) {
    let client = clients.get(number);
    if (!client) {
      client = await world.connect();
      clients.set(number, client);
      await enter(client, state, users.get(number) ?? USER);
    }
    if (side === "C") await client.writeLine(toBinary(encodeUtf8(text)));
    else assert.match(await client.tryLine() ?? "(end)", pattern(text));
  }
}

async function enter(client: ImapClient, state: string, user: string): Promise<void> {
  if (state === "greeted") return;
  await client.ok(`LOGIN ${user} ${PASSWORD}`);
  if (state === "selected") await client.ok("SELECT INBOX");
}

function pattern(text: string): RegExp {
  const parts = text.split("…").map((part) => RegExp.escape(toBinary(encodeUtf8(part))));
  return new RegExp(`^${parts.join(".*")}$`);
}
