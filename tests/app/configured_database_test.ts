import assert from "node:assert/strict";
import { deliver, dialLmtp } from "../support/lmtp_delivery.ts";
import { LineClient } from "../support/line_client.ts";
import { plainMessage } from "../support/mail.ts";
import { testDatabase } from "../support/postgres.ts";
import { startServer } from "../support/server.ts";

Deno.test("two sandboxed workers serve mail from a configured database; none is started", async () => {
  await using database = await testDatabase();
  const { hosts, port, user, password, name } = database.config.write;
  await using server = await startServer({
    workers: 2,
    extra: `
[database.write]
hosts = ${JSON.stringify(hosts)}
port = ${port}
user = "${user}"
password = "${password}"
name = "${name}"
`,
  });
  await server.createAccount("db@example.org", "correct horse battery");
  using lmtp = await dialLmtp(server.lmtpPort);
  const [reply = ""] = await deliver(lmtp, plainMessage(1), ["db@example.org"]);
  assert.match(reply, /^250 /, server.output());
  for (let i = 0; i < 6; i++) {
    using client = await LineClient.dial(server.imapPort);
    await client.imapLine();
    await client.imap('LOGIN db@example.org "correct horse battery"');
    const selected = await client.imap("SELECT INBOX");
    assert.ok(selected.includes("* 1 EXISTS"), selected.join("\n"));
  }
  assert.ok(!server.output().includes("postgres-started"));
  assert.equal(await server.stop(), 0);
});
