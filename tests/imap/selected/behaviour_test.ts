import assert from "node:assert/strict";
import { makeWorld } from "../../support/imap.ts";

Deno.test("sessions with EXPUNGE to hear hear each once, then EXISTS, and nothing twice", async () => {
  await using world = await makeWorld("two-messages", { workers: 2 });
  for (let n = 0; n < 4; n++) await world.deliver(`Subject: ${n}\r\n\r\n\r\n`);
  const [writer, here, there] = [
    await world.login(),
    await world.login(),
    await world.login({ worker: 1 }),
  ];
  for (const client of [writer, here, there]) await client.ok("SELECT INBOX");
  await writer.ok("STORE 1,3,5:6 +FLAGS.SILENT (\\Deleted)");
  for (const client of [here, there]) await client.ok("NOOP");
  const expunges = ["* 6 EXPUNGE", "* 5 EXPUNGE", "* 3 EXPUNGE", "* 1 EXPUNGE"];
  assert.deepEqual(await writer.ok("EXPUNGE"), [...expunges, "* 2 RECENT"]);
  await world.deliver("Subject: new\r\n\r\n\r\n");
  for (const client of [here, there]) {
    const heard = await client.ok("NOOP");
    assert.deepEqual(heard.slice(0, 5), [...expunges, "* 3 EXISTS"]);
    assert.deepEqual(await client.ok("NOOP"), []);
  }
});

Deno.test("a message that comes and goes between two commands is never mentioned", async () => {
  await using world = await makeWorld("two-messages", { workers: 2 });
  const [client, other] = [await world.login(), await world.login({ worker: 1 })];
  await client.ok("SELECT INBOX");
  await world.deliver("Subject: brief\r\n\r\n\r\n", { worker: 1 });
  await other.ok("SELECT INBOX");
  await other.ok("STORE 3 +FLAGS.SILENT (\\Deleted)");
  await other.ok("EXPUNGE");
  assert.deepEqual(await client.ok("NOOP"), []);
  await world.deliver("Subject: stays\r\n\r\n\r\n", { worker: 1 });
  assert.equal((await client.ok("NOOP"))[0], "* 3 EXISTS");
  assert.deepEqual(await client.ok("FETCH 3 UID"), ["* 3 FETCH (UID 4)"]);
});

Deno.test("STORE of a message that another session has expunged tells nothing about it", async () => {
  await using world = await makeWorld("two-messages");
  const [client, other] = [await world.login(), await world.login()];
  await client.ok("SELECT INBOX");
  await other.ok("SELECT INBOX");
  await other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)");
  await client.ok("NOOP");
  await other.ok("EXPUNGE");
  assert.deepEqual(await client.ok("STORE 1 +FLAGS (\\Seen)"), []);
  assert.deepEqual(await client.ok("STORE 1:2 +FLAGS (\\Flagged)"), [
    "* 2 FETCH (FLAGS (\\Flagged \\Recent))",
  ]);
  assert.deepEqual(await client.ok("NOOP"), ["* 1 EXPUNGE", "* 1 RECENT"]);
});

Deno.test("\\Recent is for the first session that may say so, not for EXAMINE", async () => {
  await using world = await makeWorld("two-messages");
  const flags = async (command: "SELECT" | "EXAMINE") => {
    const client = await world.login();
    const lines = await client.ok(`${command} INBOX`);
    const [line] = await client.ok("FETCH 2 FLAGS");
    return [lines.find((each) => each.endsWith("RECENT")), line];
  };
  const recent = ["* 2 RECENT", "* 2 FETCH (FLAGS (\\Recent))"];
  assert.deepEqual(await flags("EXAMINE"), recent);
  assert.deepEqual(await flags("SELECT"), recent);
  assert.deepEqual(await flags("SELECT"), ["* 0 RECENT", "* 2 FETCH (FLAGS ())"]);
});

Deno.test("flags are told in one order, whatever the order in which they were set", async () => {
  await using world = await makeWorld("two-messages");
  const client = await world.login();
  await client.ok("SELECT INBOX");
  const all = "(\\Answered \\Flagged \\Deleted \\Seen \\Draft $a $b \\Recent)";
  await client.ok("STORE 2 FLAGS ($b \\Draft \\Seen)");
  const [line] = await client.ok("STORE 2 +FLAGS ($a \\Deleted \\Answered \\Flagged)").then((all) =>
    all.slice(-1)
  );
  assert.equal(line, `* 2 FETCH (FLAGS ${all})`);
});

