import assert from "node:assert/strict";
import type { User } from "../../src/auth/authenticator.ts";
import { MemoryBlobs } from "../../src/blobs/memory_blobs.ts";
import { readMessageUrl } from "../../src/imap/commands/append/message_url.ts";
import { serveImap } from "../../src/imap/connection.ts";
import type { ImapServices } from "../../src/imap/services.ts";
import { fromBinary, toBinary } from "../../src/lib/bytes.ts";
import type { AccountId, Modseq, Uid, UidValidity } from "../../src/lib/ids.ts";
import { Refused } from "../../src/lib/refused.ts";
import { Connection } from "../../src/net/connection.ts";
import { memoryPair, type Transport } from "../../src/net/transport.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import type { NewMessage } from "../../src/store/messages.ts";
import { imapConfig } from "../support/imap.ts";
import { dice } from "../support/dice.ts";

/**
 * APPEND as it arrives, over a connection: several messages, CATENATE, UTF8, literals of every kind,
 * whole and broken, in any pieces. Each command has one tagged reply, what follows is served, what
 * was stored is what an OK was given for, and no file is left in the spool.
 */
export const target = { name: "append", run };

const WORDS: readonly string[] = [
  " ",
  "(",
  ")",
  "\r\n",
  " (\\Seen $Junk)",
  " (\\Seen",
  ' "17-Jul-1996 02:44:25 -0700"',
  " CATENATE (",
  " CATENATE (TEXT {3+}\r\nabc)",
  "TEXT ",
  " TEXT {2+}\r\n\r\n",
  "URL ",
  ' URL "/INBOX/;UID=1"',
  ' URL "/INBOX;UIDVALIDITY=1/;UID=1/;SECTION=1.MIME/;PARTIAL=0.1"',
  "URL {13+}\r\n/INBOX/;UID=1",
  ' URL ";UID=1/;SECTION=HEADER.FIELDS%20(a)"',
  " UTF8 (",
  " UTF8 (~{4+}\r\n\xc3\xa4\r\n)",
  " {1+}\r\nx",
  " {6+}\r\nx: y\r\n",
  " {0+}\r\n",
  " ~{3+}\r\na\0b",
  " {5}\r\n",
  " {14000+}\r\n",
  " {5000+}\r\n",
  " {4294967295+}\r\n",
  " {99999999999999999999+}\r\n",
  "{",
  "+}",
  "\0",
  "\xff",
  "x".repeat(300),
];
const PIECES_MAX = 12;
/** Completes whatever was begun: more octets than any literal that is drained, and no bad command. */
const FILLER = "\r\nn NOOP\r\n" + "n NOOP\r\n".repeat(1_800);

async function run(seed: number, untilMs: number): Promise<number> {
  const spoolDir = await Deno.makeTempDir({ prefix: "sora-fuzz-" });
  try {
    let tried = 0;
    do {
      const random = dice(seed + tried);
      const commands = Array.from({ length: 3 }, () => {
        const count = random(PIECES_MAX) + 1;
        return Array.from({ length: count }, () => WORDS[random(WORDS.length)]).join("");
      });
      try {
        checkUrls(commands.join(""));
        await play(commands, { random, spoolDir });
      } catch (error) {
        const input = JSON.stringify(commands).slice(0, 3_000);
        throw new Error(`seed ${seed + tried}: ${input}`, { cause: error });
      }
      tried++;
    } while (Date.now() < untilMs);
    return tried;
  } finally {
    await Deno.remove(spoolDir, { recursive: true });
  }
}

interface Play {
  readonly random: (below: number) => number;
  readonly spoolDir: string;
}

async function play(commands: readonly string[], { random, spoolDir }: Play): Promise<void> {
  const stored: NewMessage[][] = [];
  const [near, far] = memoryPair();
  const serving = serveImap(services(spoolDir, stored))(Connection.over(far));
  const replies = readAll(near);
  const input = commands.map((text, i) => `f${i} APPEND INBOX${text}${FILLER}`).join("");
  await send(near, `l LOGIN a b\r\n${input}zz LOGOUT\r\n`, random).catch(() => {});
  await near.closeWrite().catch(() => {});
  const text = await replies;
  await serving;
  near.close();
  for (const line of text.split("\r\n").slice(0, -1)) assert.match(line, REPLY);
  assert.match(text, /^(?:zz OK|\* BYE )/m);
  assert.ok(!text.includes("SERVERBUG"));
  let acknowledged = 0;
  for (let i = 0; i < commands.length; i++) {
    const tagged = text.match(new RegExp(`^f${i} (?:OK|NO|BAD) .*$`, "gm")) ?? [];
    assert.ok(tagged.length <= 1, `${tagged}`);
    if (tagged[0]?.startsWith(`f${i} OK`)) acknowledged++;
  }
  assert.equal(stored.length, acknowledged);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(spoolDir)), []);
}

const REPLY = /^[\x20-\x7e]+$/;

/** A server without a database: every mailbox but INBOX is missing, and so is every message. */
function services(spoolDir: string, stored: NewMessage[][]): ImapServices {
  const user: User = { accountId: 1 as AccountId, address: "a@example.org" };
  const mailbox = { id: 1, accountId: 1, owner: user.address, rights: new Set("lrswipkxtea") };
  const fake = {
    spoolDir,
    blobs: new MemoryBlobs(),
    authenticator: { login: () => Promise.resolve(user) },
    access: {
      find: (_user: User, name: string) =>
        name === "INBOX"
          ? Promise.resolve(mailbox)
          : Promise.reject(new Refused({ kind: "no-such-mailbox", name })),
    },
    messages: {
      rows: () => Promise.resolve([]),
      viewedBy: () => fake.messages,
      appendAll: (messages: NewMessage[]) => {
        stored.push(messages);
        return Promise.resolve(messages.map((_, at) => ({
          uid: at + 1 as Uid,
          uidValidity: 1 as UidValidity,
          modseq: 1 as Modseq,
          duplicate: false,
        })));
      },
    },
    config: { ...imapConfig(), appendLimitBytes: 10_000 },
    log: logger("imap"),
    metrics: new Metrics(),
    draining: new AbortController().signal,
  };
  return fake as unknown as ImapServices;
}

async function send(
  near: Transport,
  text: string,
  random: (below: number) => number,
): Promise<void> {
  const bytes = fromBinary(text);
  const most = random(2) === 0 ? 65_536 : 5_000;
  for (let at = 0; at < bytes.length;) {
    at += await near.write(bytes.subarray(at, at + random(most) + 1));
  }
}

async function readAll(near: Transport): Promise<string> {
  const buffer = new Uint8Array(65_536);
  let text = "";
  for (let n = await near.read(buffer); n !== null; n = await near.read(buffer)) {
    text += toBinary(buffer.subarray(0, n));
  }
  return text;
}

function checkUrls(text: string): void {
  const url = readMessageUrl(text.slice(0, 60));
  if (url) assert.ok(url.uid > 0 && url.uid <= 0xffff_ffff);
  readMessageUrl(`/${text.slice(0, 40)}/;UID=1/;SECTION=${text.slice(0, 40)}`);
}
