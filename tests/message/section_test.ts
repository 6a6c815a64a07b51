import assert from "node:assert/strict";
import { fromBinary } from "../../src/lib/bytes.ts";
import { messageFacts, withPrefix } from "../../src/message/facts.ts";
import { parseMessage } from "../../src/message/parser.ts";
import { locateSection, type Section } from "../../src/message/section.ts";
import { decodeStructure } from "../../src/message/structure_codec.ts";
import { lines, section } from "./support/read.ts";

/** `2.1.MIME` as a path and a text. */
function spec(name: string, fields: string[] = []): Section {
  const [, numbers = "", text] = /^((?:\d+\.?)*)([A-Z.]*)$/.exec(name) ?? [];
  const path = numbers.split(".").filter((n) => n !== "").map(Number);
  return { path, text: text === "" ? null : text as Section["text"], fields };
}

// The tree of RFC 3501 §6.4.5, part by part.
const PART_1 = "part one";
const INNER_3 = lines(
  "Subject: inner",
  "Content-Type: multipart/mixed; boundary=i",
  "",
  "--i",
  "Content-Type: text/plain",
  "",
  "3.1",
  "--i",
  "Content-Type: application/octet-stream",
  "",
  "3.2",
  "--i--",
);
const INNER_42 = lines(
  "Subject: deep",
  "Content-Type: multipart/mixed; boundary=d",
  "",
  "--d",
  "",
  "4.2.1",
  "--d",
  "Content-Type: multipart/alternative; boundary=a",
  "",
  "--a",
  "",
  "4.2.2.1",
  "--a",
  "Content-Type: text/richtext",
  "",
  "4.2.2.2",
  "--a--",
  "--d--",
);
const HEADER = lines("Subject: outer", "Content-Type: multipart/mixed; boundary=o", "");
const BODY = lines(
  "preamble",
  "--o",
  "X-One: 1",
  "",
  PART_1,
  "--o",
  "Content-Type: application/octet-stream",
  "",
  "part two",
  "--o",
  "Content-Type: message/rfc822",
  "",
) +
  INNER_3 +
  lines(
    "",
    "--o",
    "Content-Type: multipart/mixed; boundary=m",
    "",
    "--m",
    "Content-Type: image/gif",
    "",
    "4.1",
    "--m",
    "Content-Type: message/rfc822",
    "",
  ) +
  INNER_42 + lines("", "--m--", "--o--");
const TREE = HEADER + BODY;

const cases: [name: string, expected: string | null][] = [
  ["", TREE],
  ["HEADER", HEADER],
  ["TEXT", BODY],
  ["MIME", null],
  ["1", PART_1],
  ["1.MIME", lines("X-One: 1", "")],
  ["1.HEADER", null],
  ["1.TEXT", null],
  ["1.1", null],
  ["2", "part two"],
  ["3", INNER_3],
  ["3.MIME", lines("Content-Type: message/rfc822", "")],
  ["3.HEADER", lines("Subject: inner", "Content-Type: multipart/mixed; boundary=i", "")],
  ["3.TEXT", INNER_3.slice(INNER_3.indexOf("--i"))],
  ["3.1", "3.1"],
  ["3.1.MIME", lines("Content-Type: text/plain", "")],
  ["3.2", "3.2"],
  ["3.3", null],
  ["4.1", "4.1"],
  ["4.1.MIME", lines("Content-Type: image/gif", "")],
  ["4.HEADER", null],
  ["4.2", INNER_42],
  ["4.2.HEADER", lines("Subject: deep", "Content-Type: multipart/mixed; boundary=d", "")],
  ["4.2.TEXT", INNER_42.slice(INNER_42.indexOf("--d"))],
  ["4.2.1", "4.2.1"],
  ["4.2.2.1", "4.2.2.1"],
  ["4.2.2.2", "4.2.2.2"],
  ["4.2.2.2.1", null],
  ["4.2.2.3", null],
  ["5", null],
  ["0", null],
  ["99999999", null],
];

for (const [name, expected] of cases) {
  Deno.test(`BODY[${name}] of the tree of RFC 3501`, () => {
    assert.equal(section(TREE, spec(name)), expected);
  });
}

