import assert from "node:assert/strict";
import { MemoryBlobs } from "../../src/blobs/memory_blobs.ts";
import { unavailable } from "../../src/lib/refused.ts";
import { makeWorld } from "../support/imap.ts";

const MULTIPART = [
  "Subject: parts",
  'Content-Type: multipart/mixed; boundary="b"',
  "",
  "--b",
  "",
  "first",
  "--b",
  "Content-Type: application/octet-stream",
  "Content-Transfer-Encoding: base64",
  "",
  "A".repeat(76),
  "--b--",
  "",
].join("\r\n");

Deno.test("a message is put together from the very octets that FETCH gives", async () => {
  await using world = await makeWorld("empty");
  await world.deliver(MULTIPART);
  const client = await world.login();
  await client.ok("EXAMINE INBOX");
  const sections = [
    "",
    "HEADER",
    "TEXT",
    "1",
    "1.MIME",
    "2",
    "2.MIME",
    "HEADER.FIELDS (SUBJECT)",
    "HEADER.FIELDS.NOT (SUBJECT)",
  ];
  let expected = "";
  const urls: string[] = [];
  for (const section of sections) {
    const [fetched = ""] = await client.ok(`FETCH 1 BODY.PEEK[${section}]`);
    const literal = /\{\d+\}\r\n([^]*)\)$/.exec(fetched)?.[1] ?? /"(.*)"\)$/.exec(fetched)?.[1];
    expected += literal ?? "";
    urls.push(`URL ";UID=1${section && `/;SECTION=${encodeURIComponent(section)}`}"`);
  }
  await client.ok(`APPEND Drafts CATENATE (${urls.join(" ")})`);
  await client.ok("EXAMINE Drafts");
  const [made] = await client.ok("FETCH 1 BODY.PEEK[]");
  assert.equal(made, `* 1 FETCH (BODY[] {${expected.length}}\r\n${expected})`);
  assert.equal(expected.length > MULTIPART.length * 2, true);
});

Deno.test("parts of large messages are copied in pieces, and too much of them is refused", async () => {
  const blobs = new MemoryBlobs();
  const config = { appendLimitBytes: 8_000_000 };
  await using world = await makeWorld("empty", { blobs, config });
  const large = `Subject: large\r\n\r\n${"0123456789\r\n".repeat(300_000)}`;
  await world.deliver(large);
  const client = await world.login();
  let longest = 0;
  const range = blobs.range.bind(blobs);
  blobs.range = (key, start, end) => {
    longest = Math.max(longest, end - start);
    return range(key, start, end);
  };
  await client.ok('APPEND Drafts CATENATE (URL "/INBOX/;UID=1" URL "/INBOX/;UID=1/;SECTION=TEXT")');
  assert.ok(longest > 0 && longest <= 1 << 20, `${longest}`);
  const url = 'URL "/INBOX/;UID=1"';
  assert.deepEqual(await client.command(`APPEND Drafts CATENATE (${url} ${url} ${url})`), [
    "NO [TOOBIG] Message too large",
  ]);
  const header = large.length - 3_600_000;
  await client.ok("EXAMINE Drafts");
  const [size = ""] = await client.ok("FETCH 1 RFC822.SIZE");
  assert.equal(size, `* 1 FETCH (RFC822.SIZE ${2 * large.length - header})`);
});

Deno.test("a body that cannot be read is trouble of ours, not a bad URL", async () => {
  const blobs = new MemoryBlobs();
  await using world = await makeWorld("two-messages", { blobs });
  const client = await world.login();
  blobs.get = () => Promise.reject(unavailable("bodies", new Error("S3 is down")));
  blobs.range = blobs.get;
  const replies = await client.command('APPEND Drafts CATENATE (URL "/INBOX/;UID=1")');
  assert.match(replies.join(), /^NO \[UNAVAILABLE\] /);
  assert.deepEqual(await client.ok("STATUS Drafts (MESSAGES)"), ['* STATUS "Drafts" (MESSAGES 0)']);
});

Deno.test("one message has a bounded number of parts", async () => {
  await using world = await makeWorld("two-messages");
  const client = await world.login();
  const parts = Array(1_001).fill("TEXT {1+}\r\nx").join(" ");
  const replies = await client.command(`APPEND Drafts CATENATE (${parts})`);
  assert.match(replies.join(), /^BAD Expected at most 1000 parts/);
  const urls = Array(1_000).fill('URL "/INBOX/;UID=2/;PARTIAL=0.9"').join(" ");
  await client.ok(`APPEND Drafts CATENATE (${urls})`);
});

Deno.test("a mailbox name in a URL is UTF-8, whatever the client has enabled", async () => {
  await using world = await makeWorld("two-messages");
  const client = await world.login();
  await client.ok('CREATE "Entw&APw-rfe"');
  await client.ok('APPEND "Entw&APw-rfe" CATENATE (URL "/INBOX/;UID=1")');
  await client.ok('APPEND Drafts CATENATE (URL "/Entw%C3%BCrfe/;UID=1/;SECTION=TEXT")');
  const replies = await client.command('APPEND Drafts CATENATE (URL "/Entw%26APw-rfe/;UID=1")');
  assert.match(replies.join(), /^NO \[BADURL /);
});
