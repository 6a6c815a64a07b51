import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, decodeUtf8, encodeUtf8 } from "../../src/lib/bytes.ts";
import { type MboxEntry, MboxIndex } from "../../src/migration/mbox/mbox_index.ts";
import { mboxDecoder, mboxEncoder, type Quoting } from "../../src/migration/mbox/mbox_lines.ts";
import {
  imapBase,
  mboxDate,
  mboxStatus,
  renderFromTime,
  renderStatus,
} from "../../src/migration/mbox/mbox_status.ts";
import { FLAG } from "../../src/store/flags.ts";

const TIME = "Thu Jan  1 10:20:30 2026";

function index(text: string, pieces: readonly number[] = []): readonly MboxEntry[] {
  const octets = encodeUtf8(text);
  const found = new MboxIndex();
  let at = 0;
  for (const length of pieces) found.push(octets.subarray(at, at += length));
  found.push(octets.subarray(at));
  return found.end();
}

const texts = (file: string, entries = index(file)) =>
  entries.map(({ start, end }) => decodeUtf8(encodeUtf8(file).subarray(start, end)));

Deno.test("MboxIndex finds messages, and no line of text", () => {
  const file = `From a@b ${TIME}\nSubject: 1\n\nFrom here to there\n\nFrom where?\nx\n\n` +
    `From - ${TIME}\r\nSubject: 2\r\n\r\n\r\n\r\nFrom c ${TIME}\nlast without end`;
  assert.deepEqual(texts(file), [
    "Subject: 1\n\nFrom here to there\n\nFrom where?\nx\n",
    "Subject: 2\r\n\r\n\r\n",
    "last without end",
  ]);
  assert.deepEqual(texts(""), []);
  assert.deepEqual(texts("From x\n"), [""]);
  assert.deepEqual(texts(`From x ${TIME}\n\nFrom y ${TIME}\na\n\n`), ["", "a\n"]);
  assert.deepEqual(texts("no mbox\n"), []);
});

Deno.test("MboxIndex finds the same wherever blocks end", () => {
  const line = fc.constantFrom(
    "",
    "",
    "x",
    `From a ${TIME}`,
    "From x",
    "Status: RO",
    " more",
    "\r",
  );
  fc.assert(fc.property(
    fc.array(line),
    fc.array(fc.integer({ min: 0, max: 9 })),
    (lines, pieces) => {
      const file = `From a ${TIME}\n${lines.join("\n")}`;
      assert.deepEqual(index(file, pieces), index(file));
    },
  ));
});

Deno.test("mboxEncoder() and mboxDecoder() are the same both ways, wherever blocks end", () => {
  const line = fc.constantFrom(
    "",
    "From x",
    ">From y",
    ">>From",
    "From",
    ">",
    "a: b",
    `From a ${TIME}`,
  );
  const lengths = fc.array(fc.integer({ min: 1, max: 7 }));
  fc.assert(fc.property(fc.array(line), lengths, (lines, pieces) => {
    const text = ["Subject: x", "", ...lines, ""].join("\n");
    const through = (coder: ReturnType<typeof mboxEncoder>, from: string) => {
      const octets = encodeUtf8(from);
      const out: Uint8Array[] = [];
      let at = 0;
      // What is given back is valid until the next piece only.
      for (const length of pieces) out.push(coder.push(octets.subarray(at, at += length)).slice());
      out.push(coder.push(octets.subarray(at)).slice(), coder.end());
      return decodeUtf8(concat(out));
    };
    const encoded = through(mboxEncoder(), text);
    assert.doesNotMatch(encoded, /^From /m);
    assert.equal(through(mboxDecoder("mboxrd"), encoded), text);
  }));
});

Deno.test("mboxDecoder() takes out what mbox programs put in", () => {
  const decode = (text: string, quoting: Quoting = "mboxrd") => {
    const decoder = mboxDecoder(quoting);
    return decodeUtf8(concat([decoder.push(encodeUtf8(text)), decoder.end()]));
  };
  const file = "Status: RO\nSubject: x\nX-Keywords: a\n b\n\tc\nX-UID: 1\nTo: y\n\nStatus: kept\n";
  assert.equal(decode(file), "Subject: x\nTo: y\n\nStatus: kept\n");
  assert.equal(decode(">From a\n>>From b\n>x\n"), "From a\n>From b\n>x\n");
  assert.equal(decode(">From a\n>>From b\n", "mboxo"), "From a\n>>From b\n");
  assert.equal(decode(">From a\n", "none"), ">From a\n");
  const long = `${"x".repeat(5000)}\n`;
  assert.equal(decode(`Subject: ${long}Status: ${long}\n${long}`), `Subject: ${long}\n${long}`);
});

Deno.test("flags, keywords and UIDs are read as they are written", () => {
  const status = {
    flags: FLAG.seen | FLAG.answered | FLAG.flagged | FLAG.deleted | FLAG.draft,
    keywords: ["$Junk", "Later"],
    uid: 12,
  };
  for (const one of [status, { flags: 0, keywords: [], uid: null }]) {
    const [entry] = index(`From a ${TIME}\n${renderStatus(one)}\n`);
    assert.deepEqual(entry && mboxStatus(entry), one);
  }
  const [mozilla] = index(`From - ${TIME}\nX-Mozilla-Status: 1007\nX-Mozilla-Keys: a  b \n\n`);
  assert.deepEqual(mozilla && mboxStatus(mozilla), {
    flags: FLAG.seen | FLAG.answered | FLAG.flagged,
    keywords: ["a", "b", "$Forwarded"],
    uid: null,
  });
  const [first] = index(`From a ${TIME}\nX-IMAPbase: 1234567890 0000000042 Later\n\n`);
  assert.deepEqual(imapBase(first), { uidValidity: 1234567890, lastUid: 42 });
  assert.equal(imapBase(undefined), null);
});

Deno.test('mboxDate() reads the "From " lines that there are', () => {
  const date = new Date("2026-01-01T10:20:30Z");
  const cases = [
    `From a@b ${renderFromTime(date)}`,
    "From a@b Thu Jan  1 10:20:30 2026",
    "From - Thu Jan 01 10:20:30 2026",
    "From a Thu Jan  1 11:20:30 +0100 2026",
    "From a Thu Jan  1 11:20:30 2026 +0100",
    "From 123@xxx Thu Jan 01 10:20:30 +0000 2026",
  ];
  for (const fromLine of cases) {
    assert.deepEqual(mboxDate({ fromLine, fields: new Map() }), date, fromLine);
  }
  const fields = new Map([["date", "Thu, 1 Jan 2026 10:20:30 +0000"]]);
  assert.deepEqual(mboxDate({ fromLine: "From nobody", fields }), date);
});
