import assert from "node:assert/strict";
import { AccessControl } from "../../src/auth/access_control.ts";
import { Authenticator } from "../../src/auth/authenticator.ts";
import { MailboxAccess } from "../../src/auth/mailbox_access.ts";
import { LocalHasher } from "../../src/auth/local_hasher.ts";
import { type Blobs, objectKey } from "../../src/blobs/blobs.ts";
import { MemoryBlobs } from "../../src/blobs/memory_blobs.ts";
import { Spool } from "../../src/blobs/spool.ts";
import { embeddedConfig } from "../../src/config/embedded.ts";
import type { ImapServerConfig, SharingConfig } from "../../src/config/config.ts";
import { serveImap } from "../../src/imap/connection.ts";
import type { ImapServices } from "../../src/imap/services.ts";
import { UidMaps } from "../../src/imap/view/uid_maps.ts";
import { concat, fromBinary, toBinary } from "../../src/lib/bytes.ts";
import type { Uid } from "../../src/lib/ids.ts";
import { messageFacts } from "../../src/message/facts.ts";
import { parseMessage } from "../../src/message/parser.ts";
import { Connection } from "../../src/net/connection.ts";
import { DeflateTransport } from "../../src/net/deflate_transport.ts";
import { sharedTicker, type Ticker } from "../../src/net/ticker.ts";
import { memoryPair, type Transport } from "../../src/net/transport.ts";
import { SearchRate } from "../../src/limits/search_rate.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { type Account, AccountStore } from "../../src/store/accounts.ts";
import { AclStore } from "../../src/store/acls.ts";
import { Database } from "../../src/store/database.ts";
import { MailboxStore } from "../../src/store/mailboxes.ts";
import { MessageTextStore } from "../../src/store/message_texts.ts";
import { MetadataStore } from "../../src/store/metadata.ts";
import { MessageStore } from "../../src/store/messages.ts";
import { Notices } from "../../src/store/notices.ts";
import { QuotaStore } from "../../src/store/quotas.ts";
import { testDatabase } from "./postgres.ts";

/** Who is in every test world. */
export const USER = "ada@example.org";
export const PASSWORD = "secret";
/** May change quotas; has no account unless a test makes one. */
export const ADMINISTRATOR = "admin@example.org";
/** WHY: bcrypt would take most of the time of every test. */
const HASHER = new LocalHasher({ scheme: "sha512", cost: 4 });

/** Everything that may be shared is. */
export const SHARING = { enabled: true, allowUserCreate: true, allowAnyone: true };

/** Small enough to be reached. */
const METADATA_LIMITS = {
  maxEntrySizeBytes: 2_000,
  maxEntriesPerMailbox: 10,
  maxEntriesPerServer: 10,
  maxTotalSizeBytes: 10_000,
};

/** What a world is made with. */
export interface WorldOptions {
  readonly config?: Partial<ImapServerConfig>;
  /** Sharing is off unless it is switched on here. */
  readonly sharing?: Partial<SharingConfig>;
  /** Default: in memory. */
  readonly blobs?: Blobs;
  /** Workers of one node: each has its own stores' notices and UID maps over one database. */
  readonly workers?: number;
}

/** A real store with one account, and IMAP served on in-memory connections. */
export interface World extends AsyncDisposable {
  readonly account: Account;
  /** Of worker 0. */
  readonly services: ImapServices;
  readonly workers: readonly ImapServices[];
  /** Ends every session as a shutdown does. */
  shutDown(): void;
  /** A greeted connection; the greeting is read. */
  connect(options?: ConnectOptions): Promise<ImapClient>;
  /** A connection that has logged in. */
  login(options?: ConnectOptions & { readonly user?: string }): Promise<ImapClient>;
  /** Another account, with the same password. */
  addAccount(address: string): Promise<Account>;
  /** Puts a message into a mailbox of the account, below IMAP. */
  deliver(text: string, options?: DeliverOptions): Promise<Uid>;
}

