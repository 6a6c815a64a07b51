import assert from "node:assert/strict";
import { type ImapClient, makeWorld } from "../../support/imap.ts";

const THREAD = [
  "Message-ID: <a@x>\r\nSubject: Plan\r\nDate: 1 Jan 2026 10:00 +0000\r\n",
  "Message-ID: <b@x>\r\nSubject: other\r\nIn-Reply-To: <a@x>\r\nReferences: <a@x>\r\n" +
  "Date: 2 Jan 2026 10:00 +0000\r\n",
  "Message-ID: <c@x>\r\nSubject: third\r\nReferences: <a@x> <b@x>\r\n" +
  "Date: 3 Jan 2026 10:00 +0000\r\n",
];

const ITEMS = "(EMAILID THREADID INTERNALDATE FLAGS ENVELOPE BODYSTRUCTURE BODY.PEEK[])";

/** What is told of all messages, without their UIDs and numbers. */
async function told(client: ImapClient, mailbox: string): Promise<string[]> {
  await client.ok(`EXAMINE ${mailbox}`);
  return (await client.ok(`FETCH 1:* ${ITEMS}`)).map((response) =>
    response.replace(/^\* \d+ FETCH /, "").replace(" \\Recent", "").replace("\\Recent", "")
  );
}

Deno.test("COPY, MOVE and RENAME of INBOX keep what a message is, and its place in a thread", async () => {
  await using world = await makeWorld("empty");
  for (const [n, text] of THREAD.entries()) {
    await world.deliver(`${text}\r\nbody ${n}\r\n`, { flags: n + 1, keywords: [`$k${n}`] });
  }
  const client = await world.login();
  const before = await told(client, "INBOX");
  assert.equal(new Set(before.map((line) => /THREADID \(\S+\)/.exec(line)?.[0])).size, 1);
  await client.ok("SELECT INBOX");
  await client.ok("COPY 1:* Archive");
  await client.ok("UID MOVE 1:* Trash");
  assert.deepEqual(await told(client, "Archive"), before);
  assert.deepEqual(await told(client, "Trash"), before);
  await client.ok("SELECT Trash");
  await client.ok("MOVE 1:* INBOX");
  await client.ok("RENAME INBOX Old/Mail");
  assert.deepEqual(await told(client, "Old/Mail"), before);
  for (const mailbox of ["Archive", "Old/Mail"]) {
    await client.ok(`SELECT ${mailbox}`);
    for (const algorithm of ["REFERENCES", "REFS"]) {
      assert.deepEqual(await client.ok(`THREAD ${algorithm} UTF-8 ALL`), ["* THREAD (1 2 3)"]);
    }
    assert.deepEqual(await client.ok("SEARCH HEADER References <a@x> BODY body"), ["* SEARCH 2 3"]);
  }
});

Deno.test("UIDVALIDITY never goes back, and no UID comes twice under one of them", async () => {
  await using world = await makeWorld("empty", { workers: 2 });
  const [client, other] = [await world.login(), await world.login({ worker: 1 })];
  const seen = new Set<string>();
  let last = 0;
  const check = async (name: string) => {
    const answer = (await client.literal(`APPEND ${name}`, "x: y\r\n\r\n")).at(-1) ?? "";
    const [, validity = "", uid = ""] = /^OK \[APPENDUID (\d+) (\d+)\]/.exec(answer) ?? [];
    assert.ok(Number(validity) >= last && Number(validity) < 2 ** 32, answer);
    assert.ok(!seen.has(`${validity} ${uid}`), answer);
    seen.add(`${validity} ${uid}`);
    last = Number(validity);
  };
  for (let round = 0; round < 4; round++) {
    await (round % 2 === 0 ? client : other).ok("CREATE Again");
    await check("AGAIN");
    await check("again");
    if (round === 1) {
      // A name that another mailbox takes over and leaves again.
      await client.ok("RENAME Again Away");
      await other.ok("CREATE agaiN");
      await check("Again");
      await other.ok("DELETE Again");
      await client.ok("RENAME Away Again");
      await check("Again");
    }
    await client.ok("DELETE Again");
  }
});
