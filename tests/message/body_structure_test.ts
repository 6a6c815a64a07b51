import assert from "node:assert/strict";
import { renderBody, renderBodyStructure } from "../../src/message/body_structure.ts";
import { decodeStructure } from "../../src/message/structure_codec.ts";
import { BodyGrammar } from "./support/body_grammar.ts";
import { lines, read, utf8 } from "./support/read.ts";

const PLAIN = '"TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT"';
const NONE = "NIL NIL NIL NIL";

const cases: [name: string, text: string, expected: string][] = [
  ["nothing", "", `(${PLAIN} 0 0 ${NONE})`],
  [
    "RFC 3501 §7.4.2",
    lines("Content-Type: TEXT/PLAIN; CHARSET=US-ASCII", "", "a", "b"),
    `(${PLAIN} 6 2 ${NONE})`,
  ],
  ["no type", lines("Subject: x", "", "a"), `(${PLAIN} 3 1 ${NONE})`],
  [
    "all fields",
    lines(
      'Content-Type: image/png; name="a b.png"',
      "Content-ID: <i>",
      "Content-Description: d",
      "Content-Transfer-Encoding: base64",
      "Content-MD5: m",
      "Content-Disposition: inline; filename=f",
      "Content-Language: en, de",
      "Content-Location: l",
      "",
      "x",
    ),
    '("IMAGE" "PNG" ("NAME" "a b.png") "<i>" "d" "BASE64" 3 "m" ("INLINE" ("FILENAME" "f")) ("en" "de") "l")',
  ],
  [
    "disposition without parameters",
    lines("Content-Disposition: attachment", "", ""),
    `(${PLAIN} 2 1 NIL ("ATTACHMENT" NIL) NIL NIL)`,
  ],
  [
    "multipart",
    lines(
      "Content-Type: multipart/mixed; boundary=b",
      "",
      "--b",
      "",
      "a",
      "--b",
      "Content-Type: text/html",
      "",
      "b",
      "--b--",
    ),
    `((${PLAIN} 1 1 ${NONE})("TEXT" "HTML" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 1 1 ${NONE}) "MIXED" ("BOUNDARY" "b") NIL NIL NIL)`,
  ],
  [
    "multipart without parts",
    lines("Content-Type: multipart/mixed; boundary=b", "", "x"),
    `((${PLAIN} 0 0 ${NONE}) "MIXED" ("BOUNDARY" "b") NIL NIL NIL)`,
  ],
  [
    "message/rfc822",
    lines("Content-Type: message/rfc822", "", "Subject: s", "", "x"),
    `("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 17 (NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL) (${PLAIN} 3 1 ${NONE}) 3 ${NONE})`,
  ],
  [
    "file name in UTF-8",
    lines("Content-Type: a/b; name*=utf-8''%E2%82%AC%20.pdf", "", ""),
    `("A" "B" ("NAME*" "utf-8''%E2%82%AC%20.pdf") NIL NIL "7BIT" 2 ${NONE})`,
  ],
  [
    "file name in raw UTF-8",
    lines(`Content-Type: a/b; name="${utf8("ä")}"`, "", ""),
    `("A" "B" ("NAME*" "utf-8''%C3%A4") NIL NIL "7BIT" 2 ${NONE})`,
  ],
  [
    "file name in encoded words",
    lines('Content-Type: a/b; name="=?utf-8?Q?=C3=A4?="', "", ""),
    `("A" "B" ("NAME" "=?utf-8?Q?=C3=A4?=") NIL NIL "7BIT" 2 ${NONE})`,
  ],
  [
    "description in raw latin1",
    lines("Content-Description: \xe4", "", ""),
    `("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL "=?UTF-8?B?w6Q=?=" "7BIT" 2 1 ${NONE})`,
  ],
  [
    "odd parameter names",
    lines(`Content-Type: a/b; ${utf8("ä")}=x; "q"=y`, "", ""),
    `("A" "B" ("%C3%A4" "x") NIL NIL "7BIT" 2 ${NONE})`,
  ],
];

for (const [name, text, expected] of cases) {
  Deno.test(`the structure of ${name}`, () => {
    const { root } = read(text);
    assert.equal(renderBodyStructure(root), expected);
  });
}

const fields: [field: string, expected: string][] = [
  ["Content-Transfer-Encoding: 8BIT;", '"8BIT"'],
  ['Content-Transfer-Encoding: "base64"', '"BASE64"'],
  ["Content-Transfer-Encoding: (none)", '"7BIT"'],
  ["Content-Transfer-Encoding:", '"7BIT"'],
  ["Content-Transfer-Encoding: 7-bit ascii", '"7BIT"'],
  ["Content-Disposition: ; filename=x", '("ATTACHMENT" ("FILENAME" "x"))'],
  ["Content-Disposition:", "7BIT"],
  ["Content-Language: , en ,,", '("en")'],
  ["Content-Language: \xe4", '("=?UTF-8?B?w6Q=?=")'],
  ['Content-Type: a/b; x="(\\")"', '("X" "(\\")")'],
];

for (const [field, expected] of fields) {
  Deno.test(`the structure with ${JSON.stringify(field)}`, () => {
    const rendered = renderBodyStructure(read(lines(field, "", "x")).root);
    assert.ok(rendered.includes(expected), rendered);
  });
}

Deno.test("what is no structure is not decoded", () => {
  for (const text of ["", "{}", "[]", "null", "1"]) {
    assert.throws(() => decodeStructure(text), SyntaxError, text);
  }
});

Deno.test("BODY has no extension data, at any level", () => {
  const { root } = read(lines(
    "Content-Type: multipart/mixed; boundary=b",
    "",
    "--b",
    "Content-Type: message/rfc822",
    "Content-Disposition: attachment",
    "",
    "Subject: s",
    "",
    "x",
    "--b--",
  ));
  assert.equal(
    renderBody(root),
    '(("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 15 (NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL) ' +
      `(${PLAIN} 1 1) 3) "MIXED")`,
  );
});

Deno.test("the grammar checker is strict", () => {
  const good = `((${PLAIN} 0 0) "MIXED")`;
  BodyGrammar.checkBody(good, { extended: false });
  for (
    const bad of [
      "",
      "()",
      '("MIXED")',
      `(${PLAIN} 0)`,
      `(${PLAIN} 0 0 NIL)`,
      `( (${PLAIN} 0 0) "MIXED")`,
      `((${PLAIN} 0 0)  "MIXED")`,
      `((${PLAIN} 0 0) MIXED)`,
      `((${PLAIN} 0 0) "MIXED") `,
      good.replace("PLAIN", 'PL"AIN'),
      good.replace("PLAIN", "PL\rAIN"),
      good.replace("PLAIN", "PL\xe4IN"),
      good.replace('"PLAIN"', "{9}\r\nPLAIN"),
      good.replace("0 0", "00 0"),
      good.replace("0 0", "-1 0"),
      good.replace('("CHARSET" "US-ASCII")', '("CHARSET")'),
      good.replace('("CHARSET" "US-ASCII")', "()"),
      good.replace('"TEXT" "PLAIN"', '"MESSAGE" "RFC822"'),
      good.replace('"TEXT" "PLAIN"', '"MULTIPART" "MIXED"'),
    ]
  ) assert.throws(() => BodyGrammar.checkBody(bad, { extended: false }), bad);
  assert.throws(() => BodyGrammar.checkBody(good, { extended: true }));
});
