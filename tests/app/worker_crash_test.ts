import assert from "node:assert/strict";
import { divideConnections } from "../../src/app/connection_shares.ts";
import { forgetWorker, sessionCounts } from "../../src/app/shared_admission.ts";
import { WorkerPool } from "../../src/app/worker_pool.ts";
import { embeddedConfig } from "../../src/config/embedded.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { AccountStore } from "../../src/store/accounts.ts";
import { Database } from "../../src/store/database.ts";
import { MailboxStore } from "../../src/store/mailboxes.ts";
import { Notices } from "../../src/store/notices.ts";
import { LineClient } from "../support/line_client.ts";
import { deliver, dialLmtp } from "../support/lmtp_delivery.ts";
import { plainMessage } from "../support/mail.ts";
import { testDatabase } from "../support/postgres.ts";
import { freePort } from "../support/server.ts";

const ADDRESS = "crash@example.org";

Deno.test("a protocol worker that crashes drops its sessions and is started again", async () => {
  await using test = await testDatabase();
  const observe = { log: logger("test"), metrics: new Metrics() };
  await using database = await Database.open(test.config, observe);
  const accounts = new AccountStore(database);
  const account = await accounts.create({ address: ADDRESS, passwordHash: "{X}" });
  const dataDir = await Deno.makeTempDir({ prefix: "sora-test-" });
  await using _folder = {
    [Symbol.asyncDispose]: () => Deno.remove(dataDir, { recursive: true }),
  };
  const folders = { bodies: `${dataDir}/bodies`, spool: `${dataDir}/spool` };
  for (const folder of Object.values(folders)) await Deno.mkdir(folder);

  const ports = { imap: freePort(), lmtp: freePort(), metrics: 0 };
  const embedded = embeddedConfig(dataDir);
  const servers = embedded.servers.map((server) => ({
    ...server,
    addr: { host: "127.0.0.1", port: ports[server.type] },
    // One session at a time: the session of before must have been forgotten.
    ...(server.type === "imap" ? { maxConnections: 1 } : {}),
  }));
  const config = { ...embedded, database: divideConnections(test.config, 1).worker, servers };
  const counts = sessionCounts(1, servers.length);
  const workers: Worker[] = [];
  const restarted = Promise.withResolvers<void>();
  const log = {
    ...observe.log,
    debug() {},
    warning() {},
    error() {},
    info: (event: string) => void (event === "worker-restarted" && restarted.resolve()),
    with: () => log,
  };
  await using pool = new WorkerPool({
    size: 1,
    restartMinMs: 10,
    spawn: () => {
      const worker = new Worker(new URL("./crashing_worker.ts", import.meta.url), {
        type: "module",
      });
      workers.push(worker);
      return worker;
    },
    start: (worker, number) => {
      const { port1, port2 } = new MessageChannel();
      port1.close();
      return worker.start({ number, workers: 1, config, folders, staging: null, counts }, port2);
    },
    onGone: (number) => forgetWorker(counts, number - 1, servers.length),
    onHung: () => {},
    onLog: () => {},
    log,
    metrics: observe.metrics,
  });
  await pool.start();
  using reader = await LineClient.dial(ports.imap);
  assert.match(await reader.line(), /^\* OK /);
  using mta = await dialLmtp(ports.lmtp);
  assert.match((await deliver(mta, plainMessage(1), [ADDRESS]))[0] ?? "", /^250/);
  for (const command of ["MAIL FROM:<a@example.net>", `RCPT TO:<${ADDRESS}>`, "DATA"]) {
    assert.match((await mta.command(command))[0] ?? "", /^[23]50|^354/);
  }
  await mta.send("Subject: only half a message\r\n\r\n");

  workers[0]?.postMessage("crash");
  await assert.rejects(reader.line());
  await assert.rejects(mta.line());
  await restarted.promise;
  assert.equal(workers.length, 2);

  using again = await LineClient.dial(ports.imap);
  assert.match(await again.line(), /^\* OK /);
  using retrying = await dialLmtp(ports.lmtp);
  for (const n of [1, 2]) {
    assert.match((await deliver(retrying, plainMessage(n), [ADDRESS]))[0] ?? "", /^250/);
  }
  const mailboxes = new MailboxStore(database, new Notices(database, { workerId: "test" }));
  // The first message came twice, the half one not at all.
  assert.equal((await mailboxes.find(account.id, "INBOX")).messages, 2);
  assert.deepEqual(await pool.drain(5_000), { ended: 2, cut: 0 });
});