export interface ConnectOptions {
  readonly worker?: number;
  /** Where it seems to come from; default an address of another network. */
  readonly remote?: string;
  /** A clock for its deadlines; default the real one. */
  readonly ticker?: Ticker;
}

export interface DeliverOptions {
  /** Default INBOX. */
  readonly mailbox?: string;
  readonly flags?: number;
  readonly keywords?: readonly string[];
  /** Default 1 January 2026, noon UTC. */
  readonly internalDate?: Date;
  readonly worker?: number;
}

/** The messages of the fixture "two-messages": 1 is \Seen, 2 is not. */
export const TWO_MESSAGES: readonly [string, string] = [
  "From: Ada <ada@example.org>\r\nTo: Bob <bob@example.org>\r\nSubject: First\r\n" +
  "Message-ID: <1@example.org>\r\nDate: Thu, 1 Jan 2026 12:00:00 +0000\r\n\r\nHello, Bob!\r\n",
  "From: Bob <bob@example.org>\r\nTo: Ada <ada@example.org>\r\nSubject: Second\r\n" +
  "Message-ID: <2@example.org>\r\nDate: Thu, 1 Jan 2026 13:00:00 +0000\r\n\r\nHello, Ada!\r\n",
];

/** What is in the account before a test begins. */
export type Fixture = "empty" | "two-messages";

export async function makeWorld(fixture: Fixture, options: WorldOptions = {}): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await testDatabase());
  const spoolDir = await Deno.makeTempDir({ prefix: "sora-imap-" });
  stack.defer(() => Deno.remove(spoolDir, { recursive: true }));
  const draining = new AbortController();
  const shared = { spoolDir, draining: draining.signal, blobs: options.blobs ?? new MemoryBlobs() };
  const workers: ImapServices[] = [];
  for (let number = 0; number < (options.workers ?? 1); number++) {
    workers.push(await openWorker(stack, { database, shared, number, options }));
  }
  const [services] = workers;
  assert.ok(services);
  const passwordHash = await HASHER.hash(PASSWORD);
  const account = await services.accounts.create({ address: USER, passwordHash });
  const clients = stack.use(new Clients(workers));
  const closing = stack.move();
  const world: World = {
    account,
    services,
    workers,
    shutDown: () => draining.abort(),
    connect: (how) => clients.connect(how),
    login: async (how) => {
      const client = await clients.connect(how);
      await client.ok(`LOGIN ${how?.user ?? USER} ${PASSWORD}`);
      return client;
    },
    addAccount: (address) => services.accounts.create({ address, passwordHash }),
    deliver: (text, how) => deliver(text, { workers, account, ...how }),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
  if (fixture === "two-messages") {
    await world.deliver(TWO_MESSAGES[0], { flags: 1 });
    await world.deliver(TWO_MESSAGES[1]);
  }
  return world;
}

interface WorkerParts {
  readonly database: Awaited<ReturnType<typeof testDatabase>>;
  readonly shared: Pick<ImapServices, "spoolDir" | "draining" | "blobs">;
  readonly number: number;
  readonly options: WorldOptions;
}

async function openWorker(
  stack: AsyncDisposableStack,
  { database, shared, number, options }: WorkerParts,
): Promise<ImapServices> {
  const log = logger("imap");
  const metrics = new Metrics();
  const db = stack.use(await Database.open(database.config, { log, metrics }));
  const notices = new Notices(db, { workerId: `test-${number}` });
  stack.use(await notices.start());
  const accounts = new AccountStore(db);
  const mailboxes = new MailboxStore(db, notices);
  const acls = new AclStore(db, notices);
  const sharing = { ...embeddedConfig("unused").sharedMailboxes, ...options.sharing };
  const access = new MailboxAccess({ mailboxes, acls, sharing });
  const messages = new MessageStore(db, notices);
  const maps = stack.use(new UidMaps({ messages, mailboxes, notices, log }));
  const authenticator = new Authenticator({
    accounts,
    hasher: HASHER,
    log,
    metrics,
    bcryptCost: 4,
  });
  const config = { ...imapConfig(), ...options.config };
  return {
    ...shared,
    accounts,
    mailboxes,
    access,
    accessControl: new AccessControl({ access, acls, accounts, sharing }),
    messages,
    texts: new MessageTextStore(db),
    metadata: new MetadataStore(db, METADATA_LIMITS),
    quotas: new QuotaStore(db),
    administrators: [ADMINISTRATOR],
    searchRate: new SearchRate({
      perMinute: config.searchRateLimitPerMin,
      windowMs: config.searchRateLimitWindowMs,
    }),
    maps,
    authenticator,
    config,
    log,
    metrics,
  };
}

