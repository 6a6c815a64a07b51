import assert from "node:assert/strict";
import { readMessageUrl, renderUrl } from "../../src/imap/commands/append/message_url.ts";

const whole = { path: [], text: null, fields: [] };

Deno.test("a message URL is read as RFC 5092 writes it", () => {
  const absolute = (name: string) => ({ name, relative: false });
  const examples = [
    ["/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER", {
      mailbox: absolute("Drafts"),
      uidValidity: 385759045,
      uid: 20,
      section: { path: [], text: "HEADER", fields: [] },
      partial: null,
    }],
    ["/a/b%20c/;UID=4294967295/;SECTION=1.5.9", {
      mailbox: absolute("a/b c"),
      uidValidity: null,
      uid: 4294967295,
      section: { path: [1, 5, 9], text: null, fields: [] },
      partial: null,
    }],
    ["/Entw%C3%BCrfe/;UID=1/;PARTIAL=0.1024", {
      mailbox: absolute("Entwürfe"),
      uidValidity: null,
      uid: 1,
      section: whole,
      partial: { origin: 0, length: 1024 },
    }],
    ["b/;uid=1/;partial=10", {
      mailbox: { name: "b", relative: true },
      uidValidity: null,
      uid: 1,
      section: whole,
      partial: { origin: 10, length: null },
    }],
    [";UID=7", { mailbox: null, uidValidity: null, uid: 7, section: whole, partial: null }],
    ["/;UID=7", { mailbox: null, uidValidity: null, uid: 7, section: whole, partial: null }],
    ["/INBOX/;UID=1/;SECTION=HEADER.FIELDS%20(To%20%22a%20b%22)", {
      mailbox: absolute("INBOX"),
      uidValidity: null,
      uid: 1,
      section: { path: [], text: "HEADER.FIELDS", fields: ["To", "a b"] },
      partial: null,
    }],
  ] as const;
  for (const [text, url] of examples) assert.deepEqual(readMessageUrl(text), url, text);
});

Deno.test("what is no message of this server is no message URL", () => {
  const texts = [
    "",
    "/",
    "INBOX",
    "/INBOX",
    "/INBOX/;UID=0",
    "/INBOX/;UID=4294967296",
    "/INBOX/;UID=1:2",
    "/INBOX/;UID=*",
    "/INBOX;UIDVALIDITY=0/;UID=1",
    "/INBOX/;UID=1/;SECTION=",
    "/INBOX/;UID=1/;SECTION=0",
    "/INBOX/;UID=1/;SECTION=1.",
    "/INBOX/;UID=1/;SECTION=MIME",
    "/INBOX/;UID=1/;SECTION=HEADER.FIELDS",
    "/INBOX/;UID=1/;SECTION=1]",
    "/INBOX/;UID=1/;PARTIAL=1.0",
    "/INBOX/;UID=1;URLAUTH=anonymous",
    "/INBOX/;UID=1/;SECTION=1;EXPIRE=2030-01-01T00:00:00Z;URLAUTH=anonymous:internal:00",
    "imap://h/INBOX/;UID=1",
    "IMAP:/INBOX/;UID=1",
    "//h/INBOX/;UID=1",
    "/INBOX?SUBJECT%20x",
    "/a b/;UID=1",
    "/%zz/;UID=1",
    "/%ff/;UID=1",
    "/\xc3\xa9/;UID=1",
    "/INBOX/;UID=1\r\n",
    `/${"a".repeat(8_000)}/;UID=1`,
  ];
  for (const text of texts) assert.equal(readMessageUrl(text), null, text);
});

Deno.test("a URL in a response code stays in it", () => {
  assert.equal(renderUrl("/a]\r\n* OK \xe9\0b"), "/a%5D%0D%0A*%20OK%20%E9%00b");
  assert.equal(renderUrl("/INBOX;UIDVALIDITY=1/;UID=2"), "/INBOX;UIDVALIDITY=1/;UID=2");
  assert.equal(renderUrl("x".repeat(5_000)).length, 1_000);
});
