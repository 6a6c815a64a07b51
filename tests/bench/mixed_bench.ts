import { fromBinary } from "../../src/lib/bytes.ts";
import { type Dovecot, startDovecot } from "../support/dovecot.ts";
import { plainMessage } from "../support/mail.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Figure, median, stallsOf } from "./report.ts";

const CLIENTS = 50;
const PASSWORD = "correct horse battery";
/** One measurement of one server. WHY: longer ones differ no less, and the two servers take turns. */
const SECONDS = 8;
const ROUNDS = 3;
/** WHY: a server runs for weeks; what a just-in-time compiler makes of it is seen after some seconds. */
const WARM_SECONDS = 20;
const MESSAGE_BYTES = 4_000;
/** Messages a mailbox is kept near, as in imaptest. */
const MESSAGES = 30;

/** WHY: a tagged reply with all capabilities is a long line. */
const TAIL_OCTETS = 2_000;

/** Who is asked, and how often a client logs out. */
interface Load {
  readonly port: number;
  readonly staysLoggedIn: boolean;
}

/**
 * 50 clients, an account each, in the proportions of Dovecot's own stress tool: log in, list, look,
 * select, fetch, store, append, expunge, log out. Beside a stock Dovecot in the same run, if there is
 * one: the machine's noise is in both.
 */
export async function mixedBench(): Promise<Figure[]> {
  const addresses = Array.from({ length: CLIENTS }, (_, n) => `mixed${n}@example.org`);
  await using server = await startServer({ workers: 0 }); // WHY: as it comes.
  for (const address of addresses) await server.createAccount(address, PASSWORD);
  await using dovecot = await startDovecot({ addresses, password: PASSWORD });
  const figures: Figure[] = [];
  for (const staysLoggedIn of [false, true]) {
    figures.push(...await compared({ server, dovecot, addresses, staysLoggedIn }));
  }
  return figures;
}

interface Rivals {
  readonly server: TestServer;
  readonly dovecot: Dovecot | null;
  readonly addresses: readonly string[];
  readonly staysLoggedIn: boolean;
}

async function compared(
  { server, dovecot, addresses, staysLoggedIn }: Rivals,
): Promise<Figure[]> {
  const ours: number[] = [];
  const theirs: number[] = [];
  await measure({ port: server.imapPort, staysLoggedIn }, addresses, WARM_SECONDS); // code is compiled
  if (dovecot) await measure({ port: dovecot.imapPort, staysLoggedIn }, addresses, 2);
  const before = await stallsOf(server);
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await measure({ port: server.imapPort, staysLoggedIn }, addresses, SECONDS));
    if (!dovecot) continue;
    theirs.push(await measure({ port: dovecot.imapPort, staysLoggedIn }, addresses, SECONDS));
  }
  const name = `${CLIENTS} clients, ${staysLoggedIn ? "logged in all the time" : "logging in"}`;
  const unit = "commands/s";
  const figures: Figure[] = [
    { name, value: median(ours), unit },
    {
      name: "  event-loop stalls over 50 ms",
      value: await stallsOf(server) - before,
      unit: "",
      target: ["<=", 0],
    },
  ];
  if (!dovecot) return figures;
  return [
    ...figures,
    { name: `  Dovecot ${dovecot.version}`, value: median(theirs), unit },
    {
      name: "  ratio",
      value: median(ours) / median(theirs),
      unit: "",
      target: [">=", staysLoggedIn ? 0.7 : 2],
    },
  ];
}

/** Commands per second. */
async function measure(
  load: Load,
  addresses: readonly string[],
  seconds: number,
): Promise<number> {
  const from = performance.now();
  const until = from + seconds * 1_000;
  const counts = await Promise.all(
    addresses.map((address, n) => client(load, address, { until, n })),
  );
  const commands = counts.reduce((sum, count) => sum + count, 0);
  return commands / ((performance.now() - from) / 1_000);
}

async function client(
  { port, staysLoggedIn }: Load,
  address: string,
  { until, n }: { readonly until: number; readonly n: number },
): Promise<number> {
  const random = generator(n + 1);
  let commands = 0;
  while (performance.now() < until) {
    using session = await Session.open(port);
    await session.command(`LOGIN ${address} "${PASSWORD}"`);
    do await visit(session, random); while (staysLoggedIn && performance.now() < until);
    await session.command("LOGOUT");
    commands += session.commands;
  }
  return commands;
}

/** What a client does between LOGIN and LOGOUT. */
async function visit(session: Session, random: () => number): Promise<void> {
  const often = (percent: number) => random() * 100 < percent;
  if (often(50)) await session.command('LIST "" "*"');
  if (often(50)) await session.command("STATUS INBOX (MESSAGES UIDNEXT UNSEEN)");
  await session.command("SELECT INBOX");
  const { exists } = session;
  const some = () => Math.floor(random() * exists) + 1;
  if (exists > 0) {
    await session.command(`FETCH 1:${exists} (UID FLAGS ENVELOPE)`);
    if (often(30)) await session.command(`FETCH ${some()} (BODY.PEEK[])`);
    if (often(50)) await session.command(`STORE ${some()} +FLAGS (\\Seen $Important)`);
    if (exists > MESSAGES) await session.command(`STORE ${some()} +FLAGS (\\Deleted)`);
    await session.command("EXPUNGE");
  }
  const message = plainMessage(Math.floor(random() * 1e6), MESSAGE_BYTES);
  await session.command(`APPEND INBOX {${message.length}}`, message);
}

/** One connection that looks at nothing but EXISTS and the tagged reply. */
class Session implements Disposable {
  commands = 0;
  exists = 0;
  readonly #conn: Deno.TcpConn;
  readonly #chunk = new Uint8Array(65_536);

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  static async open(port: number): Promise<Session> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    conn.setNoDelay(true);
    const session = new Session(conn);
    await session.#until(/^\* OK.*\r\n$/);
    return session;
  }

  async command(text: string, literal?: string): Promise<void> {
    await this.#write(`tag7 ${text}\r\n`);
    if (literal !== undefined) {
      await this.#until(/(?:^|\n)\+.*\r\n$/);
      await this.#write(`${literal}\r\n`);
    }
    await this.#until(/(?:^|\n)tag7 .*\r\n$/);
    this.commands++;
  }

  [Symbol.dispose](): void {
    this.#conn.close();
  }

  async #write(text: string): Promise<void> {
    const bytes = fromBinary(text);
    for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
  }

  async #until(end: RegExp): Promise<void> {
    let tail = "";
    do {
      const n = await this.#conn.read(this.#chunk);
      if (n === null) throw new Error(`Server closed; the last it said: ${tail}`);
      const text = latin1.decode(this.#chunk.subarray(0, n));
      for (const [, exists] of text.matchAll(/^\* (\d+) EXISTS/gm)) this.exists = Number(exists);
      tail = (tail + text).slice(-TAIL_OCTETS);
      if (/(?:^|\n)tag7 (?:NO|BAD).*\r\n$/.test(tail)) throw new Error(tail);
    } while (!end.test(tail));
  }
}

const latin1 = new TextDecoder("latin1");

/** Numbers in [0, 1), the same for the same seed. */
function generator(seed: number): () => number {
  let state = seed * 0x9e3779b9 >>> 0;
  return () => {
    state = Math.imul(state ^ state >>> 15, state | 1);
    state ^= state + Math.imul(state ^ state >>> 7, state | 61);
    return ((state ^ state >>> 14) >>> 0) / 2 ** 32;
  };
}
