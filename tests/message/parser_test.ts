import assert from "node:assert/strict";
import { parseMessage } from "../../src/message/parser.ts";
import type { Part } from "../../src/message/part.ts";
import { fromBinary } from "../../src/lib/bytes.ts";
import { lines, parseInPieces, read, shape } from "./support/read.ts";

/** Body octets of a part, as a binary string. */
function bodyOf(text: string, headerBytes: number, part: Part | undefined): string {
  assert.ok(part);
  return text.slice(headerBytes + part.bodyStart, headerBytes + part.bodyEnd);
}

const TEXT = "Content-Type: text/plain";
const HTML = "Content-Type: text/html";
const MIXED = "Content-Type: multipart/mixed; boundary=b";

const shapes: [name: string, text: string, expected: string][] = [
  ["nothing at all", "", "text/plain"],
  ["only a line end", "\r\n", "text/plain"],
  ["only a body", "\r\nbody", "text/plain"],
  ["a header without an end", "Content-Type: text/html", "text/html"],
  [
    "LF only",
    "Content-Type: multipart/mixed; boundary=b\n\n--b\n\na\n--b--\n",
    "mixed(text/plain)",
  ],
  ["CR only is no line end", "Content-Type: text/html\rX: y\r\rbody", "text/html"],
  ["mbox From line first", lines("From a@b Mon Jan  1 00:00:00 2001", HTML, "", "x"), "text/html"],
  ["junk line in the header", lines("Subject: x", "what is this", HTML, "", "x"), "text/html"],
  ["space before the colon", lines("Content-Type : text/html", "", "x"), "text/html"],
  ["type in capitals", lines("CONTENT-TYPE: TEXT/HTML", "", ""), "text/html"],
  ["type with comments", lines("Content-Type: (a) text/html (b); charset=x", ""), "text/html"],
  ["type without subtype", lines("Content-Type: text", ""), "text/plain"],
  ["unknown type without subtype", lines("Content-Type: zip", ""), "application/octet-stream"],
  ["senseless type", lines("Content-Type: ???", ""), "text/plain"],
  ["two types: the first counts", lines(HTML, "Content-Type: image/png", ""), "text/html"],
  [
    "mixed",
    lines(MIXED, "", "--b", TEXT, "", "a", "--b", HTML, "", "b", "--b--"),
    "mixed(text/plain, text/html)",
  ],
  [
    "preamble and epilogue",
    lines(MIXED, "", "pre", "--b", TEXT, "", "a", "--b--", "epi", "--b", "x"),
    "mixed(text/plain)",
  ],
  [
    "missing boundary",
    lines("Content-Type: multipart/mixed", "", "--b", TEXT, "", "a"),
    "text/plain",
  ],
  [
    "empty boundary",
    lines('Content-Type: multipart/mixed; boundary=""', "", "--", "", "a"),
    "text/plain",
  ],
  ["boundary never seen", lines(MIXED, "", "text"), "mixed()"],
  ["closed at once", lines(MIXED, "", "--b--"), "mixed()"],
  ["unterminated", lines(MIXED, "", "--b", HTML, "", "a"), "mixed(text/html)"],
  [
    "ends in the part header",
    `${lines(MIXED, "", "--b")}Content-Type: image/gif`,
    "mixed(image/gif)",
  ],
  ["ends behind a delimiter", lines(MIXED, "", "--b"), "mixed(text/plain)"],
  ["ends in a delimiter", `${lines(MIXED, "", "--b", HTML, "", "a")}--b--`, "mixed(text/html)"],
  [
    "boundary with trailing blanks",
    lines(MIXED, "", "--b \t", HTML, "", "a", "--b-- "),
    "mixed(text/html)",
  ],
  [
    "quoted boundary with trailing blank",
    lines('Content-Type: multipart/mixed; boundary="b "', "", "--b", HTML, "", "--b--"),
    "mixed(text/html)",
  ],
  [
    "boundary with specials",
    lines(
      'Content-Type: multipart/mixed; boundary="=_(a:b)?/x y"',
      "",
      "--=_(a:b)?/x y",
      HTML,
      "",
      "--=_(a:b)?/x y--",
    ),
    "mixed(text/html)",
  ],
  [
    "RFC 2231 boundary",
    lines(
      "Content-Type: multipart/mixed; boundary*0=a; boundary*1=b",
      "",
      "--ab",
      HTML,
      "",
      "--ab--",
    ),
    "mixed(text/html)",
  ],
  [
    "CR CR LF line ends at delimiters",
    `${lines(MIXED, "")}--b\r\r\n${HTML}\r\n\r\na\r\n--b--\r\r\n`,
    "mixed(text/html)",
  ],
  [
    "boundary that begins another",
    lines(
      MIXED,
      "",
      "--b",
      "Content-Type: multipart/alternative; boundary=bb",
      "",
      "--bb",
      TEXT,
      "",
      "a",
      "--bb",
      HTML,
      "",
      "b",
      "--bb--",
      "--b",
      TEXT,
      "",
      "c",
      "--b--",
    ),
    "mixed(alternative(text/plain, text/html), text/plain)",
  ],
  [
    "inner boundary begins the outer",
    lines(
      "Content-Type: multipart/mixed; boundary=bb",
      "",
      "--bb",
      "Content-Type: multipart/alternative; boundary=b",
      "",
      "--b",
      TEXT,
      "",
      "--b--",
      "--bb",
      HTML,
      "",
      "--bb--",
    ),
    "mixed(alternative(text/plain), text/html)",
  ],
  [
    "same boundary nested",
    lines(
      MIXED,
      "",
      "--b",
      "Content-Type: multipart/alternative; boundary=b",
      "",
      "--b",
      TEXT,
      "",
      "a",
      "--b--",
      "--b",
      HTML,
      "",
      "--b--",
    ),
    "mixed(alternative(text/plain), text/html)",
  ],
  [
    "boundary named like an end",
    lines("Content-Type: multipart/mixed; boundary=b--", "", "--b--", HTML, "", "--b----"),
    "mixed(text/html)",
  ],
  [
    "inner never closed",
    lines(
      MIXED,
      "",
      "--b",
      "Content-Type: multipart/related; boundary=i",
      "",
      "--i",
      HTML,
      "",
      "x",
      "--b",
      TEXT,
      "",
      "y",
      "--b--",
    ),
    "mixed(related(text/html), text/plain)",
  ],
  [
    "outer closes inner",
    lines(
      MIXED,
      "",
      "--b",
      "Content-Type: multipart/related; boundary=i",
      "",
      "--i",
      HTML,
      "",
      "x",
      "--b--",
      "--i",
      TEXT,
    ),
    "mixed(related(text/html))",
  ],
  ["part without header", lines(MIXED, "", "--b", "", "a", "--b--"), "mixed(text/plain)"],
  [
    "part without blank line",
    lines(MIXED, "", "--b", HTML, "some text: no", "a", "--b", TEXT, "--b--"),
    "mixed(text/html, text/plain)",
  ],
  [
    "delimiter right after delimiter",
    lines(MIXED, "", "--b", "--b", "--b--"),
    "mixed(text/plain, text/plain)",
  ],
  [
    "digest",
    lines(
      "Content-Type: multipart/digest; boundary=b",
      "",
      "--b",
      "",
      "Subject: x",
      "",
      "y",
      "--b",
      HTML,
      "",
      "z",
      "--b--",
    ),
    "digest(message/rfc822[text/plain], text/html)",
  ],
  [
    "forwarded",
    lines(
      MIXED,
      "",
      "--b",
      "Content-Type: message/rfc822",
      "",
      "Subject: x",
      HTML,
      "",
      "y",
      "--b--",
    ),
    "mixed(message/rfc822[text/html])",
  ],
  [
    "forward of a forward",
    lines("Content-Type: message/rfc822", "", "Content-Type: message/rfc822", "", HTML, "", "x"),
    "message/rfc822[message/rfc822[text/html]]",
  ],
  [
    "forwarded multipart",
    lines("Content-Type: message/rfc822", "", MIXED, "", "--b", HTML, "", "--b--"),
    "message/rfc822[mixed(text/html)]",
  ],
  [
    "forwarded mbox file",
    lines(
      MIXED,
      "",
      "--b",
      "Content-Type: message/rfc822",
      "",
      "From a@b Mon Jan  1 00:00:00 2001",
      HTML,
      "",
      "--b--",
    ),
    "mixed(message/rfc822[text/html])",
  ],
  [
    "forward without blank line",
    lines(MIXED, "", "--b", "Content-Type: message/rfc822", "From x y", HTML, "", "--b--"),
    "mixed(message/rfc822[text/html])",
  ],
  [
    "forward without body",
    lines(MIXED, "", "--b", "Content-Type: message/rfc822", "", "Subject: x", "--b--"),
    "mixed(message/rfc822[text/plain])",
  ],
  [
    "forward without anything",
    lines(MIXED, "", "--b", "Content-Type: message/rfc822", "--b--"),
    "mixed(message/rfc822[text/plain])",
  ],
  [
    "encoded forward is opaque",
    lines("Content-Type: message/rfc822", "Content-Transfer-Encoding: base64", "", "U3ViamVjdDog"),
    "application/octet-stream",
  ],
  [
    "message/partial is a leaf",
    lines("Content-Type: message/partial; id=x", "", "Subject: x"),
    "message/partial",
  ],
  [
    "encoding of a multipart is ignored",
    lines(MIXED, "Content-Transfer-Encoding: base64", "", "--b", HTML, "", "--b--"),
    "mixed(text/html)",
  ],
  [
    "report",
    lines(
      "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
      "",
      "--b",
      "",
      "failed",
      "--b",
      "Content-Type: message/delivery-status",
      "",
      "Action: failed",
      "--b",
      "Content-Type: text/rfc822-headers",
      "",
      "Subject: x",
      "--b--",
    ),
    "report(text/plain, message/delivery-status, text/rfc822-headers)",
  ],
  [
    "signed",
    lines(
      'Content-Type: multipart/signed; micalg=pgp-sha1; protocol="application/pgp-signature"; boundary=s',
      "",
      "--s",
      MIXED,
      "",
      "--b",
      TEXT,
      "",
      "a",
      "--b--",
      "",
      "--s",
      'Content-Type: application/pgp-signature; name="signature.asc"',
      "",
      "-----BEGIN PGP SIGNATURE-----",
      "-----END PGP SIGNATURE-----",
      "--s--",
    ),
    "signed(mixed(text/plain), application/pgp-signature)",
  ],
  [
    "winmail.dat",
    lines(
      "Content-Type: multipart/mixed;",
      '\tboundary="----=_NextPart_000_0001_01D0.ABC"',
      "",
      "This is a multi-part message in MIME format.",
      "",
      "------=_NextPart_000_0001_01D0.ABC",
      "Content-Type: text/plain;",
      '\tcharset="us-ascii"',
      "Content-Transfer-Encoding: 7bit",
      "",
      "hi",
      "------=_NextPart_000_0001_01D0.ABC",
      "Content-Type: application/ms-tnef;",
      '\tname="winmail.dat"',
      "Content-Transfer-Encoding: base64",
      "Content-Disposition: attachment;",
      '\tfilename="winmail.dat"',
      "",
      "eJ8+IgAA",
      "------=_NextPart_000_0001_01D0.ABC--",
    ),
    "mixed(text/plain, application/ms-tnef)",
  ],
  [
    "iOS: alternative in mixed",
    lines(
      "Content-Type: multipart/alternative;",
      "\tboundary=Apple-Mail-1",
      "",
      "",
      "--Apple-Mail-1",
      "Content-Type: text/plain;",
      "\tcharset=utf-8",
      "Content-Transfer-Encoding: quoted-printable",
      "",
      "x=",
      "",
      "--Apple-Mail-1",
      "Content-Type: multipart/mixed;",
      "\tboundary=Apple-Mail-2",
      "",
      "",
      "--Apple-Mail-2",
      HTML,
      "",
      "x",
      "--Apple-Mail-2",
      "Content-Type: image/jpeg; name=IMG_1.JPG; x-apple-part-url=x",
      "Content-Transfer-Encoding: base64",
      "",
      "/9j/",
      "--Apple-Mail-2--",
      "",
      "--Apple-Mail-1--",
    ),
    "alternative(text/plain, mixed(text/html, image/jpeg))",
  ],
  [
    "alternative in related in mixed",
    lines(
      "Content-Type: multipart/mixed; boundary=m",
      "",
      "--m",
      "Content-Type: multipart/related; boundary=r",
      "",
      "--r",
      "Content-Type: multipart/alternative; boundary=a",
      "",
      "--a",
      TEXT,
      "",
      "--a",
      HTML,
      "",
      "--a--",
      "--r",
      "Content-Type: image/png",
      "",
      "--r--",
      "--m",
      "Content-Type: application/pdf",
      "",
      "--m--",
    ),
    "mixed(related(alternative(text/plain, text/html), image/png), application/pdf)",
  ],
  ["NUL everywhere", "Content-Type: text/html\0\0; a=\0b\r\n\0\r\n\r\n\0", "text/html"],
];

