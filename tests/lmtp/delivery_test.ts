import assert from "node:assert/strict";
import { parseMessage } from "../../src/message/parser.ts";
import { messageFacts } from "../../src/message/facts.ts";
import { fromBinary } from "../../src/lib/bytes.ts";
import { LmtpFixture, type LmtpFixtureOptions } from "./fixture.ts";

interface Play extends LmtpFixtureOptions {
  readonly recipients: readonly string[];
  /** As it goes over the wire, dots stuffed, without the last dot. */
  readonly data: string;
  readonly parameters?: string;
}

/** Delivers one message by DATA; gives the replies and what is stored. */
async function deliver({ recipients, data, parameters, ...options }: Play) {
  const fixture = new LmtpFixture(options);
  const { client, session } = fixture.dial();
  await client.begin(recipients, parameters);
  await client.command("DATA");
  await client.send(`${data}.\r\n`);
  const replies: string[] = [];
  for (const _ of recipients) replies.push(await client.reply());
  await client.command("QUIT");
  client.close();
  await session;
  return { replies, stored: await fixture.stored(), fixture };
}

Deno.test("a message gets its trace header and keeps every octet", async () => {
  const data = "From: a\r\nSubject: b\r\n\r\nline\r\n..dot\r\nbare\nLF\rCR \xff\0\r\n";
  const { stored } = await deliver({ recipients: ["Alias+Detail@example.com"], data });
  assert.equal(stored.length, 1);
  const [message] = stored;
  assert.equal(message?.account, 1);
  assert.match(
    message?.text ?? "",
    new RegExp([
      "^Return-Path: <sender@example\\.net>",
      "Delivered-To: user@example\\.com",
      "Received: from client\\.example\\.net \\(\\[127\\.0\\.0\\.1\\]\\)",
      "\tby mx\\.example\\.com with LMTP id session1",
      "\tfor <Alias\\+Detail@example\\.com>; \\w{3}, \\d{1,2} \\w{3} \\d{4} \\d\\d:\\d\\d:\\d\\d [+-]\\d{4}",
      "From: a",
    ].join("\r\n")),
  );
  assert.ok(message?.text.endsWith(data.replace("..dot", ".dot")));
});

Deno.test("the facts of a copy are those of the stored message", async () => {
  const data = "From: a@example.net\r\nSubject: b\r\nMessage-ID: <1@x>\r\n" +
    'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n\r\none\r\n--x\r\n\r\ntwo\r\n--x--\r\n';
  const { stored } = await deliver({ recipients: ["user@example.com", "other@example.com"], data });
  assert.equal(stored.length, 2);
  for (const { text, facts } of stored) {
    assert.deepEqual(facts, messageFacts(parseMessage(fromBinary(text))));
  }
});

Deno.test("recipients get their own copy, one account gets one", async () => {
  const recipients = ["user@example.com", "other@example.com", "alias@example.com"];
  const { stored, replies } = await deliver({ recipients, data: "Subject: x\r\n\r\nbody\r\n" });
  assert.deepEqual(replies.map((reply) => reply.slice(0, 9)), Array(3).fill("250 2.1.5"));
  assert.deepEqual(stored.map(({ account }) => account).sort(), [1, 2]);
  for (const { account, text } of stored) {
    const address = account === 1 ? "user@example.com" : "other@example.com";
    assert.match(text, new RegExp(`Delivered-To: ${address}\r\n.*\tfor <${address}>;`, "s"));
    assert.ok(!text.includes("alias@"));
  }
});

Deno.test("what an MTA sends again is not stored again", async () => {
  const fixture = new LmtpFixture();
  for (let i = 0; i < 2; i++) {
    const { client, session } = fixture.dial();
    await client.begin(["user@example.com"]);
    await client.command("DATA");
    assert.match(await client.command("Subject: x\r\n\r\nsame\r\n."), /^250/);
    await client.leave();
    await session;
    client.close();
  }
  assert.equal((await fixture.stored()).length, 1);
});

Deno.test("trouble with one recipient does not touch the others", async () => {
  const recipients = ["bug", "user", "down", "other", "full"].map((name) => `${name}@example.com`);
  const { replies, stored, fixture } = await deliver({ recipients, data: "Subject: x\r\n\r\n" });
  assert.deepEqual(replies.map((reply) => reply.slice(0, 9)), [
    "451 4.3.0",
    "250 2.1.5",
    "451 4.3.0",
    "250 2.1.5",
    "452 4.2.2",
  ]);
  assert.equal(stored.length, 2);
  assert.deepEqual(fixture.errors, ["delivery failed"]); // The bug, not the database.
});

