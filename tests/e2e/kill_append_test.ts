import assert from "node:assert/strict";
import { LineClient } from "../support/line_client.ts";
import { removeDataDir, startServer, type TestServer } from "../support/server.ts";

const ADDRESS = "kill-append@example.org";
const PASSWORD = "correct horse battery";
const ROUNDS = 2;
const CONNECTIONS = 3;
/** Messages of one command. */
const TOGETHER = 5;

/** Appends several messages at a time until the server dies; answers what was acknowledged. */
async function appendUntilKilled(server: TestServer, first: number): Promise<Set<number>> {
  const acknowledged = new Set<number>();
  const killAfter = 10 + Math.floor(Math.random() * 20);
  let next = first;
  const one = async () => {
    try {
      using client = await LineClient.logIn(server.imapPort, ADDRESS, PASSWORD);
      for (;;) {
        const n = next++;
        const body = `Message-ID: <b${n}@example.org>\r\n\r\n${"x".repeat(3_000)}`;
        const literal = ` {${body.length}+}\r\n${body}`;
        const replies = await client.imap(`APPEND INBOX${literal.repeat(TOGETHER)}`);
        if (/ OK \[APPENDUID/.test(replies.at(-1) ?? "")) acknowledged.add(n);
        if (acknowledged.size >= killAfter) await server.kill();
      }
    } catch {
      return;
    }
  };
  const replacing = async () => {
    try {
      using client = await LineClient.logIn(server.imapPort, ADDRESS, PASSWORD);
      await client.imap("SELECT Drafts");
      for (let i = 0;; i++) {
        const replies = await client.imap(`REPLACE 1 Drafts {10+}\r\ndraft: ${i % 10}\r\n`);
        assert.match(replies.at(-1) ?? "", / OK /);
      }
    } catch {
      return;
    }
  };
  await Promise.all([replacing(), ...Array.from({ length: CONNECTIONS }, one)]);
  return acknowledged;
}

Deno.test("kill -9 while appending: messages of one command are all there, or none is", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "sora-kill-" });
  await Deno.chmod(dataDir, 0o755);
  try {
    const acknowledged = new Set<number>();
    for (let round = 0; round < ROUNDS; round++) {
      await using server = await startServer({ dataDir });
      if (round === 0) {
        await server.createAccount(ADDRESS, PASSWORD);
        using client = await LineClient.logIn(server.imapPort, ADDRESS, PASSWORD);
        await client.imap("APPEND Drafts {10+}\r\ndraft: 0\r\n");
      }
      for (const n of await appendUntilKilled(server, round * 10_000)) acknowledged.add(n);
    }
    await using server = await startServer({ dataDir });
    using client = await LineClient.logIn(server.imapPort, ADDRESS, PASSWORD);
    await client.imap("SELECT INBOX");
    const lines = await client.imap("FETCH 1:* BODY.PEEK[HEADER]");
    const counts = new Map<number, number>();
    for (const line of lines.slice(0, -1)) {
      const n = Number(/<b(\d+)@/.exec(line)?.[1]);
      counts.set(n, (counts.get(n) ?? 0) + 1);
    }
    for (const [n, count] of counts) assert.equal(count, TOGETHER, `messages of command ${n}`);
    for (const n of acknowledged) assert.ok(counts.has(n), `command ${n} had its OK`);
    assert.ok(acknowledged.size >= ROUNDS * 10);
    const [drafts] = await client.imap("STATUS Drafts (MESSAGES)");
    assert.equal(drafts, '* STATUS "Drafts" (MESSAGES 1)');
  } finally {
    await removeDataDir(dataDir);
  }
});
