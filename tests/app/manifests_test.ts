import assert from "node:assert/strict";
import { MANIFEST_PREFIX } from "../../src/blobs/manifest_key.ts";
import { KEY_A } from "../blobs/encryption.ts";
import { LineClient } from "../support/line_client.ts";
import { deliver, dialLmtp } from "../support/lmtp_delivery.ts";
import { plainMessage } from "../support/mail.ts";
import { ACCESS_KEY, S3Server, SECRET_KEY } from "../support/s3_server.ts";
import { startServer } from "../support/server.ts";

const ADDRESS = "lost@example.org";
const PASSWORD = "correct horse battery";

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

Deno.test("a server whose database is lost serves its users again from the bucket alone", async () => {
  await using bucket = S3Server.start();
  const extra = `
[s3]
endpoint = "${bucket.endpoint}"
use_ssl = false
access_key = "${ACCESS_KEY}"
secret_key = "${SECRET_KEY}"
bucket = "mail"
encrypt = true
encryption_key = "${KEY_A}"
manifest_interval = "200ms"
`;
  const objects = (kind: string) => [...bucket.objects.keys()].filter((key) => key.includes(kind));
  const bodies = () => objects("example.org/").filter((key) => !key.startsWith(MANIFEST_PREFIX));
  let validity = "";
  {
    await using server = await startServer({ extra });
    await server.createAccount(ADDRESS, PASSWORD);
    using lmtp = await dialLmtp(server.lmtpPort);
    for (let n = 1; n <= 3; n++) await deliver(lmtp, plainMessage(n), [ADDRESS]);
    using client = await LineClient.dial(server.imapPort);
    await client.imapLine();
    await client.imap(`LOGIN ${ADDRESS} "${PASSWORD}"`);
    validity = (await client.imap("SELECT INBOX")).find((line) => line.includes("UIDVALIDITY")) ??
      "";
    await client.imap("STORE 2 +FLAGS (\\Flagged $Work)");
    await client.imap("EXPUNGE");
    await until("bodies", () => bodies().length === 3);
    await until("manifests", () => objects("-base/").length > 0 && objects("-account-").length > 0);
    const flagged = objects("-delta/").length;
    await client.imap("STORE 3 +FLAGS (\\Answered)");
    await until("a delta", () => objects("-delta/").length > flagged);
  }
  await using server = await startServer({ extra });
  const report = JSON.parse(await server.admin("storage", "rebuild", "--json"));
  assert.equal(report.ended, null);
  assert.deepEqual(report.problems, []);
  using client = await LineClient.dial(server.imapPort);
  await client.imapLine();
  const login = await client.imap(`LOGIN ${ADDRESS} "${PASSWORD}"`);
  assert.match(login.at(-1) ?? "", / OK /, server.output());
  const selected = await client.imap("SELECT INBOX");
  assert.ok(selected.includes(validity), selected.join("\n"));
  const flags = await client.imap("UID FETCH 1:* FLAGS");
  assert.match(flags[0] ?? "", /UID 1 FLAGS \(\)|FLAGS \(\) UID 1/);
  assert.match(flags[1] ?? "", /\\Flagged \$Work/);
  assert.match(flags[2] ?? "", /\\Answered/);
  for (let n = 1; n <= 3; n++) {
    const lines = await client.imap(`FETCH ${n} BODY.PEEK[]`);
    assert.ok(lines.some((line) => line.includes(plainMessage(n))), server.output());
  }
});
