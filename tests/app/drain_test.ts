import assert from "node:assert/strict";
import { dialLmtp } from "../support/lmtp_delivery.ts";
import { LineClient } from "../support/line_client.ts";
import { startServer } from "../support/server.ts";

const ADDRESS = "drain@example.org";
const PASSWORD = "correct horse battery";

Deno.test("SIGTERM ends IDLE with BYE, lets a DATA under way come in, and exits with 0", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "sora-test-" });
  await Deno.chmod(dataDir, 0o755);
  try {
    await using server = await startServer({ dataDir });
    await server.createAccount(ADDRESS, PASSWORD);
    using idler = await selected(server.imapPort);
    await idler.send("i1 IDLE\r\n");
    while (!(await idler.imapLine()).startsWith("+ "));
    using waiting = await dialLmtp(server.lmtpPort);
    using mta = await dialLmtp(server.lmtpPort);
    for (const command of ["MAIL FROM:<a@example.net>", `RCPT TO:<${ADDRESS}>`, "DATA"]) {
      assert.match((await mta.command(command))[0] ?? "", /^250|^354/);
    }
    await mta.send("Subject: a long way\r\n\r\nbegun before");

    const stopping = server.stop();
    assert.match(await idler.imapLine(), /^\* BYE /);
    await assert.rejects(idler.imapLine());
    assert.match(await waiting.line(), /^421 /);
    await refused(server.lmtpPort);
    await mta.send(", ended after\r\n.\r\n");
    assert.match(await mta.line(), /^250 /);
    assert.match(await mta.line(), /^421 /);
    await assert.rejects(mta.line());
    assert.equal(await stopping, 0);

    await using again = await startServer({ dataDir });
    using reader = await selected(again.imapPort);
    const fetched = (await reader.imap("FETCH 1:* BODY.PEEK[TEXT]")).join("\n");
    assert.match(fetched, /begun before, ended after/);
    assert.ok(!fetched.includes("* 2 FETCH"));
  } finally {
    await Deno.remove(dataDir, { recursive: true }).catch(() => {});
  }
});

/** Waits until nobody listens: the socket closes a moment after the listener has let go of it. */
async function refused(port: number): Promise<void> {
  for (;;) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    } catch {
      return;
    }
  }
}

async function selected(port: number): Promise<LineClient> {
  const client = await LineClient.logIn(port, ADDRESS, PASSWORD);
  assert.match((await client.imap("SELECT INBOX")).at(-1) ?? "", / OK /);
  return client;
}