for (const [name, text, expected] of shapes) {
  Deno.test(`the tree of: ${name}`, () => assert.equal(shape(read(text).root), expected));
}

const bodies: [name: string, body: string, expected: [octets: string, lines: number][]][] = [
  ["line end belongs to the delimiter", "--b\r\n\r\nhello\r\n--b--\r\n", [["hello", 1]]],
  ["blank line before it stays", "--b\r\n\r\nhello\r\n\r\n--b--\r\n", [["hello\r\n", 1]]],
  ["two lines", "--b\r\n\r\na\r\nb\r\n--b--\r\n", [["a\r\nb", 2]]],
  ["LF", "--b\n\na\nb\n--b--\n", [["a\nb", 2]]],
  ["empty", "--b\r\n\r\n\r\n--b--\r\n", [["", 0]]],
  ["emptier", "--b\r\n\r\n--b--\r\n", [["", 0]]],
  ["no header, no body", "--b\r\n--b--\r\n", [["", 0]]],
  ["unterminated", "--b\r\n\r\na\r\nb", [["a\r\nb", 2]]],
  ["unterminated with line end", "--b\r\n\r\na\r\nb\r\n", [["a\r\nb\r\n", 2]]],
  ["delimiter at the end of all", "--b\r\n\r\na\r\n--b--", [["a", 1]]],
  ["dashes are text", "--b\r\n\r\n-- \r\n--bx\r\n--\r\n--b--", [["-- \r\n--bx\r\n--", 3]]],
  ["no blank line", "--b\r\nhello you\r\nb: c\r\n--b--", [["hello you\r\nb: c", 2]]],
  ["folded first line", "--b\r\n hello\r\n--b--", [[" hello", 1]]],
  ["long delimiter-like line", `--b\r\n\r\n--b${"-".repeat(2_000)}\r\n--b--`, [[
    `--b${"-".repeat(2_000)}`,
    1,
  ]]],
];