Deno.test("ENVELOPE tells the Date field, whatever INTERNALDATE is", async () => {
  await using world = await makeWorld("empty");
  const date = "Mon, 5 Feb 1996 02:23:25 -0700 (PDT)";
  await world.deliver(`Date: ${date}\r\n\r\n\r\n`, {
    internalDate: new Date(Date.UTC(2026, 5, 7)),
  });
  await world.deliver("Subject: no date\r\n\r\n\r\n");
  const client = await world.login();
  await client.ok("SELECT INBOX");
  const [first = "", second = ""] = await client.ok("FETCH 1:2 (ENVELOPE INTERNALDATE)");
  assert.ok(first.startsWith(`* 1 FETCH (ENVELOPE ("${date}" NIL `), first);
  assert.match(first, /INTERNALDATE "07-Jun-2026 00:00:00 \+0000"\)$/);
  assert.ok(second.startsWith('* 2 FETCH (ENVELOPE (NIL "no date" '), second);
});

const malformed = [
  "Content-Type: multipart/mixed; boundary=b\r\n\r\n",
  "Content-Type: multipart/mixed\r\n\r\nno boundary at all\r\n",
  "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n",
  "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n",
  "Content-Type: ;;;\r\nContent-Transfer-Encoding: \r\nDate: never\r\n\r\n\0\xff\r\n",
  "no header\r\n",
  "\r\n",
];

Deno.test("malformed MIME is stored, described and fetched as it came", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  for (const text of malformed) {
    assert.match(
      (await client.literal("APPEND INBOX (NIL)", text)).at(-1) ?? "",
      /^OK \[APPENDUID/,
    );
  }
  await client.ok("SELECT INBOX");
  for (const [at, text] of malformed.entries()) {
    const n = at + 1;
    const [line] = await client.ok(`FETCH ${n} (FLAGS BODY.PEEK[])`);
    const flags = `* ${n} FETCH (FLAGS (\\Recent) BODY[]`;
    assert.equal(line, `${flags} {${text.length}}\r\n${text})`);
    assert.equal((await client.ok(`FETCH ${n} (ENVELOPE BODY BODYSTRUCTURE)`)).length, 1);
    assert.equal((await client.ok(`FETCH ${n} (BODY[1] BODY[1.MIME] BODY[9.9])`)).length, 1);
  }
});

Deno.test("SEARCH reads bodies in ISO-2022-JP, and names their text in UTF-8 or in kind", async () => {
  await using world = await makeWorld("empty");
  const japanese = "\x1b$B$3$s$K$A$O\x1b(B"; // konnichiwa
  const type = "Content-Type: text/plain; charset=ISO-2022-JP\r\n";
  await world.deliver(`Subject: =?ISO-2022-JP?B?${btoa(japanese)}?=\r\n${type}\r\n${japanese}\r\n`);
  await world.deliver(`${type}Content-Transfer-Encoding: base64\r\n\r\n${btoa(japanese)}\r\n`);
  const quoted = japanese.replaceAll("\x1b", "=1B");
  await world.deliver(`${type}Content-Transfer-Encoding: quoted-printable\r\n\r\n${quoted}\r\n`);
  await world.deliver("Subject: something else\r\n\r\nhello\r\n");
  const client = await world.login();
  await client.ok("SELECT INBOX");
  const utf8 = String.fromCharCode(...new TextEncoder().encode("こんにちは"));
  const found = async (command: string, text: string) => (await client.literal(command, text))[0];
  assert.equal(await found("SEARCH CHARSET UTF-8 BODY", utf8), "* SEARCH 1 2 3");
  assert.equal(await found("SEARCH CHARSET ISO-2022-JP BODY", japanese), "* SEARCH 1 2 3");
  assert.equal(await found("SEARCH CHARSET UTF-8 SUBJECT", utf8), "* SEARCH 1");
  assert.equal(await found("SEARCH CHARSET UTF-8 NOT TEXT", utf8), "* SEARCH 4");
});