/** What an IMAP listener has without any configuration, but for plain passwords. */
export function imapConfig(): ImapServerConfig {
  const config = embeddedConfig("unused").servers.find((server) => server.type === "imap");
  assert.ok(config?.type === "imap");
  return { ...config, insecureAuth: true };
}

async function deliver(
  text: string,
  { workers, account, mailbox = "INBOX", flags = 0, keywords = [], internalDate, worker = 0 }:
    & DeliverOptions
    & { readonly workers: readonly ImapServices[]; readonly account: Account },
): Promise<Uid> {
  const services = workers[worker];
  assert.ok(services);
  const bytes = fromBinary(text);
  const spool = new Spool(services.spoolDir);
  await spool.write(bytes);
  const spooled = await spool.finish();
  const key = objectKey(USER, spooled.hash);
  await services.blobs.put(key, spooled);
  const { id } = await services.mailboxes.find(account.id, mailbox);
  const { uid } = await services.messages.append({
    mailbox: id,
    accountId: account.id,
    hash: spooled.hash,
    objectKey: key,
    facts: messageFacts(parseMessage(bytes)),
    internalDate: internalDate ?? new Date(Date.UTC(2026, 0, 1, 12)),
    flags,
    keywords,
    deliveryKey: null,
  });
  return uid;
}

/** Every connection of a world, and the sessions behind them. */
class Clients implements AsyncDisposable {
  readonly #serve: readonly ((connection: Connection) => Promise<void>)[];
  readonly #open: ImapClient[] = [];
  readonly #sessions: Promise<void>[] = [];

  constructor(workers: readonly ImapServices[]) {
    this.#serve = workers.map((services) => serveImap(services));
  }

  async connect(options: ConnectOptions = {}): Promise<ImapClient> {
    const { worker = 0, remote = "192.0.2.1", ticker = sharedTicker } = options;
    const [near, far] = memoryPair();
    const serve = this.#serve[worker];
    assert.ok(serve);
    const connection = Connection.over(far, { remote: { host: remote, port: 1 }, ticker });
    this.#sessions.push(serve(connection));
    const client = new ImapClient(near);
    this.#open.push(client);
    client.greeting = await client.readLine();
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#open) client.close();
    await Promise.all(this.#sessions);
  }
}

/** The client's end, in lines: binary strings, without CRLF. */
export class ImapClient implements Disposable {
  greeting = "";
  #transport: Transport;
  #buffer: Uint8Array = new Uint8Array(0);
  #tag = 0;
  #closed = false;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Octets as they are. */
  async send(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? fromBinary(data) : data;
    for (let at = 0; at < bytes.length;) at += await this.#transport.write(bytes.subarray(at));
  }

  writeLine(line: string): Promise<void> {
    return this.send(`${line}\r\n`);
  }

