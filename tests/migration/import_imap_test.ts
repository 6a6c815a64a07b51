import assert from "node:assert/strict";
import { FLAG } from "../../src/store/flags.ts";
import { MASTER, startDovecot } from "../support/dovecot.ts";
import { LineClient } from "../support/line_client.ts";
import { ADDRESS, type MigrationFixture, openMigration } from "./migration_fixture.ts";

const PASSWORD = "secret";
const DATE = '"02-Jan-2020 03:04:05 +0200"';

const message = (n: number, filler = 0) =>
  `From: a@example.net\r\nSubject: number ${n}\r\n\r\n${"x".repeat(70)}\r\n`
    .concat("0123456789abcdef\r\n".repeat(filler));

async function imported(fixture: MigrationFixture, words: string) {
  const { code, out, err } = await fixture.admin(
    `import imap --email ${ADDRESS} --host 127.0.0.1 --tls off --json ${words}`,
  );
  assert.equal(err, "");
  return { code, ...JSON.parse(out) };
}

Deno.test("import imap keeps UIDs, flags, keywords, dates and subscriptions", async () => {
  await using dovecot = await startDovecot({ addresses: [ADDRESS], password: PASSWORD });
  if (!dovecot) return;
  await using fixture = await openMigration();
  using client = await LineClient.logIn(dovecot.imapPort, ADDRESS, PASSWORD);
  const append = (box: string, flags: string, body: string) =>
    client.imap(`APPEND ${box} (${flags}) ${DATE} {${body.length}+}\r\n${body}`);
  for (let n = 1; n <= 5; n++) {
    await append("INBOX", n % 2 ? "\\Seen Later" : "\\Flagged", message(n));
  }
  await client.imap("CREATE A.B&APw-");
  await client.imap("SUBSCRIBE A.B&APw-");
  // Larger than what is fetched at once.
  await append("A.B&APw-", "\\Draft", message(6, 300_000));
  await append("A.B&APw-", "", message(7));
  await client.imap("SELECT INBOX");
  await client.imap("STORE 2 +FLAGS (\\Deleted)");
  await client.imap("EXPUNGE");
  const status = (await client.imap("STATUS INBOX (UIDVALIDITY UIDNEXT)")).join();

  const own = `--port ${dovecot.imapPort} --user ${ADDRESS} --password ${PASSWORD}`;
  const first = await imported(fixture, own);
  assert.deepEqual([first.code, first.found, first.imported, first.problems], [0, 6, 6, []]);
  const account = (await fixture.accounts.show(ADDRESS)).id;
  const inbox = await fixture.mailboxes.find(account, "INBOX");
  assert.match(status, new RegExp(`UIDVALIDITY ${inbox.uidValidity}\\b`));
  assert.match(status, new RegExp(`UIDNEXT ${inbox.uidNext}\\b`));
  const contents = await fixture.contents("INBOX");
  assert.deepEqual(
    contents,
    [1, 3, 4, 5].map((n) => ({
      uid: n,
      flags: n % 2 ? FLAG.seen : FLAG.flagged,
      keywords: n % 2 ? ["Later"] : [],
      date: "2020-01-02T01:04:05.000Z",
      body: message(n),
    })),
  );
  const below = await fixture.contents("A/Bü");
  assert.deepEqual(below.map(({ flags, body }) => [flags, body === message(6, 300_000)]), [
    [FLAG.draft, true],
    [0, false],
  ]);
  assert.ok((await fixture.mailboxes.subscriptions(account)).includes("A/Bü"));

  // Again, by the master's login in both of its forms, and what came since.
  await append("INBOX", "", message(8));
  const master = `--port ${dovecot.imapPort} --password ${PASSWORD}`;
  const second = await imported(fixture, `${master} --user ${ADDRESS} --master-user ${MASTER}`);
  assert.deepEqual([second.imported, second.there], [1, 6]);
  const third = await imported(fixture, `${master} --user ${ADDRESS}*${MASTER}`);
  assert.deepEqual([third.imported, third.there], [0, 7]);
});

Deno.test("import imap into a mailbox with mail gives new UIDs, once", async () => {
  await using dovecot = await startDovecot({ addresses: [ADDRESS], password: PASSWORD });
  if (!dovecot) return;
  await using fixture = await openMigration();
  using client = await LineClient.logIn(dovecot.imapPort, ADDRESS, PASSWORD);
  const mbox = `${fixture.folder}/x`;
  await Deno.writeTextFile(mbox, "From x Thu Jan  1 10:20:30 2026\nSubject: old\n\nold\n\n");
  await fixture.admin(`import mbox --email ${ADDRESS} --mailbox INBOX --path`, mbox);
  for (const n of [1, 2, 3]) {
    const body = message(n);
    await client.imap(`APPEND INBOX () ${DATE} {${body.length}+}\r\n${body}`);
  }
  const own = `--port ${dovecot.imapPort} --user ${ADDRESS} --password ${PASSWORD}`;
  // WHY UID 4 in any case: even where both servers made the mailbox in the same second, and so with the
  // same UIDVALIDITY, the message that has UID 1 here is another one.
  for (const count of [3, 0]) {
    const report = await imported(fixture, `${own} --mailbox-filter INBOX`);
    assert.deepEqual([report.imported, report.there], [count, 3 - count]);
  }
  assert.deepEqual((await fixture.contents("INBOX")).map(({ uid }) => uid), [1, 2, 3, 4]);
});

