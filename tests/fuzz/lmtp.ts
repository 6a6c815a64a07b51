import assert from "node:assert/strict";
import { LmtpFixture } from "../lmtp/fixture.ts";
import { dice, type Roll } from "../support/dice.ts";

/**
 * LMTP sessions of broken and whole commands, cut anywhere. What must hold: every reply line is
 * well formed, no session ends in an internal error, what is stored is what a 250 was given for, and
 * nothing of a message is ever taken for a command.
 */
export const target = {
  name: "lmtp",

  /** Plays sessions until `untilMs` (a `Date.now()` time); gives their number. */
  async run(seed: number, untilMs: number): Promise<number> {
    let sessions = 0;
    do {
      await play(dice(seed + sessions)).catch((error: unknown) => {
        throw new Error(`LMTP fuzz fails with seed ${seed + sessions}`, { cause: error });
      });
      sessions++;
    } while (Date.now() < untilMs);
    return sessions;
  },
};

function pick<T>(next: Roll, choices: readonly T[]): T {
  const choice = choices[next(choices.length)];
  assert.ok(choice !== undefined);
  return choice;
}

const LINES = [
  "LHLO client.example.net",
  "LHLO \xff",
  "EHLO x",
  "MAIL FROM:<a@example.net>",
  "MAIL FROM:<> SIZE=10",
  'MAIL FROM:<"\\">\\""@example.net> BODY=8BITMIME',
  "MAIL FROM:<\xc3\xa4@example.net> SMTPUTF8",
  "MAIL FROM:<a@example.net> SIZE=99999999999999999999",
  "RCPT TO:<user@example.com>",
  "RCPT TO:<alias+x@example.com>",
  "RCPT TO:<other@example.com>",
  "RCPT TO:<nobody@example.com>",
  "RCPT TO:<full@example.com>",
  "RCPT TO:<@a,@b:third@example.com>",
  'RCPT TO:<""@x>',
  "DATA",
  "BDAT 5 LAST",
  "BDAT 0",
  "BDAT -1",
  "RSET",
  "NOOP",
  "VRFY x",
  "",
  "\0",
  ".",
];
const PIECES = [
  "\r\n",
  "\n",
  "\r",
  ".",
  "..",
  "\r\n.",
  "QUIT\r\n",
  "Subject: x",
  "\0",
  "\xff",
  "MARK",
];

/** A canary: it is sent inside messages only, and no reply may ever repeat or obey it. */
const MESSAGE_ONLY = "XCANARY";

async function play(next: Roll): Promise<void> {
  const fixture = new LmtpFixture({ config: { maxMessageSizeBytes: 400, maxRecipients: 3 } });
  const { client, session } = fixture.dial();
  const script = next(3) === 0 ? wholeSession(next) : wildSession(next);
  const sending = (async () => {
    for (let at = 0; at < script.length;) {
      const length = 1 + next(next(2) === 0 ? 3 : 200);
      await client.send(script.slice(at, at + length));
      at += length;
    }
    await client.leave();
  })();
  const lines: string[] = [];
  for (let line = await client.line(); line !== null; line = await client.line()) lines.push(line);
  await sending;
  client.close();
  await session;
  for (const line of lines) assert.match(line, /^[2345]\d\d[- ][\x20-\x7e]+$/);
  assert.deepEqual(fixture.errors, []);
  const delivered = lines.filter((line) => line.startsWith("250 2.1.5 Delivered")).length;
  assert.ok((await fixture.stored()).length <= delivered);
  if (script.startsWith("LHLO whole")) {
    assert.equal(lines.filter((line) => line.startsWith("500")).length, 0, lines.join("\n"));
    assert.ok(lines.at(-1)?.startsWith("221"), lines.join("\n"));
  }
}

/** Commands, good and bad, in any order. */
function wildSession(next: Roll): string {
  let script = next(4) > 0 ? "LHLO c\r\n" : "";
  for (let i = next(25); i > 0; i--) {
    const line = pick(next, LINES);
    script += next(12) === 0 ? mutate(line, next) : line;
    script += next(15) === 0 ? pick(next, ["\n", "\r", ""]) : "\r\n";
    if (/^(DATA|BDAT)/.test(line)) script += noise(next) + pick(next, ["\r\n.\r\n", ""]);
  }
  return script;
}

/** Sessions in which every command is right, around messages that are anything but. */
function wholeSession(next: Roll): string {
  let script = "LHLO whole\r\n";
  for (let i = 1 + next(4); i > 0; i--) {
    script += "MAIL FROM:<a@example.net>\r\nRCPT TO:<user@example.com>\r\n";
    const message = `${MESSAGE_ONLY} ${noise(next)}`;
    if (next(2) === 0) script += `BDAT ${message.length} LAST\r\n${message}`;
    else script += `DATA\r\n${message.replaceAll(/(^|\r\n)\./g, "$1..")}\r\n.\r\n`;
  }
  return `${script}QUIT\r\n`;
}

function noise(next: Roll): string {
  return Array.from({ length: next(40) }, () => pick(next, PIECES)).join("");
}

function mutate(line: string, next: Roll): string {
  const at = next(line.length + 1);
  return line.slice(0, at) + String.fromCharCode(next(256)) + line.slice(at + next(3));
}