for (const [name, body, expected] of bodies) {
  Deno.test(`octets and lines of a part: ${name}`, () => {
    const text = `Content-Type: multipart/mixed; boundary=b\r\n\r\n${body}`;
    const { root, headerBytes } = read(text);
    const found = root.children.map((part) => [bodyOf(text, headerBytes, part), part.lines]);
    assert.deepEqual(found, expected);
  });
}

Deno.test("an embedded message ends where its part ends", () => {
  const inner = lines("Subject: x", "", "one", "two");
  const text = `${
    lines(MIXED, "", "--b", "Content-Type: message/rfc822", "")
  }${inner}\r\n--b--\r\n`;
  const { root, headerBytes } = read(text);
  const part = root.children[0];
  assert.equal(bodyOf(text, headerBytes, part), inner);
  assert.equal(part?.lines, 4);
  assert.equal(bodyOf(text, headerBytes, part?.message?.body), "one\r\ntwo\r\n");
  assert.equal(part?.message?.body.lines, 2);
  assert.equal(part?.message?.envelope.subject, "x");
});

Deno.test("the header block includes its blank line", () => {
  for (
    const [text, expected] of [
      ["A: b\r\n\r\nx", 8],
      ["A: b\n\nx", 6],
      ["A: b\r\n\nx", 7],
      ["\r\nx", 2],
      ["\nx", 1],
      ["A: b\r\n \r\n\r\nx", 11], // a line of blanks is a fold
      ["A: b\r\n", 6],
      ["A: b", 4],
      ["", 0],
    ] as const
  ) {
    assert.equal(read(text).headerBytes, expected, JSON.stringify(text));
  }
});

