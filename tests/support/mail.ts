/** A plain message with its own Message-ID and a body of about `sizeBytes`; deterministic. */
export function plainMessage(n: number, sizeBytes = 500): string {
  const line = `Line of message ${n}: the quick brown fox jumps over the lazy dog 0123456789.\r\n`;
  const body = line.repeat(Math.max(1, Math.round(sizeBytes / line.length)));
  return `From: Ada <ada@example.net>\r\nTo: Bob <bob@example.org>\r\nSubject: Message ${n}\r\n` +
    `Message-ID: <m${n}@example.net>\r\nDate: ${dateOf(n)}\r\nMIME-Version: 1.0\r\n` +
    `Content-Type: text/plain; charset=utf-8\r\n\r\n${body}`;
}

/**
 * Message `n` of a corpus in the shapes that real mail has: plain, alternative, attachment,
 * forwarded, 8-bit headers, encoded words, long folded headers, no date, LF in odd places.
 */
export function shapedMessage(n: number): string {
  const head = `From: =?utf-8?Q?S=C3=B6nke?= <sender${n % 37}@example.net>\r\n` +
    `To: "Bob, the \\"user\\"" <bob@example.org>, friends: ada@example.org, eve@example.org;\r\n` +
    `Message-ID: <shape-${n}@example.net>\r\nDate: ${dateOf(n)}\r\nMIME-Version: 1.0\r\n`;
  const text = `Hello number ${n},\r\n\r\n${
    "some words to read and to search for. ".repeat(n % 40 + 1)
  }\r\n`;
  switch (n % 6) {
    case 0:
      return `${head}Subject: plain ${n}\r\nContent-Type: text/plain\r\n\r\n${text}`;
    case 1:
      return `${head}Subject: =?iso-8859-1?Q?alternative_=E4=F6=FC?= ${n}\r\n` +
        `Content-Type: multipart/alternative; boundary="b${n}"\r\n\r\npreamble\r\n--b${n}\r\n` +
        `Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n` +
        `caf=C3=A9 ${n}\r\n--b${n}\r\nContent-Type: text/html\r\n\r\n<p>caf&eacute; ${n}</p>\r\n--b${n}--\r\n`;
    case 2:
      return `${head}Subject: attachment ${n}\r\nContent-Type: multipart/mixed;\r\n\tboundary=m${n}\r\n\r\n` +
        `--m${n}\r\nContent-Type: text/plain\r\n\r\n${text}--m${n}\r\n` +
        `Content-Type: application/pdf; name*=utf-8''r%C3%A9sum%C3%A9.pdf\r\n` +
        `Content-Disposition: attachment; filename*0="part"; filename*1=".pdf"\r\n` +
        `Content-Transfer-Encoding: base64\r\n\r\n${
          "QUJDREVGR0g=".repeat(n % 200 + 1)
        }\r\n--m${n}--\r\n`;
    case 3:
      return `${head}Subject: Fwd: forwarded ${n}\r\nContent-Type: multipart/mixed; boundary=f${n}\r\n\r\n` +
        `--f${n}\r\n\r\n${text}--f${n}\r\nContent-Type: message/rfc822\r\n\r\n${
          plainMessage(n)
        }\r\n--f${n}--\r\n`;
    case 4:
      return `${head}Subject: a very long subject that is\r\n folded over\r\n\tthree lines ${n}\r\n` +
        `References: ${
          Array.from({ length: n % 20 + 1 }, (_, i) => `<r${i}.${n}@example.net>`).join("\r\n ")
        }\r\n\r\n${text}`;
    default:
      return `${head}Subject: bytes \u00c3\u00a4 ${n}\r\nX-Odd\r\nContent-Type: text/plain; charset="bogus"\r\n\r\n` +
        `${text}.leading dot\r\n..two\r\nlast line without end ${n}`;
  }
}

function dateOf(n: number): string {
  return new Date(Date.UTC(2026, 0, 1) + n * 61_000).toUTCString().replace("GMT", "+0000");
}
