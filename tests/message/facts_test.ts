import assert from "node:assert/strict";
import { fromBinary } from "../../src/lib/bytes.ts";
import {
  HEADER_STORED_MAX,
  messageFacts,
  messageIds,
  TEXT_BYTES_MAX,
  withPrefix,
} from "../../src/message/facts.ts";
import { parseMessage } from "../../src/message/parser.ts";
import { shapedMessage } from "../support/mail.ts";
import { lines, read, utf8 } from "./support/read.ts";

const facts = (text: string) => messageFacts(parseMessage(fromBinary(text)));

Deno.test("the facts of a message", () => {
  const text = lines(
    "From: =?utf-8?Q?J=C3=B6?= <joe@example.com>",
    "To: a@b, c@d",
    "To: e@f",
    `Cc: ${utf8("ä")} <g@h>`,
    "Subject: Re: [list] =?utf-8?Q?=C3=A4?=",
    "Date: Mon, 2 Jan 2006 15:04:05 -0700",
    "Message-ID: <id@example.com>",
    "In-Reply-To: <parent@example.com> (comment)",
    "References: <root@example.com>",
    " <parent@example.com>",
    "",
    "body",
  );
  const found = facts(text);
  assert.equal(found.sizeBytes, text.length);
  assert.equal(found.headerBytes, text.length - "body\r\n".length);
  assert.deepEqual(found.header, new Uint8Array(fromBinary(text.slice(0, found.headerBytes))));
  assert.equal(found.messageId, "<id@example.com>");
  assert.equal(found.inReplyTo, "<parent@example.com>");
  assert.deepEqual(found.references, ["<root@example.com>", "<parent@example.com>"]);
  assert.equal(found.sentDate?.toISOString(), "2006-01-02T22:04:05.000Z");
  assert.equal(found.from, "Jö <joe@example.com>");
  assert.equal(found.to, "a@b, c@d, e@f");
  assert.equal(found.cc, "ä <g@h>");
  assert.equal(found.bcc, "");
  assert.equal(found.subject, "Re: [list] ä");
  assert.equal(found.baseSubject, "A\u0308"); // folded
  assert.equal(found.isReply, true);
});

Deno.test("the facts of nothing", () => {
  const { header, sentDate, messageId, references, subject } = facts("");
  assert.deepEqual({ header, sentDate, messageId, references, subject }, {
    header: new Uint8Array(0),
    sentDate: null,
    messageId: null,
    references: [],
    subject: "",
  });
});

Deno.test("long texts are cut between characters", () => {
  const { subject, to } = facts(
    `Subject: ${utf8("€".repeat(5_000))}\r\nTo: ${"a@b,".repeat(5_000)}\r\n\r\n`,
  );
  assert.equal(new TextEncoder().encode(subject).length, TEXT_BYTES_MAX - TEXT_BYTES_MAX % 3);
  assert.equal(to.length, TEXT_BYTES_MAX);
});

Deno.test("a header too long to store is null", () => {
  const long = (length: number) => facts(`X: ${"x".repeat(length)}\r\n\r\n`);
  assert.equal(long(HEADER_STORED_MAX - 7).header?.length, HEADER_STORED_MAX);
  assert.equal(long(HEADER_STORED_MAX - 6).header, null);
  assert.equal(withPrefix(long(HEADER_STORED_MAX - 7), new Uint8Array(1)).header, null);
});

Deno.test("withPrefix() is what parsing the longer message would give", () => {
  const prefix = lines("Delivered-To: bob@example.org", "Received: from a", "\tby b; now");
  for (let n = 0; n < 30; n++) {
    const text = shapedMessage(n);
    read(text);
    assert.deepEqual(withPrefix(facts(text), fromBinary(prefix)), facts(prefix + text));
  }
});

const ids: [text: string, expected: string[]][] = [
  ["", []],
  ["<a@b>", ["<a@b>"]],
  ["<a@b><c@d>", ["<a@b>", "<c@d>"]],
  ["text <a@b> (comment) <c@d>", ["<a@b>", "<c@d>"]],
  ["a@b", ["<a@b>"]],
  ["not an id", []],
  ['<"a"@b>', ["<a@b>"]],
  ["<a @ b>", ["<a@b>"]],
  ["<>", []],
  ["<a@b", []],
];

for (const [text, expected] of ids) {
  Deno.test(`message ids of ${JSON.stringify(text)}`, () =>
    assert.deepEqual(messageIds(text), expected));
}

Deno.test("of too many references the root and the nearest stay", () => {
  const all = Array.from({ length: 500 }, (_, n) => `<${n}@x>`);
  const { references } = facts(`References: ${all.join(" ")}\r\n\r\n`);
  assert.equal(references.length, 100);
  assert.equal(references[0], "<0@x>");
  assert.equal(references[1], "<401@x>");
  assert.equal(references.at(-1), "<499@x>");
});