  /** The next line; null when the server has closed. */
  async tryLine(): Promise<string | null> {
    for (;;) {
      const end = this.#buffer.indexOf(10);
      if (end >= 0) {
        const line = toBinary(this.#buffer.subarray(0, end));
        this.#buffer = this.#buffer.subarray(end + 1);
        assert.ok(line.endsWith("\r"), `line ends without CR: ${line}`);
        return line.slice(0, -1);
      }
      if (!await this.#fill()) return null;
    }
  }

  /** Every line until the server closes. */
  async rest(): Promise<string[]> {
    const lines: string[] = [];
    for (let line = await this.tryLine(); line !== null; line = await this.tryLine()) {
      lines.push(line);
    }
    return lines;
  }

  /** The next line; throws when the server has closed. */
  async readLine(): Promise<string> {
    const line = await this.tryLine();
    if (line === null) throw new Error("The server has closed the connection");
    return line;
  }

  /** The next response with its literals inline: `{5}\r\n12345` and what follows. */
  async readResponse(): Promise<string> {
    let text = await this.readLine();
    for (let found = LITERAL.exec(text); found; found = LITERAL.exec(text)) {
      const octets = await this.readOctets(Number(found[1]));
      text += `\r\n${toBinary(octets)}${await this.readLine()}`;
    }
    return text;
  }

  async readOctets(count: number): Promise<Uint8Array> {
    while (this.#buffer.length < count) {
      if (!await this.#fill()) throw new Error("The server has closed the connection");
    }
    const octets = this.#buffer.slice(0, count);
    this.#buffer = this.#buffer.subarray(count);
    return octets;
  }

  /** Sends a command under a fresh tag; its responses, the tagged one (without its tag) last. */
  async command(text: string): Promise<string[]> {
    const tag = `t${++this.#tag}`;
    await this.writeLine(`${tag} ${text}`);
    return await this.until(tag);
  }

  /** Responses up to the tagged one, which is last and without its tag. */
  async until(tag: string): Promise<string[]> {
    const responses: string[] = [];
    for (;;) {
      const response = await this.readResponse();
      if (response.startsWith(`${tag} `)) return [...responses, response.slice(tag.length + 1)];
      responses.push(response);
    }
  }

  /** A command that must succeed; its untagged responses. */
  async ok(text: string): Promise<string[]> {
    const responses = await this.command(text);
    assert.match(responses.at(-1) ?? "", /^OK /, text);
    return responses.slice(0, -1);
  }

  /** COMPRESS=DEFLATE from here on. */
  async compress(): Promise<void> {
    await this.writeLine("c0 COMPRESS DEFLATE");
    await this.compressed("c0");
  }

  /** The same, for a COMPRESS under this tag that was sent already. */
  async compressed(tag: string): Promise<void> {
    assert.equal(await this.readLine(), `${tag} OK DEFLATE active`);
    this.#transport = new DeflateTransport(this.#transport, this.#buffer);
    this.#buffer = new Uint8Array(0);
  }

  /** UNAUTHENTICATE while compressed, and plain text that does not wait for the reply. */
  async uncompress(plain: string): Promise<void> {
    const layer = this.#transport;
    assert.ok(layer instanceof DeflateTransport);
    await this.writeLine("u0 UNAUTHENTICATE");
    this.#transport = layer.inner;
    await this.send(plain);
    this.#transport = layer;
    assert.deepEqual(await this.until("u0"), ["OK UNAUTHENTICATE completed"]);
    this.#buffer = concat([this.#buffer, await layer.leave()]);
    this.#transport = layer.inner;
  }

  /** A command with one literal at its end, sent as LITERAL+; as `command`. */
  literal(text: string, octets: string): Promise<string[]> {
    return this.command(`${text} {${octets.length}+}\r\n${octets}`);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#transport.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #fill(): Promise<boolean> {
    const chunk = new Uint8Array(16_384);
    const n = await soon(this.#transport.read(chunk));
    if (n === null) return false;
    this.#buffer = concat([this.#buffer, chunk.subarray(0, n)]);
    return true;
  }
}

/** A server that says nothing is a failed test, not one that hangs. */
const SILENCE_MS = 15_000;

async function soon<T>(reading: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("The server says nothing")), SILENCE_MS);
  try {
    return await Promise.race([reading, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

const LITERAL = /\{(\d+)\}$/;
