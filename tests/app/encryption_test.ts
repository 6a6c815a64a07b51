import assert from "node:assert/strict";
import { isBodyKey } from "../../src/blobs/blobs.ts";
import { KEY_A, KEY_B } from "../blobs/encryption.ts";
import { LineClient } from "../support/line_client.ts";
import { deliver, dialLmtp } from "../support/lmtp_delivery.ts";
import { plainMessage } from "../support/mail.ts";
import { S3Server } from "../support/s3_server.ts";
import { startServer } from "../support/server.ts";

const ADDRESS = "s3@example.org";
const PASSWORD = "correct horse battery";

function configuration(bucket: S3Server, key: string): string {
  return `${bucket.section(`encrypt = true\nencryption_key = "${key}"`)}
[uploader]
durability = "stored"
retry_interval = "100ms"
`;
}

Deno.test("a server with encryption: the bucket has nothing to read, and another key ends the start", async () => {
  await using bucket = S3Server.start();
  const dataDir = await Deno.makeTempDir({ prefix: "sora-test-" });
  await Deno.chmod(dataDir, 0o755);
  try {
    const large = plainMessage(2) + "many octets, again and again\r\n".repeat(60_000);
    {
      await using server = await startServer({ dataDir, extra: configuration(bucket, KEY_A) });
      await server.createAccount(ADDRESS, PASSWORD);
      using lmtp = await dialLmtp(server.lmtpPort);
      for (const message of [plainMessage(1), large]) {
        assert.match((await deliver(lmtp, message, [ADDRESS]))[0] ?? "", /^250 /, server.output());
      }
      assert.equal(await server.stop(), 0);
    }
    const objects = [...bucket.objects].filter(([key]) => isBodyKey(key));
    assert.equal(objects.length, 2);
    for (const [key, octets] of objects) {
      const text = new TextDecoder("latin1").decode(octets);
      assert.ok(text.startsWith("\x8aSoraBE") || text.startsWith("ŠSoraBE"), key);
      assert.doesNotMatch(text, /Subject|many octets/);
    }
    await assert.rejects(
      startServer({ dataDir, extra: configuration(bucket, KEY_B) }),
      /Cannot use the object store .*: the key "default" of \[s3\] is not the one/,
    );
    // Nothing is left but what is in the bucket.
    for (const folder of ["uploads", "cache"]) {
      await Deno.remove(`${dataDir}/data/${folder}`, { recursive: true }).catch(() => {});
    }
    await using server = await startServer({ dataDir, extra: configuration(bucket, KEY_A) });
    using client = await LineClient.logIn(server.imapPort, ADDRESS, PASSWORD);
    await client.imap("SELECT INBOX");
    const first = await client.imap("FETCH 1 BODY.PEEK[]");
    assert.ok(first.some((line) => line.includes(plainMessage(1))), server.output());
    const second = await client.imap("FETCH 2 BODY.PEEK[TEXT]<1500000.60>");
    assert.match(second.join(""), /octets, again and again/, server.output());
    const whole = await client.imap("FETCH 2 BODY.PEEK[]");
    assert.ok(whole.some((line) => line.includes(large)), server.output());
    bucket.objects.forEach((octets, key) => {
      if (isBodyKey(key)) bucket.objects.set(key, octets.with(200, (octets[200] ?? 0) ^ 1));
    });
    await server.admin("cache", "purge");
    const damaged = await client.imap("FETCH 1 BODY.PEEK[]");
    assert.match(damaged.at(-1) ?? "", / NO \[UNAVAILABLE\]/, server.output());
    assert.ok(!damaged.some((line) => line.includes("BODY[]")));
    assert.match(server.output(), /body cannot be used/);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});
