import assert from "node:assert/strict";
import { atOnce } from "../../src/lib/steps.ts";
import { fromBinary } from "../../src/lib/bytes.ts";
import { messageFacts } from "../../src/message/facts.ts";
import {
  HEADER_BYTES_MAX,
  type ParsedMessage,
  parseMessage,
  PART_DEPTH_MAX,
  PARTS_MAX,
} from "../../src/message/parser.ts";
import type { Part } from "../../src/message/part.ts";
import { searchableText } from "../../src/message/text.ts";
import { checkInvariants, lines, parseInPieces } from "./support/read.ts";

/** Parses, checks what always holds, and reads every text: nothing may throw or run away. */
function survive(text: string): ParsedMessage {
  const bytes = fromBinary(text);
  const parsed = parseMessage(bytes);
  checkInvariants(parsed, bytes);
  const body = bytes.subarray(parsed.headerBytes);
  atOnce(
    searchableText(parsed.root, (start, end) => body.subarray(start, end), { limitBytes: 100_000 }),
  );
  return parsed;
}

function count(part: Part): number {
  let parts = 1;
  for (const child of part.children) parts += count(child);
  return part.message ? parts + count(part.message.body) : parts;
}

function depth(part: Part): number {
  const inner = part.message ? [part.message.body, ...part.children] : part.children;
  return 1 + Math.max(0, ...inner.map(depth));
}

Deno.test("a million empty parts: the cap holds, the rest is text of the last one", () => {
  const text = `Content-Type: multipart/mixed; boundary=b\r\n\r\n${
    "--b\r\n".repeat(1_000_000)
  }--b--\r\n`;
  const { root } = survive(text);
  assert.equal(count(root), PARTS_MAX);
  assert.equal(root.children.at(-1)?.bodyEnd, root.bodyEnd - "\r\n--b--\r\n".length);
});

Deno.test("multiparts 10,000 deep are opaque below the cap", () => {
  let text = "";
  for (let n = 0; n < 10_000; n++) {
    text += `Content-Type: multipart/mixed; boundary=b${n}\r\n\r\n--b${n}\r\n`;
  }
  const { root } = survive(text);
  assert.equal(depth(root), PART_DEPTH_MAX);
});

Deno.test("messages in messages 10,000 deep are opaque below the cap", () => {
  const { root } = survive("Content-Type: message/rfc822\r\n\r\n".repeat(10_000));
  assert.equal(depth(root), PART_DEPTH_MAX);
});

Deno.test("a digest of messages keeps to the cap", () => {
  const text = `Content-Type: multipart/digest; boundary=b\r\n\r\n${
    "--b\r\n\r\nSubject: x\r\n\r\n".repeat(20_000)
  }`;
  assert.equal(count(survive(text).root), PARTS_MAX);
});

Deno.test("a hundred open boundaries cost one lookup per line", () => {
  let text = "";
  const long = "a".repeat(60);
  for (let n = 0; n < 99; n++) {
    text += `Content-Type: multipart/mixed; boundary=${long}${n}\r\n\r\n--${long}${n}\r\n`;
  }
  survive(text + `\r\n\r\n${`--${long}xx\r\n`.repeat(100_000)}`);
});

Deno.test("a header longer than the cap: its length is right, its beginning is read", () => {
  const filler = "X-Filler: ".padEnd(998, "x") + "\r\n";
  const count = Math.ceil(HEADER_BYTES_MAX / filler.length) + 5;
  const text = `Subject: first\r\n${filler.repeat(count)}To: late@example.org\r\n\r\nbody`;
  const bytes = fromBinary(text);
  const parsed = survive(text);
  assert.equal(parsed.headerBytes, bytes.length - 4);
  assert.equal(parsed.header.length, HEADER_BYTES_MAX);
  assert.equal(parsed.fields.get("subject"), "first");
  assert.equal(parsed.fields.get("to"), undefined);
  assert.equal(messageFacts(parsed).header, null);
  const pieces = parseInPieces(bytes, () => 65_537);
  assert.deepEqual(pieces.root, parsed.root);
});

