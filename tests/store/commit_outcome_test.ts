import assert from "node:assert/strict";
import type { DatabaseConfig } from "../../src/config/config.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { MailboxStore } from "../../src/store/mailboxes.ts";
import { AccountStore } from "../../src/store/accounts.ts";
import { Database } from "../../src/store/database.ts";
import { FLAG, MessageStore } from "../../src/store/messages.ts";
import { Notices } from "../../src/store/notices.ts";
import { testDatabase } from "../support/postgres.ts";
import { EVERY_UID, someFacts, someMessage, uidSet } from "./fixture.ts";

/** What happens to a connection when a statement with this text is on its way. */
type Fate =
  /** The server never gets it. */
  | "unsent"
  /** The server does it, and nobody hears of it. */
  | "unanswered"
  /** The same, and no other connection survives. */
  | "all-lost";

/** A PostgreSQL that loses connections, once, at the worst moment. */
class Interposed implements AsyncDisposable {
  readonly #target: { readonly path: string };
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.Conn>();
  readonly #working: Promise<void>[] = [];
  #trap: { readonly text: string; readonly fate: Fate } | null = null;

  constructor(readonly config: DatabaseConfig) {
    const { hosts: [folder], port } = config.write;
    this.#target = { path: `${folder}/.s.PGSQL.${port}` };
    this.#working.push(this.#accept());
  }

  /** The configuration to connect with. */
  get through(): DatabaseConfig {
    const { port } = this.#listener.addr as Deno.NetAddr;
    return { ...this.config, write: { ...this.config.write, hosts: ["127.0.0.1"], port } };
  }

  /** The next time a client sends this text, that happens. */
  arm(text: string, fate: Fate): void {
    this.#trap = { text, fate };
  }

