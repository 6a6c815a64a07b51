import assert from "node:assert/strict";
import { deliver, dialLmtp } from "../support/lmtp_delivery.ts";
import { LineClient } from "../support/line_client.ts";
import { plainMessage } from "../support/mail.ts";
import { ACCESS_KEY, S3Server, SECRET_KEY } from "../support/s3_server.ts";
import { startServer } from "../support/server.ts";

Deno.test("a worker in its sandbox keeps bodies in a bucket, with a private database", async () => {
  await using bucket = S3Server.start();
  await using server = await startServer({
    extra: `
[s3]
endpoint = "${bucket.endpoint}"
use_ssl = false
access_key = "${ACCESS_KEY}"
secret_key = "${SECRET_KEY}"
bucket = "mail"
`,
  });
  await server.createAccount("s3@example.org", "correct horse battery");
  using lmtp = await dialLmtp(server.lmtpPort);
  const [reply = ""] = await deliver(lmtp, plainMessage(1), ["s3@example.org"]);
  assert.match(reply, /^250 /, server.output());
  assert.equal(bucket.objects.size, 1);
  using client = await LineClient.dial(server.imapPort);
  await client.imapLine();
  await client.imap('LOGIN s3@example.org "correct horse battery"');
  await client.imap("SELECT INBOX");
  const lines = await client.imap("FETCH 1 BODY.PEEK[TEXT]");
  assert.match(lines.at(-1) ?? "", / OK /, server.output());
  bucket.fault = () => new Response(null, { status: 500 });
  const [later = ""] = await deliver(lmtp, plainMessage(2), ["s3@example.org"]);
  assert.match(later, /^451 /);
});