Deno.test("the descriptive fields", () => {
  const { root } = read(lines(
    "Content-Type: image/png; name=a.png",
    "Content-ID: <id@x>",
    "Content-Description: a picture",
    "Content-Transfer-Encoding: BASE64 (comment)",
    "Content-MD5: Q2hlY2s=",
    "Content-Disposition: Attachment; filename=b.png; size=12",
    "Content-Language: en, de-DE (German)",
    "Content-Location: http://example.com/",
    "\ta.png",
    "",
    "x",
  ));
  assert.deepEqual({ ...root, headerStart: 0, bodyStart: 0, bodyEnd: 0 }, {
    type: "image",
    subtype: "png",
    parameters: [["name", "a.png"]],
    id: "<id@x>",
    description: "a picture",
    encoding: "base64",
    md5: "Q2hlY2s=",
    disposition: { type: "attachment", parameters: [["filename", "b.png"], ["size", "12"]] },
    language: ["en", "de-DE"],
    location: "http://example.com/a.png",
    headerStart: 0,
    bodyStart: 0,
    bodyEnd: 0,
    lines: 1,
    children: [],
    message: null,
  });
});

Deno.test("pieces around the size of the parser's own slices change nothing", () => {
  const part = lines("--b", "Content-Type: text/plain; name=x", "", "y".repeat(700), "z");
  const text = lines(MIXED, "") + part.repeat(400) + lines("--b--", "epilogue".repeat(20_000));
  const bytes = fromBinary(text);
  const whole = parseMessage(bytes);
  assert.equal(whole.root.children.length, 400);
  assert.ok(whole.root.children.every(({ lines }) => lines === 2));
  for (const size of [7, 1_000, 65_535, 65_536, 65_537, 131_071]) {
    assert.deepEqual(parseInPieces(bytes, () => size).root, whole.root);
  }
});

Deno.test("a Buffer that is reused after the push changes nothing", () => {
  const bytes = fromBinary(lines("Subject: kept", "Content-Type: text/html", "", "x"));
  const parsed = parseMessage(bytes);
  bytes.fill(0);
  assert.equal(parsed.fields.get("subject"), "kept");
  assert.equal(String.fromCharCode(...parsed.header.subarray(0, 8)), "Subject:");
});
