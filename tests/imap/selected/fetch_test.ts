import assert from "node:assert/strict";
import type { ObjectKey } from "../../../src/blobs/blobs.ts";
import { fromBinary } from "../../../src/lib/bytes.ts";
import type { Uid } from "../../../src/lib/ids.ts";
import { NumberSet } from "../../../src/lib/number_set.ts";
import { MemoryBlobs } from "../../../src/blobs/memory_blobs.ts";
import { plainMessage, shapedMessage } from "../../support/mail.ts";
import { spooled } from "../../blobs/contract.ts";
import { makeWorld } from "../../support/imap.ts";

const NESTED = [
  "From: ada@example.org",
  "Subject: nested",
  "Content-Type: multipart/mixed; boundary=outer",
  "",
  "preamble",
  "--outer",
  "Content-Type: text/plain",
  "X-Part: one",
  "",
  "part one",
  "--outer",
  "Content-Type: message/rfc822",
  "",
  "From: bob@example.org",
  "To: ada@example.org",
  "Content-Type: multipart/alternative; boundary=inner",
  "",
  "--inner",
  "",
  "inner one",
  "--inner",
  "Content-Type: text/html",
  "",
  "<p>inner two</p>",
  "--inner--",
  "--outer--",
  "epilogue",
  "",
].join("\r\n");

/** From `start` (included) to `end` (excluded) of the message above. */
function between(start: string, end: string): string {
  return NESTED.slice(NESTED.indexOf(start), NESTED.indexOf(end));
}

const embedded = between("From: bob", "\r\n--outer--");

/** Section, and the octets that it must give; null: there is no such part. */
const sections: readonly (readonly [section: string, octets: string | null])[] = [
  ["", NESTED],
  ["HEADER", between("From: ada", "preamble")],
  ["TEXT", NESTED.slice(NESTED.indexOf("preamble"))],
  ["HEADER.FIELDS (SUBJECT)", "Subject: nested\r\n\r\n"],
  [
    "HEADER.FIELDS.NOT (Subject From)",
    "Content-Type: multipart/mixed; boundary=outer\r\n\r\n",
  ],
  ["HEADER.FIELDS (X-None)", "\r\n"],
  ["1", "part one"],
  ["1.MIME", "Content-Type: text/plain\r\nX-Part: one\r\n\r\n"],
  ["2", embedded],
  ["2.MIME", "Content-Type: message/rfc822\r\n\r\n"],
  ["2.HEADER", between("From: bob", "--inner")],
  ["2.HEADER.FIELDS (To)", "To: ada@example.org\r\n\r\n"],
  ["2.TEXT", embedded.slice(embedded.indexOf("--inner"))],
  ["2.1", "inner one"],
  ["2.2", "<p>inner two</p>"],
  ["2.2.MIME", "Content-Type: text/html\r\n\r\n"],
  ["3", null],
  ["1.1", null],
  ["1.TEXT", null],
  ["2.3", null],
];

Deno.test("FETCH gives exactly the octets of each section, whole and in part", async () => {
  await using world = await makeWorld("empty");
  await world.deliver(NESTED);
  const client = await world.login();
  await client.ok("SELECT INBOX");
  for (const [section, octets] of sections) {
    const [whole] = await client.ok(`FETCH 1 BODY.PEEK[${section}]`);
    const text = octets ? `{${octets.length}}\r\n${octets}` : '""';
    assert.equal(whole, `* 1 FETCH (BODY[${section}] ${text})`);
    for (const [origin, length] of [[0, 3], [2, 4_000_000_000], [90_000, 5]] as const) {
      const [part] = await client.ok(`FETCH 1 BODY.PEEK[${section}]<${origin}.${length}>`);
      const cut = octets?.slice(origin, origin + length) ?? "";
      const expected = cut ? `{${cut.length}}\r\n${cut}` : '""';
      assert.equal(part, `* 1 FETCH (BODY[${section}]<${origin}> ${expected})`);
    }
  }
});

Deno.test("FETCH answers every message of a mixed corpus with its own octets, in order", async () => {
  await using world = await makeWorld("empty");
  const texts = Array.from({ length: 150 }, (_, n) => shapedMessage(n));
  for (const text of texts) await world.deliver(text);
  const client = await world.login();
  await client.ok("SELECT INBOX");
  const responses = await client.ok("FETCH 1:* (UID RFC822.SIZE BODY.PEEK[])");
  assert.equal(responses.length, texts.length);
  for (const [at, text] of texts.entries()) {
    const n = at + 1;
    const size = text.length;
    const expected = `* ${n} FETCH (UID ${n} RFC822.SIZE ${size} BODY[] {${size}}\r\n${text})`;
    assert.equal(responses[at], expected);
  }
  for (const item of ["FULL", "(BODYSTRUCTURE BODY.PEEK[1] BODY.PEEK[1.MIME])", "RFC822.HEADER"]) {
    assert.equal((await client.ok(`FETCH 1:* ${item}`)).length, texts.length, item);
  }
});

Deno.test("FETCH streams a message that is larger than what is held at once", async () => {
  await using world = await makeWorld("empty");
  const text = plainMessage(1, 6_000_000);
  await world.deliver(text);
  const client = await world.login();
  await client.ok("SELECT INBOX");
  const [whole] = await client.ok("FETCH 1 (BODY.PEEK[] UID)");
  assert.equal(whole, `* 1 FETCH (BODY[] {${text.length}}\r\n${text} UID 1)`);
  const header = text.indexOf("\r\n\r\n") + 4;
  const [part] = await client.ok("FETCH 1 (BODY.PEEK[TEXT]<1000.4500000> RFC822.HEADER)");
  const cut = text.slice(header + 1_000, header + 4_501_000);
  assert.equal(
    part,
    `* 1 FETCH (BODY[TEXT]<1000> {4500000}\r\n${cut} RFC822.HEADER {${header}}\r\n${
      text.slice(0, header)
    })`,
  );
});

