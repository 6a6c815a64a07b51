import assert from "node:assert/strict";
import { MANIFEST_PREFIX } from "../../src/blobs/manifest_key.ts";
import { KEY_A } from "../blobs/encryption.ts";
import { LineClient } from "../support/line_client.ts";
import { deliver, dialLmtp } from "../support/lmtp_delivery.ts";
import { plainMessage } from "../support/mail.ts";
import { S3Server } from "../support/s3_server.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

const ADDRESS = "lost@example.org";
const PASSWORD = "correct horse battery";

/** When all manifests that were due were last written. */
async function lookedAt({ metricsPort }: TestServer): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  const name = "sora_manifests_last_success_timestamp_seconds";
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(text)?.[1]);
}

Deno.test("a server whose database is lost serves its users again from the bucket alone", async () => {
  await using bucket = S3Server.start();
  const extra = bucket.section(
    `encrypt = true\nencryption_key = "${KEY_A}"\nmanifest_interval = "200ms"`,
  );
  const objects = (kind: string) => [...bucket.objects.keys()].filter((key) => key.includes(kind));
  const bodies = () => objects("example.org/").filter((key) => !key.startsWith(MANIFEST_PREFIX));
  let validity = "";
  {
    await using server = await startServer({ extra });
    await server.createAccount(ADDRESS, PASSWORD);
    using lmtp = await dialLmtp(server.lmtpPort);
    for (let n = 1; n <= 3; n++) await deliver(lmtp, plainMessage(n), [ADDRESS]);
    using client = await LineClient.logIn(server.imapPort, ADDRESS, PASSWORD);
    validity = (await client.imap("SELECT INBOX")).find((line) => line.includes("UIDVALIDITY")) ??
      "";
    await client.imap("STORE 2 +FLAGS (\\Flagged $Work)");
    await client.imap("EXPUNGE");
    await until("bodies", () => bodies().length === 3);
    await until("manifests", () => objects("-base/").length > 0 && objects("-account-").length > 0);
    await client.imap("STORE 3 +FLAGS (\\Answered)");
    // WHY two: the first one may have begun before.
    for (let look = 0; look < 2; look++) {
      const before = await lookedAt(server);
      await until("a look", async () => await lookedAt(server) > before);
    }
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
