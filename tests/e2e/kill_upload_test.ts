import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { fromBinary } from "../../src/lib/bytes.ts";
import { dice, type Roll } from "../support/dice.ts";
import { deliver, dialLmtp } from "../support/lmtp_delivery.ts";
import { LineClient } from "../support/line_client.ts";
import { plainMessage } from "../support/mail.ts";
import { S3Server } from "../support/s3_server.ts";
import { removeDataDir, startServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

const ADDRESS = "kill@example.org";
const PASSWORD = "correct horse battery";
/** How often the server is killed; the issue of the object store asks for 200. */
const ROUNDS = Number(Deno.env.get("SORA_KILL_ROUNDS") ?? 4);
const SEED = Number(Deno.env.get("SORA_SEED") ?? Date.now() % 1_000_000);
const DELIVERING = 3;
const OBJECT = /^example\.org\/kill\/([0-9a-f]{64})$/;

/** What was acknowledged, by number of the message. */
interface Done {
  readonly delivered: Set<number>;
  readonly appended: Set<number>;
}

/** An object store that refuses, loses its answers and is slow, by chance. */
function troubled(bucket: S3Server, roll: Roll): void {
  bucket.fault = (request) => {
    const trouble = roll(12);
    if (trouble === 0) return new Response(null, { status: 503 });
    if (trouble === 1) return new Response(null, { status: 500 });
    if (trouble !== 2) return undefined;
    const { promise, resolve } = Promise.withResolvers<Response>();
    setTimeout(() => resolve(new Response(null, { status: 500 })), 50 + roll(200));
    request.signal.addEventListener("abort", () => resolve(new Response(null, { status: 499 })));
    return promise;
  };
}

/** Delivers, appends, moves and reads until the server is killed, at a moment that the dice choose. */
async function workUntilKilled(
  server: TestServer,
  { roll, first, done }: { readonly roll: Roll; readonly first: number; readonly done: Done },
): Promise<void> {
  let next = first;
  const killAfter = 1 + roll(60);
  const killMs = roll(150);
  let acknowledged = 0;
  let killing: Promise<void> | undefined;
  const acknowledge = (to: Set<number>, n: number): void => {
    to.add(n);
    if (++acknowledged < killAfter) return;
    killing ??= new Promise((resolve) => setTimeout(resolve, killMs)).then(() => server.kill());
  };
  const delivering = async () => {
    using client = await dialLmtp(server.lmtpPort);
    for (;;) {
      const n = next++;
      const [reply = ""] = await deliver(client, bodyOf(n), [ADDRESS]);
      if (reply.startsWith("250")) acknowledge(done.delivered, n);
    }
  };
  const appending = async () => {
    using client = await LineClient.logIn(server.imapPort, ADDRESS, PASSWORD);
    await client.imap("SELECT INBOX");
    for (;;) {
      const n = next++;
      const body = bodyOf(n);
      const replies = await client.imap(`APPEND Drafts {${body.length}+}\r\n${body}`);
      if (/ OK /.test(replies.at(-1) ?? "")) acknowledge(done.appended, n);
      await client.imap("UID COPY * Archive");
    }
  };
  const killed = (work: () => Promise<void>) => work().catch(() => {});
  await Promise.all([
    killed(appending),
    ...Array.from({ length: DELIVERING }, () => killed(delivering)),
  ]);
  await (killing ?? server.kill());
}

/** One in eight is large enough to be spooled in a file, and sent in pieces. */
function bodyOf(n: number): string {
  return plainMessage(n, n % 8 === 0 ? 1_300_000 : 2_000);
}

/** Every message of a mailbox: its number and the hash of what is stored; each body is whole. */
async function read(client: LineClient, mailbox: string): Promise<{ n: number; hash: string }[]> {
  await client.imap(`SELECT ${mailbox}`);
  const found: { n: number; hash: string }[] = [];
  for (let at = 1;; at++) {
    const lines = await client.imap(`FETCH ${at} (UID BODY.PEEK[])`);
    const line = lines.find((each) => each.includes(" FETCH ("));
    if (line === undefined) {
      assert.doesNotMatch(lines.at(-1) ?? "", /UNAVAILABLE|SERVERBUG/);
      return found;
    }
    const [, size = "0"] = /BODY\[\] \{(\d+)\}/.exec(line) ?? [];
    const start = line.indexOf("}", line.indexOf("BODY[]")) + 1;
    const body = line.slice(start).replace(/^\r\n/, "").slice(0, Number(size));
    const n = Number(/Message-ID: <m(\d+)@/.exec(body)?.[1]);
    assert.ok(body.endsWith(bodyOf(n)), `message ${n} of ${mailbox} is whole`);
    found.push({ n, hash: createHash("sha256").update(fromBinary(body)).digest("hex") });
  }
}

function configOf(bucket: S3Server): string {
  return `${bucket.section('timeout = "2s"\nbreaker_open = "1s"')}
[uploader]
retry_interval = "100ms"
batch_size = 5
`;
}

Deno.test(`kill -9 while mail comes in and is uploaded loses and doubles nothing, seed ${SEED}`, async () => {
  const roll = dice(SEED);
  await using bucket = S3Server.start();
  const dataDir = await Deno.makeTempDir({ prefix: "sora-kill-" });
  await Deno.chmod(dataDir, 0o755);
  const start = () =>
    startServer({ dataDir, extra: configOf(bucket), imap: 'durability = "database"' });
  const done: Done = { delivered: new Set(), appended: new Set() };
  try {
    for (let round = 0; round < ROUNDS; round++) {
      await using server = await start();
      if (round === 0) await server.createAccount(ADDRESS, PASSWORD);
      troubled(bucket, roll);
      await workUntilKilled(server, { roll, first: round * 10_000, done });
      bucket.fault = () => undefined;
    }
    await using server = await start();
    using client = await LineClient.logIn(server.imapPort, ADDRESS, PASSWORD);
    const before = await read(client, "INBOX");
    const status = async () => JSON.parse(await server.admin("uploader", "status", "--json"));
    await until("everything is uploaded", async () => (await status()).pending === 0);
    const inbox = await read(client, "INBOX");
    const drafts = await read(client, "Drafts");
    const archive = await read(client, "Archive");
    assert.deepEqual(inbox, before);
    for (
      const [found, acknowledged] of [[inbox, done.delivered], [drafts, done.appended]] as const
    ) {
      const numbers = found.map(({ n }) => n);
      assert.equal(new Set(numbers).size, numbers.length, "nothing is there twice");
      for (const n of acknowledged) assert.ok(numbers.includes(n), `message ${n} was acknowledged`);
    }
    // Each message has its object, and each object is what its key says.
    for (const { n, hash } of [...inbox, ...drafts, ...archive]) {
      assert.ok(bucket.objects.has(`example.org/kill/${hash}`), `object of message ${n}`);
    }
    for (const [key, object] of bucket.objects) {
      const [, hash] = OBJECT.exec(key) ?? [];
      if (hash === undefined) continue;
      assert.equal(createHash("sha256").update(object).digest("hex"), hash);
    }
    assert.ok(done.delivered.size + done.appended.size >= ROUNDS);
  } finally {
    await removeDataDir(dataDir);
  }
});
