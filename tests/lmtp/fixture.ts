import { MemoryBlobs } from "../../src/blobs/memory_blobs.ts";
import type { LmtpServerConfig } from "../../src/config/config.ts";
import { Delivery } from "../../src/delivery/delivery.ts";
import { concat, fromBinary, toBinary } from "../../src/lib/bytes.ts";
import type { AccountId, MailboxId, Modseq, Uid, UidValidity } from "../../src/lib/ids.ts";
import { type Refusal, Refused, unavailable } from "../../src/lib/refused.ts";
import type { ObjectKey } from "../../src/blobs/blobs.ts";
import { serveLmtp } from "../../src/lmtp/mod.ts";
import { Connection, ConnectionGone } from "../../src/net/connection.ts";
import type { Ticker } from "../../src/net/ticker.ts";
import { memoryPair, type Transport } from "../../src/net/transport.ts";
import type { Log } from "../../src/observe/log.ts";
import { nullMetrics } from "../../src/observe/metrics.ts";
import type { Recipient } from "../../src/store/accounts.ts";
import type { Appended, NewMessage } from "../../src/store/message.ts";
import { testConfig } from "./lmtp_config.ts";

/** Base address → account number; who is not here is unknown. */
const addresses = new Map([
  ["user@example.com", 1],
  ["alias@example.com", 1],
  ["other@example.com", 2],
  ["third@example.com", 3],
  ["jörg@example.com", 4],
  ["odd!name@example.com", 5],
  ["slow@example.com", 50],
]);
/** Accounts whose mailbox declines. */
const failing = new Map<number, () => Error>([
  [90, () => unavailable("database", new Error("connection lost"))],
  [91, () => refused({ kind: "over-quota" })],
  [92, () => refused({ kind: "no-such-mailbox", name: "INBOX" })],
  [93, () => new TypeError("a bug")],
]);
for (const [name, id] of [["down", 90], ["full", 91], ["gone", 92], ["bug", 93]] as const) {
  addresses.set(`${name}@example.com`, id);
}

function refused(refusal: Refusal): Refused {
  return new Refused(refusal);
}

/** A message as it lies in an INBOX. */
export interface StoredMessage {
  readonly account: number;
  /** Binary string. */
  readonly text: string;
  readonly facts: NewMessage["facts"];
}

export interface LmtpFixtureOptions {
  readonly config?: Partial<LmtpServerConfig>;
  readonly spoolDir?: string;
  readonly draining?: AbortSignal;
  /** Where the client says it is; default 127.0.0.1. */
  readonly host?: string;
  readonly ticker?: Ticker;
  /** Awaited by every delivery to slow@example.com. */
  readonly gate?: Promise<void>;
}

/** An LMTP server over memory, with accounts and mailboxes in memory. */
export class LmtpFixture {
  readonly errors: string[] = [];
  readonly blobs = new MemoryBlobs();
  readonly #stored: NewMessage[] = [];
  readonly #options: LmtpFixtureOptions;
  /** Deliveries under way now, and the most there ever were. */
  deliveries = { now: 0, most: 0 };

  constructor(options: LmtpFixtureOptions = {}) {
    this.#options = options;
  }