  get sprung(): boolean {
    return this.#trap === null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#open) close(conn);
    await Promise.all(this.#working);
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      const server = await Deno.connect({ transport: "unix", path: this.#target.path });
      this.#open.add(client).add(server);
      let isDeaf = false;
      const lose = () => (close(client), close(server));
      this.#working.push(
        pump(client, server, (text) => {
          if (!this.#trap || !text.includes(this.#trap.text)) return true;
          const { fate } = this.#trap;
          this.#trap = null;
          isDeaf = fate !== "unsent";
          if (fate === "unsent") lose();
          if (fate === "all-lost") {
            for (const conn of this.#open) if (conn !== server) close(conn);
          }
          return isDeaf;
        }),
        pump(server, client, () => {
          if (isDeaf) lose();
          return !isDeaf;
        }),
      );
    }
  }
}

/** Passes octets on as long as `pass` says so. */
async function pump(
  from: Deno.Conn,
  to: Deno.Conn,
  pass: (text: string) => boolean,
): Promise<void> {
  const chunk = new Uint8Array(65_536);
  try {
    for (let n = await from.read(chunk); n !== null; n = await from.read(chunk)) {
      if (!pass(new TextDecoder("latin1").decode(chunk.subarray(0, n)))) continue;
      for (let at = 0; at < n;) at += await to.write(chunk.subarray(at, n));
    }
  } catch { /* WHY: closed on either side. */ }
  close(to);
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch { /* WHY: closed before. */ }
}

const unavailable = { refusal: { kind: "unavailable", what: "database" } };

async function open() {
  await using stack = new AsyncDisposableStack();
  const test = stack.use(await testDatabase());
  const between = stack.use(new Interposed(test.config));
  const observe = { log: logger("test"), metrics: new Metrics() };
  const db = stack.use(await Database.open(between.through, observe));
  const notices = new Notices(db, { workerId: "test" });
  const accounts = new AccountStore(db);
  const mailboxes = new MailboxStore(db, notices);
  const messages = new MessageStore(db, notices);
  const { id } = await accounts.create({ address: "owner@example.com", passwordHash: "{X}" });
  const [inbox, trash] = [await mailboxes.find(id, "INBOX"), await mailboxes.find(id, "Trash")];
  for (let n = 0; n < 3; n++) await messages.append(someMessage(inbox));
  const closing = stack.move();
  const count = async (mailbox: typeof inbox) => (await mailboxes.get(mailbox.id))?.messages;
  return {
    between,
    messages,
    inbox,
    trash,
    account: id,
    count,
    db,
    notices,
    mailbox: () => mailboxes.find(id, "INBOX"),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

Deno.test("a COMMIT that took effect unheard is success, and one that did not is none", async () => {
  await using it = await open();
  const { messages, inbox, trash } = it;
  const target = { mailbox: trash.id, account: it.account };
  const seen = { mode: "add", flags: FLAG.seen, keywords: [] } as const;
  const deleted = { mode: "add", flags: FLAG.deleted, keywords: [] } as const;
  // Each once unsent, once unanswered; what is true afterwards.
  const operations = [
    ["COPY", () => messages.copy(inbox.id, EVERY_UID, target)],
    ["STORE", () => messages.storeFlags(inbox.id, EVERY_UID, seen)],
    ["STORE \\Deleted", () => messages.storeFlags(inbox.id, EVERY_UID, deleted)],
    ["MOVE", () => messages.move(trash.id, EVERY_UID, { ...target, mailbox: inbox.id })],
    ["APPEND with keywords", () => messages.append(someMessage(trash, { keywords: ["a"] }))],
  ] as const;
  const counts: Record<string, readonly [number, number]> = {
    COPY: [3, 3],
    MOVE: [6, 0],
    "APPEND with keywords": [6, 1],
  };
  for (const [name, run] of operations) {
    const before = [await it.count(inbox), await it.count(trash)];
    it.between.arm("COMMIT\0", "unsent");
    await assert.rejects(run, unavailable, name);
    assert.ok(it.between.sprung);
    assert.deepEqual([await it.count(inbox), await it.count(trash)], before, name);
    it.between.arm("COMMIT\0", "unanswered");
    await run();
    assert.ok(it.between.sprung);
    const after = [await it.count(inbox), await it.count(trash)];
    assert.deepEqual(after, counts[name] ?? before, name);
  }
  const states = await messages.states(inbox.id, EVERY_UID);
  assert.deepEqual(states.map(({ flags }) => flags), [9, 9, 9, 0, 0, 0]);
});

Deno.test("STORE and EXPUNGE of one statement are run again when it is lost", async () => {
  await using it = await open();
  const { messages, inbox } = it;
  const told: (number | null)[] = [];
  it.notices.on(inbox.id, (modseq) => told.push(modseq));
  const deleted = { mode: "add", flags: FLAG.deleted, keywords: [] } as const;
  for (const [at, fate] of (["unsent", "unanswered"] as const).entries()) {
    const uids = uidSet(at + 1);
    it.between.arm("AS MATERIALIZED", fate);
    const { stored } = await messages.storeFlags(inbox.id, uids, deleted);
    assert.ok(it.between.sprung);
    assert.deepEqual(stored.map(({ flags }) => flags), [FLAG.deleted]);
    const { highestModseq } = await it.mailbox();
    assert.equal(told.pop(), highestModseq, "who listens hears of it");
    it.between.arm("AS MATERIALIZED", fate);
    const { expunged, modseq } = await messages.expunge(inbox.id, uids);
    assert.ok(it.between.sprung);
    assert.equal(expunged.toString(), fate === "unsent" ? "1" : "");
    assert.deepEqual(await it.mailbox().then(({ messages }) => messages), 2 - at);
    assert.equal((await it.mailbox()).highestModseq, modseq);
    assert.equal(told.pop(), modseq);
  }
});

Deno.test("an outcome that nobody can tell is not success", async () => {
  await using it = await open();
  it.between.arm("COMMIT\0", "all-lost");
  const copying = it.messages.copy(it.inbox.id, EVERY_UID, {
    mailbox: it.trash.id,
    account: it.account,
  });
  await assert.rejects(copying, unavailable);
});

Deno.test("a backend that is killed in the middle of COMMIT has committed nothing", async () => {
  await using it = await open();
  await it.db.transaction((tx) =>
    tx.script(`
      CREATE FUNCTION kill() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER kill AFTER UPDATE ON message_state
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION kill();`)
  );
  const seen = { mode: "add", flags: FLAG.seen, keywords: [] } as const;
  await assert.rejects(it.messages.storeFlags(it.inbox.id, EVERY_UID, seen), unavailable);
  const states = await it.messages.states(it.inbox.id, EVERY_UID);
  assert.deepEqual(states.map(({ flags }) => flags), [0, 0, 0]);
});

Deno.test("an APPEND whose answer is lost is stored once, and answered with its UID", async () => {
  await using it = await open();
  for (const fate of ["unanswered", "unsent"] as const) {
    const before = await it.count(it.inbox) ?? 0;
    it.between.arm(`about ${fate}`, fate);
    const facts = someFacts({ subject: `about ${fate}` });
    const { uid, duplicate } = await it.messages.append(someMessage(it.inbox, { facts }));
    assert.ok(it.between.sprung);
    assert.equal(duplicate, false);
    assert.equal(await it.count(it.inbox), before + 1);
    const states = await it.messages.states(it.inbox.id, EVERY_UID);
    assert.equal(states.at(-1)?.uid, uid);
  }
});
