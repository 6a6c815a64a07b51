import assert from "node:assert/strict";
import { atOnce } from "../../src/lib/steps.ts";
import { fromBinary } from "../../src/lib/bytes.ts";
import { messageFacts, withPrefix } from "../../src/message/facts.ts";
import { parseMessage } from "../../src/message/parser.ts";
import { locateSection, type Section } from "../../src/message/section.ts";
import { preview, searchableText } from "../../src/message/text.ts";
import { checkInvariants, parseInPieces, random } from "../message/support/read.ts";
import { shapedMessage } from "../support/mail.ts";

/** Any octets: valid structures, the same in any pieces, and nothing thrown. */
export const target = { name: "message", run };

const WORDS = [
  ..."\r\n \t:;,<>()@\"\\=?-_%*'[]{}.\0",
  "\r\n",
  "\r\n\r\n",
  "\n\n",
  "--b",
  "--b--",
  "--bb",
  "--",
  "\r\n--b\r\n",
  "\r\n--b--\r\n",
  "From ",
  "From: ",
  "To: ",
  "Sender: ",
  "Subject: ",
  "Date: ",
  "Message-ID: <a@b>",
  "References: ",
  "Content-Type: ",
  "Content-Type: multipart/mixed; boundary=b\r\n\r\n",
  "Content-Type: multipart/digest; boundary=bb\r\n\r\n",
  'Content-Type: multipart/alternative; boundary="b "\r\n',
  "Content-Type: message/rfc822\r\n\r\n",
  "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n",
  "Content-Type: text/html; charset=",
  "Content-Disposition: attachment; filename*0*=utf-8''a%",
  "; filename*1=",
  "; name*=",
  "Content-Transfer-Encoding: quoted-printable\r\n",
  "Content-Transfer-Encoding: base64\r\n",
  "Content-ID: ",
  "Content-Language: en, ",
  "Content-Location: ",
  "=?utf-8?B?w6Q=?=",
  "=?iso-2022-jp?B?GyRC?=",
  "=?utf-8?Q?=C3?= =?utf-8?Q?=A4?=",
  "=?",
  "?=",
  "group: a@b, c@d;",
  '"quoted" <x@y>',
  "Mon, 2 Jan 2006 15:04:05 -0700",
  "\xc3\xa4",
  "\xff",
  "<p>text</p>",
  "<!--",
  "<a href='",
  "&#x41;",
  "Re: [x] ",
  "(fwd)",
  '\x1b$B$"',
  "+AOQ-",
  "utf-7",
  "gb18030",
  "utf-16",
  "A".repeat(996),
  " ".repeat(997),
  `--b${" ".repeat(995)}`,
] as const;

async function run(seed: number, untilMs: number): Promise<number> {
  const chance = random(seed);
  let tried = 0;
  do {
    const bytes = fromBinary(input(chance));
    try {
      check(bytes, chance);
    } catch (cause) {
      const shown = JSON.stringify(String.fromCharCode(...bytes.subarray(0, 4_000)));
      throw new Error(`Seed ${seed}, input ${tried}: ${shown}`, { cause });
    }
    tried++;
    if (tried % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  } while (Date.now() < untilMs);
  return tried;
}

function input(chance: () => number): string {
  const kind = chance();
  if (kind < 0.005) { // around the size of the parser's own slices
    const long = "x".repeat(65_500 + Math.floor(chance() * 50));
    return words(chance, 20) + long + words(chance, 20);
  }
  if (kind < 0.6) return words(chance, 1 + Math.floor(chance() * 80));
  if (kind < 0.9) return damaged(chance);
  const length = Math.floor(chance() * 400);
  return Array.from({ length }, () => String.fromCharCode(Math.floor(chance() * 256))).join("");
}

function words(chance: () => number, count: number): string {
  let text = "";
  for (let n = 0; n < count; n++) text += WORDS[Math.floor(chance() * WORDS.length)] ?? "";
  return text;
}

/** A real shape with octets lost, doubled and replaced. */
function damaged(chance: () => number): string {
  let text = shapedMessage(Math.floor(chance() * 60));
  for (let n = Math.floor(chance() * 8); n > 0; n--) {
    const at = Math.floor(chance() * text.length);
    const length = Math.floor(chance() * 30);
    const how = chance();
    if (how < 0.4) text = text.slice(0, at) + text.slice(at + length);
    else if (how < 0.6) text = text.slice(0, at) + text.slice(at, at + length) + text.slice(at);
    else text = text.slice(0, at) + words(chance, 1) + text.slice(at);
  }
  return text;
}

const TEXTS = [null, "HEADER", "HEADER.FIELDS", "HEADER.FIELDS.NOT", "TEXT", "MIME"] as const;

function check(bytes: Uint8Array, chance: () => number): void {
  const parsed = parseMessage(bytes);
  const facts = checkInvariants(parsed, bytes);
  const longest = bytes.length > 20_000 ? 5_000 : chance() < 0.5 ? 4 : 60;
  const pieces = parseInPieces(bytes, () => 1 + Math.floor(chance() * longest));
  assert.deepEqual(pieces.root, parsed.root);
  assert.equal(pieces.headerBytes, parsed.headerBytes);

  const body = bytes.subarray(parsed.headerBytes);
  const reader = (start: number, end: number) => body.subarray(start, end);
  const limitBytes = Math.floor(chance() * 500);
  const found = atOnce(searchableText(parsed.root, reader, { limitBytes }));
  assert.ok(new TextEncoder().encode(found).length <= limitBytes);
  assert.ok(!found.includes("\0") && found.isWellFormed());
  assert.ok([...preview(parsed.root, reader)].length <= 200);

  const section: Section = {
    path: Array.from({ length: Math.floor(chance() * 4) }, () => 1 + Math.floor(chance() * 3)),
    text: TEXTS[Math.floor(chance() * TEXTS.length)] ?? null,
    fields: ["Subject", "content-type"],
  };
  const located = locateSection(parsed.root, section, parsed.headerBytes, parsed.sizeBytes);
  if (located) {
    assert.ok(0 <= located.start && located.start <= located.end && located.end <= bytes.length);
    const octets = bytes.subarray(located.start, located.end);
    if (located.filter) assert.ok(atOnce(located.filter(octets)).length <= octets.length);
  }
  // Trace fields in front change nothing but lengths, unless they swallow a fold.
  if (bytes[0] === 0x20 || bytes[0] === 0x09) return;
  const prefix = fromBinary("Delivered-To: x@y\r\nReceived: from a by b;\r\n\tnow\r\n");
  const stored = parseMessage(new Uint8Array([...prefix, ...bytes]));
  assert.deepEqual(messageFacts(stored), withPrefix(facts, prefix));
}
