import assert from "node:assert/strict";
import { fromBinary } from "../../src/lib/bytes.ts";
import { readEnvelope, renderEnvelope } from "../../src/message/envelope.ts";
import { Header } from "../../src/message/header.ts";
import { BodyGrammar } from "./support/body_grammar.ts";
import { lines, utf8 } from "./support/read.ts";

function envelope(...header: string[]): string {
  const rendered = renderEnvelope(readEnvelope(Header.parse(fromBinary(lines(...header, "")))));
  BodyGrammar.checkEnvelope(rendered);
  return rendered;
}

const JOE = '((NIL NIL "joe" "x"))';
const NILS = "NIL NIL NIL NIL NIL NIL";

const cases: [name: string, header: string[], expected: string][] = [
  ["nothing", [], `(NIL NIL ${NILS} NIL NIL)`],
  [
    "RFC 3501 §8",
    [
      "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)",
      "From: Terry Gray <gray@cac.washington.edu>",
      "Subject: IMAP4rev1 WG mtg summary and minutes",
      "To: imap@cac.washington.edu",
      "cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>",
      "Message-Id: <B27397-0100000@cac.washington.edu>",
    ],
    '("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" ' +
    '(("Terry Gray" NIL "gray" "cac.washington.edu")) ' +
    '(("Terry Gray" NIL "gray" "cac.washington.edu")) ' +
    '(("Terry Gray" NIL "gray" "cac.washington.edu")) ' +
    '((NIL NIL "imap" "cac.washington.edu")) ' +
    '((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL ' +
    '"<B27397-0100000@cac.washington.edu>")',
  ],
  [
    "sender and reply-to of their own",
    ["From: joe@x", "Sender: a@b", "Reply-To: c@d"],
    `(NIL NIL ${JOE} ((NIL NIL "a" "b")) ((NIL NIL "c" "d")) NIL NIL NIL NIL NIL)`,
  ],
  [
    "sender and reply-to empty",
    ["From: joe@x", "Sender:", "Reply-To: "],
    `(NIL NIL ${JOE} ${JOE} ${JOE} NIL NIL NIL NIL NIL)`,
  ],
  [
    "empty texts are empty strings, empty lists NIL",
    ["Subject:", "Date:", "To:", "In-Reply-To:"],
    `("" "" ${NILS} "" NIL)`,
  ],
  [
    "a group",
    ["To: g: a@b, c@d;"],
    '(NIL NIL NIL NIL NIL ((NIL NIL "g" NIL)(NIL NIL "a" "b")(NIL NIL "c" "d")(NIL NIL NIL NIL)) NIL NIL NIL NIL)',
  ],
  [
    "an empty group",
    ["From: undisclosed:;"],
    `(NIL NIL ${'((NIL NIL "undisclosed" NIL)(NIL NIL NIL NIL)) '.repeat(3)}NIL NIL NIL NIL NIL)`,
  ],
  ["a route", ["To: <@r:joe@x>"], '(NIL NIL NIL NIL NIL ((NIL "@r" "joe" "x")) NIL NIL NIL NIL)'],
  [
    "two To fields",
    ["To: a@b", "To: c@d"],
    '(NIL NIL NIL NIL NIL ((NIL NIL "a" "b")(NIL NIL "c" "d")) NIL NIL NIL NIL)',
  ],
  ["quotes and backslashes", ['Subject: a "b" \\c'], `(NIL "a \\"b\\" \\\\c" ${NILS} NIL NIL)`],
  [
    "encoded words stay",
    ["Subject: =?utf-8?Q?=C3=A4?="],
    `(NIL "=?utf-8?Q?=C3=A4?=" ${NILS} NIL NIL)`,
  ],
  [
    "raw UTF-8 becomes words",
    [`Subject: ${utf8("ä")}`],
    `(NIL "=?UTF-8?B?w6Q=?=" ${NILS} NIL NIL)`,
  ],
  ["raw latin1 becomes words", ["Subject: \xe4"], `(NIL "=?UTF-8?B?w6Q=?=" ${NILS} NIL NIL)`],
  [
    "raw UTF-8 names",
    [`To: ${utf8("ä")} <a@b>`],
    '(NIL NIL NIL NIL NIL (("=?UTF-8?B?w6Q=?=" NIL "a" "b")) NIL NIL NIL NIL)',
  ],
  [
    "8-bit addresses are literals",
    [`To: ${utf8("ä@ö")}`],
    `(NIL NIL NIL NIL NIL ((NIL NIL {2}\r\n${utf8("ä")} {2}\r\n${utf8("ö")})) NIL NIL NIL NIL)`,
  ],
  ["folds, NUL, bare CR", ["Subject: a\r\n b\0\rc"], `(NIL "a b c" ${NILS} NIL NIL)`],
  ["in-reply-to", ["In-Reply-To: <a@b>"], `(NIL NIL ${NILS} "<a@b>" NIL)`],
];

for (const [name, header, expected] of cases) {
  Deno.test(`the envelope of ${name}`, () => assert.equal(envelope(...header), expected));
}