Deno.test("FETCH without the body says NO [UNAVAILABLE], and never an empty literal", async () => {
  await using world = await makeWorld("empty");
  for (const size of [100, 2_000_000, 5_000_000]) {
    await world.deliver(plainMessage(size, size));
  }
  await world.deliver(plainMessage(3));
  const { blobs } = world.services;
  assert.ok(blobs instanceof MemoryBlobs);
  const rows = await world.services.messages.search(await inbox(world), { everything: true });
  assert.equal(rows.uids.length, 4);
  const client = await world.login();
  await client.ok("SELECT INBOX");
  const get = blobs.get.bind(blobs);
  const size = blobs.size.bind(blobs);
  blobs.get = () => Promise.resolve(null);
  blobs.size = () => Promise.resolve(null);
  for (const n of [1, 2, 3]) {
    const answer = await client.command(`FETCH ${n} (FLAGS BODY.PEEK[])`);
    assert.deepEqual(answer, ["NO [UNAVAILABLE] Temporarily unavailable, try again later"]);
  }
  assert.equal((await client.ok("FETCH 1:4 (ENVELOPE BODY.PEEK[HEADER])")).length, 4);
  blobs.get = get;
  blobs.size = size;
  assert.equal((await client.ok("FETCH 1:4 BODY.PEEK[]")).length, 4);
});

Deno.test("FETCH of a damaged body ends before its last octet, however large it is", async () => {
  await using world = await makeWorld("empty");
  const text = plainMessage(1, 5_000_000);
  await world.deliver(text);
  const { messages, blobs } = world.services;
  const [row] = await messages.rows(await inbox(world), NumberSet.from([1 as Uid]), {});
  const damaged = fromBinary(text.replace(/.$/, "?").replace(/[a-z](?=[^a-z]*$)/, "#"));
  assert.equal(damaged.length, text.length);
  const body = await spooled(damaged);
  await blobs.put(row?.objectKey as ObjectKey, body, { overwrite: true });
  const client = await world.login();
  await client.ok("SELECT INBOX");
  await client.send("a FETCH 1 BODY.PEEK[]\r\n");
  assert.equal(await client.readLine(), `* 1 FETCH (BODY[] {${text.length}}`);
  await assert.rejects(client.readOctets(text.length), /has closed the connection/);
});

Deno.test("FETCH sets \\Seen without PEEK, says so, and tells the other sessions", async () => {
  await using world = await makeWorld("two-messages");
  const [client, other, reader] = [await world.login(), await world.login(), await world.login()];
  await client.ok("SELECT INBOX");
  await other.ok("SELECT INBOX");
  await reader.ok("EXAMINE INBOX");
  assert.match((await reader.ok("FETCH 2 BODY[TEXT]"))[0] ?? "", /Ada!\r\n\)$/);
  assert.match((await client.ok("FETCH 2 BODY.PEEK[TEXT]"))[0] ?? "", /Ada!\r\n\)$/);
  assert.deepEqual(await other.ok("NOOP"), []);
  const fetched = await client.ok("FETCH 1:2 RFC822.TEXT");
  assert.match(fetched[0] ?? "", /Bob!\r\n\)$/);
  assert.match(fetched[1] ?? "", /Ada!\r\n FLAGS \(\\Seen \\Recent\)\)$/);
  assert.deepEqual(await other.ok("NOOP"), ["* 2 FETCH (FLAGS (\\Seen))"]);
  assert.deepEqual(await client.ok("NOOP"), []);
});

Deno.test("FETCH by number leaves out what others expunged, and announces it later", async () => {
  await using world = await makeWorld("two-messages");
  const [client, other] = [await world.login(), await world.login()];
  await client.ok("SELECT INBOX");
  await other.ok("SELECT INBOX");
  await other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)");
  await client.ok("NOOP");
  await other.ok("EXPUNGE");
  const answer = await client.command("FETCH 1:2 (FLAGS UID)");
  assert.deepEqual(answer, [
    "* 2 FETCH (FLAGS (\\Recent) UID 2)",
    "OK [EXPUNGEISSUED] Some messages no longer exist",
  ]);
  assert.deepEqual(await client.ok("UID FETCH 2 FLAGS"), [
    "* 2 FETCH (UID 2 FLAGS (\\Recent))",
    "* 1 EXPUNGE",
    "* 1 RECENT",
  ]);
});

Deno.test("FETCH items that break the grammar are BAD", async () => {
  await using world = await makeWorld("two-messages");
  const client = await world.login();
  await client.ok("SELECT INBOX");
  const bad = [
    "",
    "()",
    "(ALL FLAGS)",
    "FLAGSX",
    "(FLAGS",
    "BODY[",
    "BODY[MIME]",
    "BODY[0]",
    "BODY[1.]",
    "BODY[1.2.BOGUS]",
    "BODY[HEADER.FIELDS]",
    "BODY[HEADER.FIELDS ()]",
    "BODY[]<0>",
    "BODY[]<0.0>",
    "BODY[]<-1.5>",
    `BODY[${"1.".repeat(200)}1]`,
    `(${Array.from({ length: 300 }, (_, n) => `BODY[${n + 1}]`).join(" ")})`,
    "(".repeat(2_000),
  ];
  for (const items of bad) {
    const answer = await client.command(`FETCH 1 ${items}`);
    assert.match(answer.at(-1) ?? "", /^BAD /, items);
    await client.ok("NOOP");
  }
});

async function inbox(world: Awaited<ReturnType<typeof makeWorld>>) {
  return (await world.services.mailboxes.find(world.account.id, "INBOX")).id;
}