  /** Opens a connection and gives the client's end of it; the session runs by itself. */
  dial(): { readonly client: LmtpClient; readonly session: Promise<void> } {
    const [near, far] = memoryPair();
    const { host = "127.0.0.1", ticker, config, spoolDir = "/nonexistent" } = this.#options;
    const connection = Connection.over(near, {
      remote: { host, port: 1 },
      id: "session1",
      ...(ticker ? { ticker } : {}),
    });
    const serve = serveLmtp({
      accounts: { recipient: (address) => this.#recipient(address) },
      delivery: new Delivery({
        messages: { append: (message) => this.#append(message) },
        blobs: this.blobs,
        log: this.#log(),
      }),
      spoolDir,
      draining: this.#options.draining ?? new AbortController().signal,
      log: this.#log(),
      metrics: nullMetrics,
    }, { ...testConfig, ...config });
    const session = (async () => {
      try {
        await serve(connection);
      } catch (error) {
        if (!(error instanceof ConnectionGone)) throw error;
      }
      await connection.end(); // As the listener does.
    })();
    return { client: new LmtpClient(far), session };
  }

  /** What was delivered, in order. */
  async stored(): Promise<StoredMessage[]> {
    return await Promise.all(this.#stored.map(async ({ accountId, objectKey, facts }) => ({
      account: accountId,
      text: toBinary(await this.blobs.get(objectKey as ObjectKey) ?? new Uint8Array(0)),
      facts,
    })));
  }

  async #recipient(address: string): Promise<Recipient | null> {
    if (address === "nodb@example.com") throw unavailable("database", new Error("no connection"));
    if (address === "bugged@example.com") throw new TypeError("a bug");
    const id = addresses.get(address);
    if (id === undefined) return null;
    const primary = [...addresses].find(([, other]) => other === id)?.[0] ?? address;
    return {
      accountId: id as AccountId,
      address: primary,
      inbox: (id * 10) as MailboxId,
      isFull: false,
    };
  }

  async #append(message: NewMessage): Promise<Appended> {
    this.deliveries.now++;
    this.deliveries.most = Math.max(this.deliveries.most, this.deliveries.now);
    await (message.accountId === 50 ? this.#options.gate : undefined);
    this.deliveries.now--;
    const error = failing.get(message.accountId)?.();
    if (error) throw error;
    const same = this.#stored.findIndex((other) =>
      other.mailbox === message.mailbox && other.deliveryKey === message.deliveryKey
    );
    if (same < 0) this.#stored.push(message);
    return {
      uid: (same < 0 ? this.#stored.length : same + 1) as Uid,
      uidValidity: 1 as UidValidity,
      modseq: 1 as Modseq,
      duplicate: same >= 0,
    };
  }

  #log(): Log {
    const log: Log = {
      debug: () => {},
      info: () => {},
      warning: () => {},
      error: (event) => void this.errors.push(event),
      with: () => log,
    };
    return log;
  }
}

/** The client's end of a connection in memory. */
export class LmtpClient {
  readonly #transport: Transport;
  readonly #chunk = new Uint8Array(8_192);
  #buffer: Uint8Array = new Uint8Array(0);

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Sends a binary string as it is; stops quietly where the server hangs up. */
  async send(text: string): Promise<void> {
    const bytes = fromBinary(text);
    try {
      for (let at = 0; at < bytes.length;) at += await this.#transport.write(bytes.subarray(at));
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    }
  }

  /** The next line without its CRLF; null at EOF. */
  async line(): Promise<string | null> {
    for (;;) {
      const end = this.#buffer.indexOf(10);
      if (end >= 0) {
        const line = toBinary(this.#buffer.subarray(0, end + 1));
        this.#buffer = this.#buffer.subarray(end + 1);
        if (!line.endsWith("\r\n")) throw new Error("A reply line must end with CRLF");
        return line.slice(0, -2);
      }
      const n = await this.#transport.read(this.#chunk);
      if (n === null) return null;
      this.#buffer = concat([this.#buffer, this.#chunk.slice(0, n)]);
    }
  }

  /** One reply: its last line. */
  async reply(): Promise<string> {
    for (;;) {
      const line = await this.line();
      if (line === null) throw new Error("The server closed the connection");
      if (line[3] !== "-") return line;
    }
  }

  /** Sends a line and gives the reply. */
  async command(line: string): Promise<string> {
    await this.send(`${line}\r\n`);
    return await this.reply();
  }

  /** Reads the greeting, says LHLO, MAIL and RCPTs; all must succeed. */
  async begin(recipients: readonly string[], parameters = ""): Promise<void> {
    await this.reply();
    await this.command("LHLO client.example.net");
    await this.envelope(recipients, parameters);
  }

  async envelope(recipients: readonly string[], parameters = ""): Promise<void> {
    const replies = [await this.command(`MAIL FROM:<sender@example.net>${parameters}`)];
    for (const one of recipients) replies.push(await this.command(`RCPT TO:<${one}>`));
    const bad = replies.find((reply) => !reply.startsWith("250"));
    if (bad) throw new Error(`Cannot begin: ${bad}`);
  }

  /** Half-closes: the server sees EOF. */
  async leave(): Promise<void> {
    await this.#transport.closeWrite();
  }

  close(): void {
    this.#transport.close();
  }
}
