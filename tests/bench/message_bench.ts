import { atOnce } from "../../src/lib/steps.ts";
import { fromBinary } from "../../src/lib/bytes.ts";
import { messageFacts } from "../../src/message/facts.ts";
import { parseMessage } from "../../src/message/parser.ts";
import { decodeStructure } from "../../src/message/structure_codec.ts";
import { extractText } from "../../src/message/text.ts";

/** Run with `deno bench -A tests/bench/message_bench.ts`. */
const typical = fromBinary(typicalMail());
const large = fromBinary(withAttachment(10 * 1024 * 1024));
const parsed = parseMessage(typical);
const structure = messageFacts(parsed).structure;

Deno.bench("parse 10 kB mail", { group: "10 kB" }, () => void parseMessage(typical));
Deno.bench("parse 10 kB mail, and its facts", { group: "10 kB" }, () => {
  messageFacts(parseMessage(typical));
});
Deno.bench("facts of a parsed 10 kB mail", { group: "10 kB" }, () => void messageFacts(parsed));
Deno.bench("decode a stored structure", { group: "10 kB" }, () => void decodeStructure(structure));
Deno.bench("extract the text of a 10 kB mail", { group: "10 kB" }, () => {
  const body = typical.subarray(parsed.headerBytes);
  atOnce(
    extractText(parsed.root, (start, end) => body.subarray(start, end), { limitBytes: 100_000 }),
  );
});
Deno.bench("parse 10 MiB with a base64 attachment", { group: "10 MiB" }, () => {
  parseMessage(large);
});

/** A newsletter-like mail: 25 header fields, text and HTML. */
function typicalMail(): string {
  const text = "The quick brown fox jumps over the lazy dog, 0123456789, again.=20\r\n".repeat(40);
  const html = `<p style=3D"margin:0">The quick <b>brown</b> fox &amp; the dog.</p>=\r\n`.repeat(
    60,
  );
  return `Return-Path: <bounce-1234@mail.example.com>\r\n` +
    `Received: from mx.example.com (mx.example.com [192.0.2.1])\r\n\tby in.example.org with ESMTPS id 4Yq1xQ2Z1Lz9t\r\n\tfor <bob@example.org>; Tue, 20 Jan 2026 10:00:00 +0000 (UTC)\r\n`
      .repeat(3) +
    `DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s1;\r\n\tt=1768903200; bh=${
      "A".repeat(43)
    }=;\r\n\th=From:To:Subject:Date; b=${`${"B".repeat(70)}\r\n\t `.repeat(4)}B=\r\n` +
    `ARC-Seal: i=1; a=rsa-sha256; b=${"C".repeat(200)}\r\n` +
    `From: "Example, Inc." <news@example.com>\r\nTo: =?utf-8?Q?B=C3=B6b?= <bob@example.org>\r\n` +
    `Cc: Ada Lovelace <ada@example.net>, eve@example.net\r\nReply-To: <reply@example.com>\r\n` +
    `Subject: =?UTF-8?B?TmV3cyBmw7xyIGRpY2g6IGFsbGVzIG5ldSBpbSBKYW51YXI=?=\r\n` +
    `Message-ID: <20260120100000.1234.5678@mail.example.com>\r\n` +
    `References: <a1@example.com> <a2@example.com>\r\n <a3@example.com>\r\n` +
    `Date: Tue, 20 Jan 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n` +
    `List-Unsubscribe: <https://example.com/u/1234>\r\nX-Mailer: Example 1.0\r\nX-Spam: no\r\n` +
    `Content-Type: multipart/alternative; boundary="----=_Part_1_2.3"\r\n\r\n` +
    `------=_Part_1_2.3\r\nContent-Type: text/plain; charset=utf-8\r\n` +
    `Content-Transfer-Encoding: quoted-printable\r\n\r\n${text}\r\n------=_Part_1_2.3\r\n` +
    `Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n` +
    `${html}\r\n------=_Part_1_2.3--\r\n`;
}

function withAttachment(sizeBytes: number): string {
  const line = `${"QUJD".repeat(19)}\r\n`;
  return `From: a@example.com\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n` +
    `Content-Type: text/plain\r\n\r\nhello\r\n--m\r\nContent-Type: application/pdf; name=a.pdf\r\n` +
    `Content-Transfer-Encoding: base64\r\n\r\n${
      line.repeat(Math.round(sizeBytes / line.length))
    }--m--\r\n`;
}