Deno.test("import imap says why it cannot begin", async () => {
  await using dovecot = await startDovecot({ addresses: [ADDRESS], password: PASSWORD });
  if (!dovecot) return;
  await using fixture = await openMigration();
  const line = `import imap --email ${ADDRESS} --host 127.0.0.1 --tls off --user ${ADDRESS}`;
  const wrong = await fixture.admin(`${line} --port ${dovecot.imapPort} --password wrong`);
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /does not let owner@example.com in/);
  const stripped = await fixture.admin(
    `${line.replace("tls off", "tls starttls")} --port ${dovecot.imapPort} --password ${PASSWORD}`,
  );
  assert.equal(stripped.code, 1, "no password for a server without STARTTLS");
  const nobody = await fixture.admin(`${line} --port 1 --password x`);
  assert.equal(nobody.code, 1);
  assert.match(nobody.err, /cannot reach the IMAP server 127.0.0.1:1/);
  assert.equal((await fixture.admin(`${line} --port 0 --password x`)).code, 64);
  assert.equal((await fixture.admin(line)).code, 64);
});

Deno.test("import imap trusts no certificate that it was not told to", async () => {
  await using dovecot = await startDovecot({
    addresses: [ADDRESS],
    password: PASSWORD,
    tls: true,
  });
  if (!dovecot) return;
  await using fixture = await openMigration();
  const line = `import imap --email ${ADDRESS} --host 127.0.0.1 --tls starttls ` +
    `--port ${dovecot.imapPort} --user ${ADDRESS} --password ${PASSWORD}`;
  const refused = await fixture.admin(line);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /certificate/i);
  const trusted = await fixture.admin(`${line} --tls-ca`, dovecot.certificate);
  assert.equal(trusted.code, 0, trusted.err);
  const skipped = await fixture.admin(`${line} --tls-skip-verify`);
  assert.equal(skipped.code, 0, skipped.err);
  const plain = await fixture.admin(`${line.replace("starttls", "implicit")} --tls-skip-verify`);
  assert.equal(plain.code, 1, "it speaks no TLS at first");
});

Deno.test("import imap survives a server that breaks the connection over one message", async () => {
  await using dovecot = await startDovecot({ addresses: [ADDRESS], password: PASSWORD });
  if (!dovecot) return;
  await using fixture = await openMigration();
  using client = await LineClient.logIn(dovecot.imapPort, ADDRESS, PASSWORD);
  for (let n = 1; n <= 6; n++) {
    await client.imap(`APPEND INBOX {${message(n).length}+}\r\n${message(n)}`);
  }
  let once = true;
  using proxy = new CuttingProxy(dovecot.imapPort, (line) => {
    const [, range = ""] = / UID FETCH (\S+) /.exec(line) ?? [];
    const isCut = covers(range, 3) || once && covers(range, 5);
    if (range === "5") once = false;
    return isCut;
  });
  const own = `--port ${proxy.port} --user ${ADDRESS} --password ${PASSWORD}`;
  const report = await imported(fixture, own);
  assert.equal(report.code, 1);
  assert.deepEqual([report.imported, report.skipped, report.ended], [5, 1, null]);
  assert.equal(report.problems.length, 1);
  assert.equal(report.problems[0].message, "UID 3");
  assert.match(report.problems[0].why, /breaks the connection/);
  const kept = (await fixture.contents("INBOX")).map(({ uid, body }) => [uid, body]);
  assert.deepEqual(kept, [1, 2, 4, 5, 6].map((n) => [n, message(n)]));
});

function covers(range: string, uid: number): boolean {
  return range.split(",").some((part) => {
    const [low = "", high = low] = part.split(":");
    return Number(low) <= uid && uid <= Number(high);
  });
}

/** Hands octets on to a server, and cuts the connection when a line of the client is to be cut. */
class CuttingProxy implements Disposable {
  readonly port: number;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });

  constructor(server: number, isCut: (line: string) => boolean) {
    this.port = this.#listener.addr.port;
    void this.#accept(server, isCut);
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }

  async #accept(server: number, isCut: (line: string) => boolean): Promise<void> {
    for await (const client of this.#listener) {
      const upstream = await Deno.connect({ hostname: "127.0.0.1", port: server });
      const lines = new TransformStream<Uint8Array, Uint8Array>({
        transform(octets, controller) {
          if (isCut(new TextDecoder().decode(octets))) throw new Error("cut");
          controller.enqueue(octets);
        },
      });
      // When one way ends, so does the other.
      void client.readable.pipeThrough(lines).pipeTo(upstream.writable).catch(() => {});
      void upstream.readable.pipeTo(client.writable).catch(() => {});
    }
  }
}
