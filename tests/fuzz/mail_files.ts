import assert from "node:assert/strict";
import { concat, fromBinary } from "../../src/lib/bytes.ts";
import { parseFileName } from "../../src/migration/maildir/file_name.ts";
import { folderToMailbox } from "../../src/migration/maildir/folder_name.ts";
import { parseKeywordList } from "../../src/migration/maildir/keyword_list.ts";
import { parseSubscriptions } from "../../src/migration/maildir/subscription_list.ts";
import { parseUidList } from "../../src/migration/maildir/uid_list.ts";
import { MboxIndex } from "../../src/migration/mbox/mbox_index.ts";
import { mboxDecoder } from "../../src/migration/mbox/mbox_lines.ts";
import { imapBase, mboxDate, mboxStatus } from "../../src/migration/mbox/mbox_status.ts";
import { dice } from "../support/dice.ts";

/** Files of other mail programs: whatever is in them is read, the same in any pieces. */
export const target = { name: "mail-files", run };

const WORDS = [
  ..."\r\n \t:;,.!&-+\\/#0123456789abVNGSW=\0\u00ff",
  "\n",
  "\n\n",
  "\nFrom ",
  "From x Thu Jan  1 10:20:30 2026\n",
  "\n>From ",
  "Status: RO\n",
  "X-Status: AF\n",
  "X-UID: 4294967295\n",
  "X-IMAPbase: 7 9\n",
  "X-Mozilla-Status: ffff\n",
  "Date: ",
  "3 V7 N9",
  "\n1 :a,S=1,W=2:2,RSab\n",
  "1 7 9\n",
  "V\t2\n\n",
  "&APw-",
  "\\2e",
  "\\5c",
];

async function run(seed: number, untilMs: number): Promise<number> {
  let tried = 0;
  for (; Date.now() < untilMs; tried++) {
    const rand = dice(seed + tried);
    let text = "";
    for (let words = rand(120); words > 0; words--) text += WORDS[rand(WORDS.length)];
    try {
      mbox(fromBinary(text), rand);
      lists(text);
    } catch (error) {
      throw new Error(`seed ${seed + tried}: ${JSON.stringify(text)}`, { cause: error });
    }
    if (tried % 100 === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  return tried;
}

function mbox(octets: Uint8Array, rand: (below: number) => number): void {
  const whole = new MboxIndex();
  const cut = new MboxIndex();
  whole.push(octets);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < octets.length;) {
    const piece = octets.subarray(at, at += 1 + rand(9));
    pieces.push(piece);
    cut.push(piece);
  }
  const entries = whole.end();
  assert.deepEqual(cut.end(), entries);
  let last = 0;
  for (const entry of entries) {
    assert.ok(entry.start > last && entry.end >= entry.start && entry.end <= octets.length);
    last = entry.end;
    mboxStatus(entry);
    imapBase(entry);
    mboxDate(entry);
  }
  for (const quoting of ["mboxrd", "mboxo", "none"] as const) {
    const once = mboxDecoder(quoting);
    const often = mboxDecoder(quoting);
    const expected = concat([once.push(octets).slice(), once.end()]);
    const parts = pieces.map((piece) => often.push(piece).slice());
    assert.deepEqual(concat([...parts, often.end()]), expected);
  }
}

function lists(text: string): void {
  const uidList = parseUidList(text);
  for (const uid of uidList?.uids.values() ?? []) assert.ok(uid < (uidList?.uidNext ?? 0));
  parseKeywordList(text);
  for (const name of parseSubscriptions(text)) assert.ok(!name.includes("\n"));
  for (const line of text.split("\n")) {
    assert.ok(line.startsWith(parseFileName(line).base));
    folderToMailbox(line);
  }
}
