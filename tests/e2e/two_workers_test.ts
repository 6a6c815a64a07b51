import assert from "node:assert/strict";
import { deliver, dialLmtp } from "../support/lmtp_delivery.ts";
import { LineClient } from "../support/line_client.ts";
import { plainMessage } from "../support/mail.ts";
import { startServer } from "../support/server.ts";

const ADDRESS = "two@example.org";
const PASSWORD = "correct horse battery";
const SESSIONS = 12;

Deno.test("a change made in one worker reaches IDLE sessions of every worker", async () => {
  await using server = await startServer({ workers: 2 });
  await server.createAccount(ADDRESS, PASSWORD);
  const sessions: LineClient[] = [];
  try {
    for (let i = 0; i < SESSIONS; i++) sessions.push(await idle(server.imapPort));

    using lmtp = await dialLmtp(server.lmtpPort);
    for (const n of [1, 2]) {
      assert.match((await deliver(lmtp, plainMessage(n), [ADDRESS]))[0] ?? "", /^250/);
      await Promise.all(sessions.map((session) => until(session, `* ${n} EXISTS`)));
    }

    // One session leaves IDLE, flags and expunges; the others hear of both.
    const [actor, ...others] = sessions;
    assert.ok(actor);
    await actor.send("DONE\r\n");
    await actor.untilTagged("i1");
    await actor.imap("STORE 2 +FLAGS (\\Flagged)");
    await Promise.all(others.map((session) => until(session, /^\* 2 FETCH .*\\Flagged/)));
    await actor.imap("STORE 1 +FLAGS.SILENT (\\Deleted)");
    const told = await actor.imap("EXPUNGE");
    assert.deepEqual(told.filter((line) => line.endsWith("EXPUNGE")), ["* 1 EXPUNGE"]);
    await Promise.all(others.map((session) => until(session, "* 1 EXPUNGE")));

    const metrics = await (await fetch(`http://127.0.0.1:${server.metricsPort}/metrics`)).text();
    const current = /^sora_connections_current\{[^}]*protocol="imap"[^}]*\} (\d+)/m.exec(metrics);
    assert.equal(Number(current?.[1]), SESSIONS, "the metric is the sum of both workers");
  } finally {
    for (const session of sessions) session.close();
  }
});

async function idle(port: number): Promise<LineClient> {
  const session = await LineClient.logIn(port, ADDRESS, PASSWORD);
  assert.match((await session.imap("SELECT INBOX")).at(-1) ?? "", / OK /);
  await session.send("i1 IDLE\r\n");
  await until(session, /^\+ /);
  return session;
}

async function until(session: LineClient, wanted: string | RegExp): Promise<void> {
  for (;;) {
    const line = await session.imapLine();
    if (typeof wanted === "string" ? line === wanted : wanted.test(line)) return;
  }
}