const floods: [name: string, text: string][] = [
  ["fields", "a:\n".repeat(1_000_000)],
  ["one endless field", `Subject: ${"x".repeat(5_000_000)}`],
  ["folds", `Subject: ${"x\r\n ".repeat(300_000)}`],
  ["blank folds", `Subject: x${"\r\n ".repeat(300_000)}`],
  ["addresses", `To: ${"a@b,".repeat(100_000)}`],
  ["To fields", "To: a@b\r\n".repeat(100_000)],
  ["nested comments in an address", `To: ${"(".repeat(500_000)}`],
  ["closed nested comments", `To: ${"(".repeat(250_000)}${")".repeat(250_000)}a@b`],
  ["open quotes", `To: ${'"a '.repeat(200_000)}`],
  ["escaped quotes", `To: "${'\\"'.repeat(200_000)}`],
  ["open angles", `To: ${"<".repeat(500_000)}`],
  ["groups", `To: ${"a:".repeat(200_000)}`],
  ["nested groups", `To: ${"g:a@b,".repeat(100_000)}${";".repeat(100_000)}`],
  ["at signs", `From: ${"@".repeat(500_000)}`],
  ["brackets", `From: ${"a@[".repeat(200_000)}`],
  ["words without a comma", `From: ${"word ".repeat(200_000)}`],
  ["routes", `From: <${"@a,".repeat(200_000)}:b@c>`],
  ["encoded words", `Subject: ${"=?utf-8?Q?=C3?= ".repeat(60_000)}`],
  ["half encoded words", `Subject: ${"=?utf-8?Q?a".repeat(90_000)}`],
  ["openings of encoded words", `Subject: ${"=?".repeat(400_000)}`],
  ["charsets of encoded words", `Subject: ${"=?utf-8".repeat(100_000)}?=`],
  ["parameters", `Content-Type: text/plain${"; a=b".repeat(200_000)}`],
  [
    "continuations",
    `Content-Type: text/plain${
      Array.from({ length: 100_000 }, (_, n) => `; n*${n}*=%41`).join("")
    }`,
  ],
  [
    "continuations with gaps",
    `Content-Type: text/plain${
      Array.from({ length: 100_000 }, (_, n) => `; n*${n * 3}=a`).join("")
    }`,
  ],
  [
    "distinct parameters",
    `Content-Type: text/plain${Array.from({ length: 100_000 }, (_, n) => `; n${n}=a`).join("")}`,
  ],
  ["semicolons", `Content-Type: text/plain${";".repeat(800_000)}`],
  ["spaces in parameters", `Content-Type: text/plain; a${" ".repeat(500_000)}; b=c`],
  ["open quotes in parameters", `Content-Type: text/plain${'; a="b\\'.repeat(100_000)}`],
  ["comments in the type", `Content-Type: ${"(".repeat(500_000)}text/html`],
  ["references", `References: ${"<a@b> ".repeat(150_000)}`],
  ["open references", `References: ${"<".repeat(500_000)}`],
  ["Re:", `Subject: ${"Re: ".repeat(200_000)}`],
  ["subject blobs", `Subject: ${"[x] ".repeat(200_000)}`],
  ["(fwd)", `Subject: x ${"(fwd)".repeat(100_000)}`],
  ["[fwd:", `Subject: ${"[fwd:".repeat(100_000)}x${"]".repeat(100_000)}`],
  ["re [", `Subject: ${"re [".repeat(100_000)}`],
  ["date words", `Date: ${"Mon ".repeat(100_000)}`],
  ["date comments", `Date: ${"(".repeat(100_000)}`],
  ["languages", `Content-Language: ${"en,".repeat(200_000)}`],
  ["tags", `Content-Type: text/html\r\n\r\n${"<div>".repeat(300_000)}`],
  ["open tags", `Content-Type: text/html\r\n\r\n${"<a ".repeat(300_000)}`],
  ["open attributes", `Content-Type: text/html\r\n\r\n${'<a href="'.repeat(100_000)}`],
  ["open comments", `Content-Type: text/html\r\n\r\n${"<!--".repeat(300_000)}`],
  ["open scripts", `Content-Type: text/html\r\n\r\n${"<script>".repeat(100_000)}`],
  ["ampersands", `Content-Type: text/html\r\n\r\n${"&".repeat(900_000)}`],
  ["blanks", `Content-Type: text/html\r\n\r\n${" ".repeat(900_000)}x`],
  [
    "quoted-printable blanks",
    `Content-Transfer-Encoding: quoted-printable\r\n\r\n${"= ".repeat(400_000)}`,
  ],
  ["one long line", `\r\n${"x".repeat(3_000_000)}`],
  ["dashes", `Content-Type: multipart/mixed; boundary=b\r\n\r\n${"-".repeat(3_000_000)}`],
];

for (const [name, text] of floods) {
  Deno.test(`a flood of ${name} is survived`, () => void survive(text));
}

Deno.test("names from JavaScript's own objects are only names", () => {
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
  const text = lines(
    ...names.map((name) => `${name}: x`),
    `Content-Type: text/plain${names.map((name) => `; ${name}=y`).join("")}; charset=__proto__`,
    "Subject: =?constructor?Q?z?=",
    "",
    "&toString; &__proto__;",
  );
  const { fields, root } = survive(text);
  assert.equal(fields.get("__proto__"), "x");
  assert.equal(fields.get("valueOf"), undefined);
  assert.deepEqual(root.parameters.slice(0, 2), [["__proto__", "y"], ["constructor", "y"]]);
  assert.equal(fields.decoded("subject"), "z");
});
