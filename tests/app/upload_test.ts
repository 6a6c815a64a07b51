import assert from "node:assert/strict";
import { deliver, dialLmtp } from "../support/lmtp_delivery.ts";
import { LineClient } from "../support/line_client.ts";
import { plainMessage } from "../support/mail.ts";
import { S3Server } from "../support/s3_server.ts";
import { testDatabase } from "../support/postgres.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

const ADDRESS = "s3@example.org";
const PASSWORD = "correct horse battery";

function withBucket(bucket: S3Server, more = ""): string {
  return `${bucket.section('timeout = "2s"')}
[uploader]
retry_interval = "100ms"
${more}
`;
}

/** Bodies in the bucket; what else it holds is not counted. */
function bodies(bucket: S3Server): string[] {
  return [...bucket.objects.keys()].filter((key) => /\/[0-9a-f]{64}$/.test(key));
}

async function login(server: TestServer): Promise<LineClient> {
  const client = await LineClient.logIn(server.imapPort, ADDRESS, PASSWORD);
  await client.imap("SELECT INBOX");
  return client;
}

Deno.test("mail comes in and is read while the object store is down, and gets there later", async () => {
  await using bucket = S3Server.start();
  await using server = await startServer({ extra: withBucket(bucket) });
  await server.createAccount(ADDRESS, PASSWORD);
  bucket.fault = () => new Response(null, { status: 503 });
  using lmtp = await dialLmtp(server.lmtpPort);
  for (let n = 1; n <= 5; n++) {
    const [reply = ""] = await deliver(lmtp, plainMessage(n), [ADDRESS]);
    assert.match(reply, /^250 /, server.output());
  }
  using client = await login(server);
  const appended = await client.imap("APPEND INBOX {6+}\r\na: b\r\n");
  assert.match(appended.at(-1) ?? "", / OK /, server.output());
  for (let n = 1; n <= 5; n++) {
    const lines = await client.imap(`FETCH ${n} BODY.PEEK[]`);
    assert.ok(lines.some((line) => line.includes(plainMessage(n))), server.output());
  }
  assert.equal(bodies(bucket).length, 0);
  const atRisk = async () => {
    const answer = await fetch(`http://127.0.0.1:${server.metricsPort}/metrics`);
    return Number(/^sora_bytes_at_risk\{[^}]*\} (\d+)$/m.exec(await answer.text())?.[1]);
  };
  await until("metrics", async () => await atRisk() > 5 * plainMessage(1).length);
  bucket.fault = () => undefined;
  await until("six uploads", () => bodies(bucket).length === 6);
  const status = async () => JSON.parse(await server.admin("uploader", "status", "--json"));
  await until("six confirmed", async () => (await status()).pending === 0);
});

Deno.test("stored: no message is acknowledged that the object store does not have", async () => {
  await using bucket = S3Server.start();
  await using server = await startServer({ extra: withBucket(bucket, `durability = "stored"`) });
  await server.createAccount(ADDRESS, PASSWORD);
  using lmtp = await dialLmtp(server.lmtpPort);
  assert.match((await deliver(lmtp, plainMessage(1), [ADDRESS]))[0] ?? "", /^250 /);
  assert.equal(bodies(bucket).length, 1);
  bucket.fault = () => new Response(null, { status: 500 });
  assert.match((await deliver(lmtp, plainMessage(2), [ADDRESS]))[0] ?? "", /^451 /);
});

Deno.test("mail is refused for the moment when the staging folder is full, and read all the same", async () => {
  await using bucket = S3Server.start();
  const extra = withBucket(bucket, `max_staging_size = "2kb"`);
  await using server = await startServer({ extra });
  await server.createAccount(ADDRESS, PASSWORD);
  bucket.fault = () => new Response(null, { status: 503 });
  using lmtp = await dialLmtp(server.lmtpPort);
  const replies: string[] = [];
  for (let n = 1; n <= 5; n++) replies.push(...await deliver(lmtp, plainMessage(n), [ADDRESS]));
  const taken = replies.filter((reply) => reply.startsWith("250 ")).length;
  assert.ok(taken >= 1 && taken <= 3, replies.join("\n"));
  for (const reply of replies.slice(taken)) assert.match(reply, /^452 4\.3\.1 /);
  using client = await login(server);
  const body = plainMessage(9);
  const [refused = ""] = await client.imap(`APPEND INBOX {${body.length}+}\r\n${body}`);
  assert.match(refused, / NO \[UNAVAILABLE\] /);
  const lines = await client.imap(`FETCH 1:${taken} BODY.PEEK[]`);
  assert.match(lines.at(-1) ?? "", / OK /);
});

Deno.test("two nodes: each reads what the object store has, and says so of what only the other has", async () => {
  await using bucket = S3Server.start();
  await using database = await testDatabase();
  const { hosts, port, user, password, name } = database.config.write;
  const extra = `
[database.write]
hosts = ${JSON.stringify(hosts)}
port = ${port}
user = ${JSON.stringify(user)}
password = ${JSON.stringify(password)}
name = ${JSON.stringify(name)}
max_connections = 20
${withBucket(bucket)}`;
  const dataDir = await Deno.makeTempDir({ prefix: "sora-node-" });
  try {
    await using two = await startServer({ extra });
    {
      await using one = await startServer({ extra, dataDir });
      await one.createAccount(ADDRESS, PASSWORD);
      bucket.fault = ({ method }) =>
        method === "PUT" ? new Response(null, { status: 503 }) : undefined;
      using first = await dialLmtp(one.lmtpPort);
      using second = await dialLmtp(two.lmtpPort);
      assert.match((await deliver(first, plainMessage(1), [ADDRESS]))[0] ?? "", /^250 /);
      assert.match((await deliver(second, plainMessage(2), [ADDRESS]))[0] ?? "", /^250 /);
      await one.kill();
    }
    using client = await login(two);
    const whole = async (n: number) => (await client.imap(`FETCH ${n} BODY.PEEK[]`)).join("\n");
    assert.match(await whole(1), / NO \[UNAVAILABLE\] /);
    assert.ok((await whole(2)).includes(plainMessage(2)));
    bucket.fault = () => undefined;
    await until("the second one is uploaded", () => bodies(bucket).length === 1);
    assert.match(await whole(1), / NO \[UNAVAILABLE\] /);
    // The first node comes back with its staging folder.
    await using again = await startServer({ extra, dataDir });
    await until("both are uploaded", () => bodies(bucket).length === 2);
    assert.ok((await whole(1)).includes(plainMessage(1)), again.output());
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});
