import assert from "node:assert/strict";
import { makeWorld } from "../../support/imap.ts";

const base64 = (text: string) => new TextEncoder().encode(text).toBase64();

const messages: readonly (readonly [text: string, flags: number, day: number])[] = [
  [
    "From: Ada <ada@example.org>\r\nTo: bob@example.org\r\nSubject: Plain words\r\n" +
    "Message-ID: <one@example.org>\r\nDate: Thu, 1 Jan 2026 23:30:00 -0500\r\n\r\nhello World\r\n",
    1,
    1,
  ],
  [
    "From: =?utf-8?Q?S=C3=B6nke?= <s@example.net>\r\nCc: carol@example.org\r\n" +
    "Subject: =?iso-8859-1?Q?Gr=FC=DFe?=\r\nDate: Fri, 2 Jan 2026 00:30:00 +1300\r\n" +
    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
    `${base64("Schöne Grüße aus Köln\r\n")}\r\n`,
    2,
    2,
  ],
  [
    "From: bob@example.org\r\nBcc: secret@example.org\r\nSubject:\r\nX-Tag: Alpha\r\n" +
    "Date: 3 Jan 26 10:00 GMT\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
    "--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n" +
    "Content-Transfer-Encoding: quoted-printable\r\n\r\nna=EFve =\r\ncoopera=\r\ntion\r\n" +
    '--b\r\nContent-Type: application/pdf; name="report.pdf"\r\n\r\nworld\r\n--b--\r\n',
    12,
    3,
  ],
  ["From: nobody\r\n\r\n", 16, 4],
];

/** Search keys, and the messages that they find. */
const cases: readonly (readonly [keys: string, found: string])[] = [
  ["ALL", "1 2 3 4"],
  ["SEEN", "1"],
  ["UNSEEN", "2 3 4"],
  ["ANSWERED", "2"],
  ["UNANSWERED DELETED", "3"],
  ["FLAGGED", "3"],
  ["UNFLAGGED UNDELETED UNDRAFT", "1 2"],
  ["DRAFT", "4"],
  ["KEYWORD $work", "2"],
  ["UNKEYWORD $Work", "1 3 4"],
  ["NEW", "2 3 4"],
  ["RECENT", "1 2 3 4"],
  ["OLD", ""],
  ["2:*", "2 3 4"],
  ["UID 1,3", "1 3"],
  ["NOT 1", "2 3 4"],
  ["OR 1 OR 2 UID 4", "1 2 4"],
  ["OR (SEEN FROM ada) (DRAFT)", "1 4"],
  ["NOT (OR SEEN DRAFT)", "2 3"],
  ["ON 2-Jan-2026", "2"],
  ["BEFORE 3-Jan-2026", "1 2"],
  ["SINCE 3-Jan-2026", "3 4"],
  ["SENTON 1-Jan-2026", "1"],
  ["SENTON 2-Jan-2026", "2"],
  ["SENTON 3-Jan-2026", "3"],
  ["SENTBEFORE 2-Jan-2026", "1"],
  ["SENTSINCE 2-Jan-2026", "2 3"],
  ["NOT SENTSINCE 2-Jan-2026", "1 4"],
  ["LARGER 250", "2 3"],
  ["SMALLER 20", "4"],
  ["FROM ADA", "1"],
  ["TO bob", "1"],
  ["CC carol", "2"],
  ["BCC secret", "3"],
  ["SUBJECT WORDS", "1"],
  ["HEADER X-Tag alph", "3"],
  ['HEADER X-Tag ""', "3"],
  ['HEADER Subject ""', "1 2 3"],
  ["HEADER Message-ID <one@example.org>", "1"],
  ["HEADER Message-ID ONE@", "1"],
  ["HEADER constructor x", ""],
  ["BODY world", "1"],
  ["BODY HELLO", "1"],
  ["TEXT world", "1"],
  ["TEXT alpha", "3"],
  ["TEXT report.pdf", "3"],
  ["BODY cooperation", "3"],
  ["NOT BODY world", "2 3 4"],
  ["OR BODY world HEADER X-Tag alpha", "1 3"],
  ["UNSEEN OR BODY hello BODY cooperation", "3"],
  ["NOT (BODY world SEEN)", "2 3 4"],
  ["TEXT nowhere", ""],
];

