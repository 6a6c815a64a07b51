import assert from "node:assert/strict";
import type { ObjectKey } from "../../src/blobs/blobs.ts";
import { DiskBlobs } from "../../src/blobs/disk_blobs.ts";
import { testConfig } from "./lmtp_config.ts";
import { Delivery } from "../../src/delivery/delivery.ts";
import type { Uid } from "../../src/lib/ids.ts";
import { toBinary } from "../../src/lib/bytes.ts";
import { serveLmtp } from "../../src/lmtp/mod.ts";
import { listen, type Listener } from "../../src/net/listener.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { AccountStore } from "../../src/store/accounts.ts";
import { Database } from "../../src/store/database.ts";
import { type MessageRow, MessageStore } from "../../src/store/messages.ts";
import { Notices } from "../../src/store/notices.ts";
import { NumberSet } from "../../src/lib/number_set.ts";
import { deliver, dialLmtp } from "../support/lmtp_delivery.ts";
import { testDatabase } from "../support/postgres.ts";

/** A real server: sockets, PostgreSQL, files. */
interface Server {
  readonly port: number;
  readonly accounts: AccountStore;
  /** Headers and bodies of the INBOX of this address, in UID order. */
  inbox(address: string): Promise<{ readonly row: MessageRow; readonly text: string }[]>;
}

async function withServer(body: (server: Server) => Promise<void>): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const { config } = stack.use(await testDatabase());
  const folder = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const metrics = new Metrics();
  const log = logger("test");
  const database = stack.use(await Database.open(config, { log, metrics }));
  const notices = new Notices(database, { workerId: "test" });
  stack.use(await notices.start());
  const accounts = new AccountStore(database);
  const messages = new MessageStore(database, notices);
  const blobs = new DiskBlobs(`${folder}/bodies`);
  await Deno.mkdir(`${folder}/spool`);
  const onConnection = serveLmtp({
    accounts,
    delivery: new Delivery({ messages, blobs, log }),
    spoolDir: `${folder}/spool`,
    draining: new AbortController().signal,
    log,
    metrics,
  }, testConfig);
  const listener: Listener = stack.use(listen({
    host: "127.0.0.1",
    port: 0,
    protocol: "lmtp",
    serverName: "lmtp",
    onConnection,
    log,
    metrics,
  }));
  await body({
    port: listener.addr.port,
    accounts,
    async inbox(address) {
      const recipient = await accounts.recipient(address);
      assert.ok(recipient);
      const { uids } = await messages.uids(recipient.inbox);
      const set = NumberSet.from([...uids] as Uid[]);
      const rows = await messages.rows(recipient.inbox, set, { header: true });
      return await Promise.all(rows.map(async (row) => {
        const bytes = await blobs.get(row.objectKey as ObjectKey);
        assert.ok(bytes);
        assert.equal(bytes.length, row.sizeBytes);
        const text = toBinary(bytes);
        assert.equal(toBinary(row.header ?? new Uint8Array(0)), text.slice(0, row.headerBytes));
        return { row, text };
      }));
    },
  });
}

const password = "{SSHA512}unused";

Deno.test("mail comes in over LMTP and lies in the database and on the disk", async () => {
  await withServer(async ({ port, accounts, inbox }) => {
    await accounts.create({ address: "user@example.com", passwordHash: password });
    await accounts.create({ address: "other@example.com", passwordHash: password });
    using client = await dialLmtp(port);
    const message = "From: a@example.net\r\nSubject: x\r\n\r\n.dots\r\n..\r\nend\r\n";
    const recipients = ["User+news@example.com", "other@example.com"];
    for (let i = 0; i < 2; i++) {
      const replies = await deliver(client, message, recipients);
      for (const reply of replies) assert.match(reply, /^250 2\.1\.5 /);
    }
    for (const address of ["user@example.com", "other@example.com"]) {
      const stored = await inbox(address);
      assert.equal(stored.length, 1, "the second time was the MTA's retry");
      const [{ text, row } = { text: "", row: undefined }] = stored;
      assert.ok(text.endsWith(message));
      assert.match(text, new RegExp(`^Return-Path: <.*>\r\nDelivered-To: ${address}\r\n`));
      assert.equal(row?.uid, 1);
    }
    assert.match((await client.command("MAIL FROM:<>"))[0] ?? "", /^250/);
    assert.match((await client.command("RCPT TO:<nobody@example.com>"))[0] ?? "", /^550 5\.1\.1/);
  });
});

Deno.test("many connections deliver many messages, each is there once", async () => {
  await withServer(async ({ port, accounts, inbox }) => {
    const addresses = ["a@example.com", "b@example.com", "c@example.com"];
    for (const address of addresses) await accounts.create({ address, passwordHash: password });
    const connections = 8;
    const each = 25;
    await Promise.all(Array.from({ length: connections }, async (_, number) => {
      using client = await dialLmtp(port);
      for (let n = 0; n < each; n++) {
        const message = `Subject: ${number}-${n}\r\n\r\n${"body ".repeat(n * 10)}\r\n`;
        for (const reply of await deliver(client, message, addresses)) assert.match(reply, /^250/);
      }
    }));
    for (const address of addresses) {
      const stored = await inbox(address);
      const subjects = new Set(stored.map(({ text }) => /^Subject: (.*)$/m.exec(text)?.[1]));
      assert.equal(subjects.size, connections * each);
      assert.equal(stored.length, connections * each);
    }
  });
});