const small: [text: string, name: string, expected: string | null][] = [
  [lines("Subject: x", "", "body"), "1", "body\r\n"],
  [lines("Subject: x", "", "body"), "1.MIME", lines("Subject: x", "")],
  [lines("Subject: x", "", "body"), "2", null],
  [lines("Subject: x", "", "body"), "1.1", null],
  [lines("Subject: x"), "1", ""],
  [lines("Subject: x"), "TEXT", ""],
  ["", "", ""],
  ["", "HEADER", ""],
  ["", "1", ""],
  // a message that is a message: part 1 is the message/rfc822 itself
  [
    lines("Content-Type: message/rfc822", "", "Subject: y", "", "z"),
    "1",
    lines("Subject: y", "", "z"),
  ],
  [
    lines("Content-Type: message/rfc822", "", "Subject: y", "", "z"),
    "1.HEADER",
    lines("Subject: y", ""),
  ],
  [lines("Content-Type: message/rfc822", "", "Subject: y", "", "z"), "1.1", "z\r\n"],
  [
    lines("Content-Type: message/rfc822", "", "Subject: y", "", "z"),
    "1.1.MIME",
    lines("Subject: y", ""),
  ],
  [lines("Content-Type: message/rfc822", "", "Subject: y", "", "z"), "1.1.1", null],
  // what BODYSTRUCTURE shows of a multipart without parts can be fetched
  [lines("Content-Type: multipart/mixed; boundary=b", "", "text"), "1", ""],
  [lines("Content-Type: multipart/mixed; boundary=b", "", "text"), "1.MIME", ""],
  [lines("Content-Type: multipart/mixed; boundary=b", "", "text"), "2", null],
];

for (const [text, name, expected] of small) {
  Deno.test(`BODY[${name}] of ${JSON.stringify(text)}`, () => {
    assert.equal(section(text, spec(name)), expected);
  });
}

const FIELDS = "From mbox 00:00\r\nSubject: a\r\n folded\r\nTO : b\r\njunk\r\nTo: c\nX: d\r\n";

const filtered: [header: string, name: string, fields: string[], expected: string][] = [
  [`${FIELDS}\r\n`, "HEADER.FIELDS", ["to"], "TO : b\r\nTo: c\n\r\n"],
  [`${FIELDS}\r\n`, "HEADER.FIELDS", ["SUBJECT", "x"], "Subject: a\r\n folded\r\nX: d\r\n\r\n"],
  [`${FIELDS}\r\n`, "HEADER.FIELDS", ["none"], "\r\n"],
  [`${FIELDS}\r\n`, "HEADER.FIELDS", [], "\r\n"],
  [
    `${FIELDS}\r\n`,
    "HEADER.FIELDS.NOT",
    ["to", "subject"],
    "From mbox 00:00\r\njunk\r\nX: d\r\n\r\n",
  ],
  [`${FIELDS}\r\n`, "HEADER.FIELDS.NOT", [], `${FIELDS}\r\n`],
  [FIELDS, "HEADER.FIELDS", ["x"], "X: d\r\n"], // RFC 3501 §6.4.5: no blank line, none added
  [`${FIELDS}\n`, "HEADER.FIELDS", ["x"], "X: d\r\n\n"],
  [`${FIELDS}Y: z`, "HEADER.FIELDS", ["y"], "Y: z"],
  ["", "HEADER.FIELDS", ["y"], ""],
  ["\r\n", "HEADER.FIELDS", ["y"], "\r\n"],
];

for (const [header, name, fields, expected] of filtered) {
  Deno.test(`${name} (${fields}) of ${JSON.stringify(header)}`, () => {
    assert.equal(section(header, spec(name, fields)), expected);
  });
}

Deno.test("HEADER.FIELDS of an embedded message", () => {
  assert.equal(section(TREE, spec("3.HEADER.FIELDS", ["subject"])), "Subject: inner\r\n\r\n");
  assert.equal(section(TREE, spec("1.HEADER.FIELDS", ["subject"])), null);
});

Deno.test("stored structures locate sections behind trace fields", () => {
  const prefix = fromBinary(lines("Delivered-To: a@b"));
  const facts = withPrefix(messageFacts(parseMessage(fromBinary(TREE))), prefix);
  const stored = lines("Delivered-To: a@b") + TREE;
  for (const [name, expected] of cases) {
    const found = locateSection(
      decodeStructure(facts.structure),
      spec(name),
      facts.headerBytes,
      facts.sizeBytes,
    );
    const octets = found && stored.slice(found.start, found.end);
    const traced = name === "" || name === "HEADER"
      ? `${lines("Delivered-To: a@b")}${expected}`
      : expected;
    assert.equal(octets, traced, name);
  }
});
