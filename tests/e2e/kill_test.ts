import assert from "node:assert/strict";
import { deliver, dialLmtp } from "../support/lmtp_delivery.ts";
import { LineClient } from "../support/line_client.ts";
import { plainMessage } from "../support/mail.ts";
import { removeDataDir, startServer, type TestServer } from "../support/server.ts";

const ADDRESS = "kill@example.org";
const PASSWORD = "correct horse battery";
const ROUNDS = 3;
const CONNECTIONS = 4;

/** Delivers until the server dies; answers the numbers of the messages that were acknowledged. */
async function deliverUntilKilled(server: TestServer, first: number): Promise<Set<number>> {
  const acknowledged = new Set<number>();
  const killAfter = 40 + Math.floor(Math.random() * 60);
  let next = first;
  const one = async () => {
    try {
      using client = await dialLmtp(server.lmtpPort);
      for (;;) {
        const n = next++;
        const [reply] = await deliver(client, plainMessage(n, 2_000), [ADDRESS]);
        if (reply?.startsWith("250")) acknowledged.add(n);
        if (acknowledged.size >= killAfter) await server.kill();
      }
    } catch {
      return;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, one));
  return acknowledged;
}

async function readMailbox(server: TestServer): Promise<{ uids: number[]; numbers: number[] }> {
  using client = await LineClient.logIn(server.imapPort, ADDRESS, PASSWORD);
  const status = await client.imap("STATUS INBOX (MESSAGES UNSEEN)");
  const select = await client.imap("SELECT INBOX");
  const exists = Number(
    /^\* (\d+) EXISTS$/.exec(select.find((l) => l.endsWith("EXISTS")) ?? "")?.[1],
  );
  assert.match(status[0] ?? "", new RegExp(`MESSAGES ${exists} UNSEEN ${exists}\\)`));
  const lines = await client.imap("FETCH 1:* (UID BODY.PEEK[])");
  const uids: number[] = [];
  const numbers: number[] = [];
  for (const line of lines.slice(0, -1)) {
    uids.push(Number(/UID (\d+)/.exec(line)?.[1]));
    const n = Number(/Message-ID: <m(\d+)@/.exec(line)?.[1]);
    assert.ok(line.includes(plainMessage(n, 2_000)), `the body of message ${n} is whole`);
    numbers.push(n);
  }
  assert.equal(uids.length, exists);
  return { uids, numbers };
}

Deno.test("kill -9 while delivering loses nothing that got a 250, and doubles nothing", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "sora-kill-" });
  await Deno.chmod(dataDir, 0o755);
  try {
    const acknowledged = new Set<number>();
    for (let round = 0; round < ROUNDS; round++) {
      await using server = await startServer({ dataDir });
      if (round === 0) await server.createAccount(ADDRESS, PASSWORD);
      for (const n of await deliverUntilKilled(server, round * 10_000)) acknowledged.add(n);
    }
    await using server = await startServer({ dataDir });
    const { uids, numbers } = await readMailbox(server);
    assert.deepEqual(uids, [...uids].sort((a, b) => a - b), "UIDs ascend");
    assert.equal(new Set(uids).size, uids.length, "UIDs are unique");
    assert.equal(new Set(numbers).size, numbers.length, "no message is there twice");
    for (const n of acknowledged) assert.ok(numbers.includes(n), `message ${n} had its 250`);
    assert.ok(acknowledged.size >= ROUNDS * 40);

    // An MTA that lost the answer sends the same again: nothing is added.
    using client = await dialLmtp(server.lmtpPort);
    const known = numbers[0] ?? 0;
    assert.match((await deliver(client, plainMessage(known, 2_000), [ADDRESS]))[0] ?? "", /^250/);
    assert.equal((await readMailbox(server)).numbers.length, numbers.length);
  } finally {
    await removeDataDir(dataDir);
  }
});