Deno.test("SEARCH finds what the keys say", async () => {
  await using world = await makeWorld("empty");
  for (const [text, flags, day] of messages) {
    const keywords = day === 2 ? ["$Work"] : [];
    const internalDate = new Date(Date.UTC(2026, 0, day, 12));
    await world.deliver(text, { flags, keywords, internalDate });
  }
  const client = await world.login();
  await client.ok("SELECT INBOX");
  for (const [keys, found] of cases) {
    const [line] = await client.ok(`SEARCH ${keys}`);
    assert.equal(line, `* SEARCH${found && ` ${found}`}`, keys);
  }
});

Deno.test("SEARCH reads strings in any charset, and decoded text in any encoding", async () => {
  await using world = await makeWorld("empty");
  for (const [text] of messages) await world.deliver(text);
  const client = await world.login();
  await client.ok("SELECT INBOX");
  const latin1 = "k\u00f6ln"; // one octet per character, as the wire has it
  const utf8 = "gr\u00c3\u00bc\u00c3\u009fe";
  const found = async (command: string, text: string) =>
    (await client.literal(command, text)).slice(0, -1);
  assert.deepEqual(await found("SEARCH CHARSET ISO-8859-1 BODY", latin1), ["* SEARCH 2"]);
  assert.deepEqual(await found("SEARCH CHARSET utf-8 SUBJECT", utf8), ["* SEARCH 2"]);
  assert.deepEqual(await found("SEARCH TEXT", utf8), ["* SEARCH 2"]);
  assert.deepEqual(await found("SEARCH CHARSET windows-1252 BODY", "na\u00efve"), ["* SEARCH 3"]);
  assert.deepEqual(await found("SEARCH FROM", "s\u00c3\u00b6nke"), ["* SEARCH 2"]);
  assert.match((await client.command("SEARCH CHARSET x-none ALL"))[0] ?? "", /^NO \[BADCHARSET/);
});

Deno.test("SEARCH is complete, in numbers and in UIDs, and knows only what was announced", async () => {
  await using world = await makeWorld("empty");
  for (let n = 0; n < 120; n++) await world.deliver(`Subject: ${n}\r\n\r\nbody ${n}\r\n`);
  const [client, other] = [await world.login(), await world.login()];
  await client.ok("SELECT INBOX");
  await other.ok("SELECT INBOX");
  await other.ok("STORE 1:20 +FLAGS.SILENT (\\Deleted)");
  await client.ok("NOOP");
  await other.ok("EXPUNGE");
  await world.deliver("Subject: late\r\n\r\nbody late\r\n");
  const numbers = Array.from({ length: 100 }, (_, i) => i + 21).join(" ");
  assert.deepEqual(await client.ok("SEARCH BODY body"), [`* SEARCH ${numbers}`]);
  const [uids, ...news] = await client.ok("UID SEARCH BODY body");
  assert.equal(uids, `* SEARCH ${numbers}`);
  assert.equal(news.filter((line) => line.endsWith("EXPUNGE")).length, 20);
  assert.ok(news.includes("* 101 EXISTS"));
  assert.match((await client.ok("SEARCH BODY late"))[0] ?? "", /^\* SEARCH 101$/);
});

Deno.test("SEARCH keys that break the grammar are BAD, and too many are refused", async () => {
  await using world = await makeWorld("two-messages");
  const client = await world.login();
  await client.ok("SELECT INBOX");
  const bad = [
    "",
    "()",
    "BOGUS",
    "OR SEEN",
    "NOT",
    "BEFORE yesterday",
    "LARGER x",
    "3",
    "KEYWORD",
    "HEADER x",
    "SEEN ",
    "CHARSET utf-8",
    "(".repeat(500),
    "NOT ".repeat(3_000) + "SEEN",
    "__proto__",
  ];
  for (const keys of bad) {
    const answer = await client.command(`SEARCH ${keys}`);
    assert.match(answer.at(-1) ?? "", /^BAD /, keys.slice(0, 20));
    await client.ok("NOOP");
  }
  const long = "OR SUBJECT x ".repeat(300) + "SEEN";
  assert.deepEqual(await client.ok(`SEARCH ${long}`), ["* SEARCH 1"]);
  const deep = "OR SUBJECT x NOT ".repeat(200) + "SEEN";
  assert.match((await client.command(`SEARCH ${deep}`)).at(-1) ?? "", /^NO \[LIMIT\]/);
});
