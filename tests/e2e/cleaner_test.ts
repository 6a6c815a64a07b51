import assert from "node:assert/strict";
import { filesIn } from "../blobs/staged.ts";
import { deliver, dialLmtp } from "../support/lmtp_delivery.ts";
import { LineClient } from "../support/line_client.ts";
import { plainMessage } from "../support/mail.ts";
import { startServer } from "../support/server.ts";
import { until } from "../support/until.ts";

const ADDRESS = "cleaned@example.org";
const PASSWORD = "correct horse battery";

Deno.test("a running server removes what was deleted, and keeps what is needed", async () => {
  await using server = await startServer({
    extra: `[cleanup]\ngrace_period = "0"\nwake_interval = "1s"\nretention = { Junk = "1s" }`,
  });
  await server.createAccount(ADDRESS, PASSWORD);
  const bodies = `${server.dataDir}/data/bodies`;
  const files = async () =>
    (await filesIn(bodies)).filter((path) => !path.startsWith(`${bodies}/tmp/`));
  using lmtp = await dialLmtp(server.lmtpPort);
  for (const n of [1, 2, 3]) {
    assert.match((await deliver(lmtp, plainMessage(n), [ADDRESS]))[0] ?? "", /^250/);
  }
  assert.equal((await files()).length, 3);
  using session = await LineClient.logIn(server.imapPort, ADDRESS, PASSWORD);
  await session.imap("SELECT INBOX");
  await session.imap("STORE 1 +FLAGS.SILENT (\\Deleted)");
  await session.imap("EXPUNGE");
  await session.imap("MOVE 1 Junk");
  const metric = async (kind: string) => {
    const text = await (await fetch(`http://127.0.0.1:${server.metricsPort}/metrics`)).text();
    const line = new RegExp(
      `^sora_cleanup_removed_total\\{[^}]*kind="${kind}"[^}]*\\} (\\d+)`,
      "m",
    );
    return Number(line.exec(text)?.[1] ?? 0);
  };
  await until("Junk is cleaned", async () => await metric("expunged") === 1);
  assert.equal((await files()).length, 3, "bodies that were put a moment ago stay");
  const then = new Date(Date.now() - 2 * 3_600_000);
  for (const path of await files()) await Deno.utime(path, then, then);
  await until("bodies are removed", async () => (await files()).length === 1);
  await until("rows are removed", async () => await metric("message") === 2);
  const fetched = await session.imap("FETCH 1 BODY.PEEK[TEXT]");
  assert.match(fetched.join("\n"), /Line of message 3/);
  assert.match(fetched.at(-1) ?? "", / OK /);
  const listed = await server.admin("messages", "list-deleted", "--email", ADDRESS);
  assert.equal(listed, "No deleted messages\n");
});
