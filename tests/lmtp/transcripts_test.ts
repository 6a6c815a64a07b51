import assert from "node:assert/strict";
import { commands } from "../../src/lmtp/registry.ts";
import { encodeUtf8, toBinary } from "../../src/lib/bytes.ts";
import { type LmtpClient, LmtpFixture } from "./fixture.ts";

/**
 * tests/transcripts/lmtp/*.txt:
 *
 *     # a comment             # set maxRecipients 2: a number of the configuration
 *     C: a line, CRLF added   C> octets as they are, with \r \n \0 \\
 *     S: a line; … = anything EOF: the server has closed the connection
 *
 * Every script is played three ways: line by line, octet by octet, and all at once.
 */
const FOLDER = new URL("../transcripts/lmtp/", import.meta.url);

interface Step {
  readonly side: "C" | "S" | "EOF";
  readonly text: string;
}

interface Script {
  readonly steps: readonly Step[];
  readonly config: Record<string, number>;
}

type Send = (client: LmtpClient, text: string) => Promise<void>;

const ways: Record<string, { readonly send: Send; readonly ahead: boolean }> = {
  "line by line": { send: (client, text) => client.send(text), ahead: false },
  "octet by octet": {
    send: async (client, text) => {
      for (const octet of text) {
        await client.send(octet);
        await Promise.resolve();
      }
    },
    ahead: false,
  },
  "all at once": { send: (client, text) => client.send(text), ahead: true },
};

const files = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).sort();
const scripts = new Map(
  files.map((name) => [name, read(Deno.readTextFileSync(new URL(name, FOLDER)))]),
);

for (const [name, script] of scripts) {
  for (const [way, { send, ahead }] of Object.entries(ways)) {
    Deno.test(`LMTP transcript ${name}, ${way}`, () => play(script, send, ahead));
  }
}

Deno.test("every LMTP command has a transcript", () => {
  const said = [...scripts.values()].flatMap(({ steps }) => steps)
    .filter(({ side }) => side === "C").map(({ text }) => text.split(/[ \r]/)[0]?.toUpperCase());
  const missing = commands.map(({ name }) => name).filter((name) => !said.includes(name));
  assert.deepEqual(missing, []);
});

async function play({ steps, config }: Script, send: Send, ahead: boolean): Promise<void> {
  const { client, session } = new LmtpFixture({ config }).dial();
  const said = steps.filter(({ side }) => side === "C").map(({ text }) => text).join("");
  const sending = ahead ? send(client, said) : Promise.resolve();
  for (const { side, text } of steps) {
    if (side === "C" && !ahead) await send(client, text);
    if (side === "S") assert.match(await client.line() ?? "EOF", pattern(text));
    if (side === "EOF") assert.equal(await client.line(), null);
  }
  await sending;
  await client.leave();
  assert.equal(await client.line(), null, "nothing is said that the transcript does not have");
  client.close();
  await session;
}

function read(text: string): Script {
  const config: Record<string, number> = {};
  const steps: Step[] = [];
  for (const line of text.split("\n")) {
    const [, key, value] = /^# set (\w+) (\d+)$/.exec(line) ?? [];
    if (key && value) config[key] = Number(value);
    if (line.startsWith("C: ")) steps.push({ side: "C", text: `${octets(line.slice(3))}\r\n` });
    else if (line === "C:") steps.push({ side: "C", text: "\r\n" });
    else if (line.startsWith("C> ")) steps.push({ side: "C", text: unescape(line.slice(3)) });
    else if (line.startsWith("S: ")) steps.push({ side: "S", text: octets(line.slice(3)) });
    else if (line === "EOF") steps.push({ side: "EOF", text: "" });
    else if (line !== "" && !line.startsWith("#")) throw new Error(`Cannot read ${line}`);
  }
  return { config, steps };
}

function octets(text: string): string {
  return toBinary(encodeUtf8(text));
}

function unescape(text: string): string {
  const named: Record<string, string> = { r: "\r", n: "\n", "0": "\0", "\\": "\\" };
  return octets(text).replaceAll(/\\([rn0\\])/g, (_, c: string) => named[c] ?? c);
}

function pattern(text: string): RegExp {
  const literal = text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${literal.replaceAll(octets("…"), ".*")}$`, "s");
}