Deno.test("nothing that a client says becomes a header of its own", async () => {
  const fixture = new LmtpFixture();
  const { client, session } = fixture.dial();
  await client.reply();
  const attempts = [
    "LHLO first",
    "LHLO evil\rX-Injected: 1",
    "LHLO evil\nX-Injected: 1",
    "LHLO evil)\tX-Injected: 1",
    "LHLO ok",
    "MAIL FROM:<a\r\n X-Injected: 1@example.net>",
    'MAIL FROM:<"a\rX-Injected: 1"@example.net>',
    'MAIL FROM:<"a\\\nX-Injected: 1"@example.net>',
    "MAIL FROM:<\xc2\x85X-Injected@example.net> SMTPUTF8",
    "MAIL FROM:<a\xe2\x80\xa8X-Injected@example.net> SMTPUTF8",
    "MAIL FROM:<\xff@example.net> SMTPUTF8",
    "MAIL FROM:<a@example.net>",
    "RCPT TO:<user+\rX-Injected@example.com>",
    "RCPT TO:<user+\tX-Injected@example.com>",
    'RCPT TO:<"user+>\r\nX-Injected: 1"@example.com>',
    "RCPT TO:<user@example.com>",
    "DATA",
    "Subject: x",
    "",
    ".",
    "QUIT",
  ];
  await client.send(attempts.join("\r\n") + "\r\n");
  for (let line = await client.line(); line !== null;) line = await client.line();
  client.close();
  await session;
  const [message] = await fixture.stored();
  assert.ok(message);
  assert.ok(!message.text.includes("X-Injected"), message.text);
  assert.ok(message.text.startsWith("Return-Path: <a@example.net>\r\n"));
});

Deno.test("UTF-8 addresses are written as UTF-8 and named so", async () => {
  const fixture = new LmtpFixture();
  const { client, session } = fixture.dial();
  await client.reply();
  await client.command("LHLO c");
  await client.command("MAIL FROM:<j\xc3\xbcrgen@example.net> SMTPUTF8");
  await client.command("RCPT TO:<j\xc3\xb6rg@example.com>");
  await client.command("DATA");
  await client.command("Subject: x\r\n\r\n.");
  await client.leave();
  await session;
  client.close();
  const [message] = await fixture.stored();
  assert.match(
    message?.text ?? "",
    /^Return-Path: <j\xc3\xbcrgen@example\.net>\r\nDelivered-To: j\xc3\xb6rg@/,
  );
  assert.match(message?.text ?? "", / with UTF8LMTP id /);
});

Deno.test("a large message goes through the spool folder and leaves nothing there", async () => {
  const spoolDir = await Deno.makeTempDir();
  const body = "0123456789abcdef\r\n".repeat(150_000);
  const config = { maxMessageSizeBytes: 10_000_000 };
  for (const recipients of [["user@example.com"], ["user@example.com", "other@example.com"]]) {
    const data = `Subject: x\r\n\r\n${body}`;
    const { stored } = await deliver({ recipients, data, spoolDir, config });
    assert.equal(stored.length, recipients.length);
    for (const { text } of stored) assert.ok(text.endsWith(data));
    assert.deepEqual(await Array.fromAsync(Deno.readDir(spoolDir)), []);
  }
  await Deno.remove(spoolDir, { recursive: true });
});

Deno.test("a full spool folder is temporary, for everybody", async () => {
  const data = `Subject: x\r\n\r\n${"0123456789abcdef\r\n".repeat(150_000)}`;
  const { replies, stored } = await deliver({
    recipients: ["user@example.com", "other@example.com"],
    data,
    spoolDir: "/nonexistent",
    config: { maxMessageSizeBytes: 10_000_000 },
  });
  assert.deepEqual(replies.map((reply) => reply.slice(0, 9)), ["451 4.3.0", "451 4.3.0"]);
  assert.deepEqual(stored, []);
});

Deno.test("BDAT keeps every octet, chunks may end anywhere", async () => {
  const message = "Subject: x\r\n\r\n.\r\n..\r\n\r\n.\r\nbinary \0\r\xff\n";
  for (let size = 1; size <= message.length; size += 7) {
    const fixture = new LmtpFixture();
    const { client, session } = fixture.dial();
    await client.begin(["user@example.com"]);
    let replies = 1;
    for (let at = 0; at < message.length; at += size, replies++) {
      const chunk = message.slice(at, at + size);
      await client.send(`BDAT ${chunk.length}\r\n${chunk}`);
    }
    await client.send("BDAT 0 LAST\r\n");
    for (; replies > 0; replies--) assert.match(await client.reply(), /^250/);
    await client.leave();
    await session;
    client.close();
    const [stored] = await fixture.stored();
    assert.ok(stored?.text.endsWith(`\r\n${message}`));
  }
});
