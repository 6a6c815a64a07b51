import assert from "node:assert/strict";
import fc from "fast-check";
import type { Uid, UidValidity } from "../../src/lib/ids.ts";
import { parseFileName, renderInfo } from "../../src/migration/maildir/file_name.ts";
import { folderToMailbox, mailboxToFolder } from "../../src/migration/maildir/folder_name.ts";
import { parseKeywordList, renderKeywordList } from "../../src/migration/maildir/keyword_list.ts";
import {
  parseSubscriptions,
  renderSubscriptions,
} from "../../src/migration/maildir/subscription_list.ts";
import { parseUidList, renderUidList } from "../../src/migration/maildir/uid_list.ts";
import { FLAG } from "../../src/store/flags.ts";

Deno.test("parseFileName() knows what Dovecot and others write", () => {
  const plain = { flags: 0, isForwarded: false, keywords: [], sizeBytes: null };
  const cases: [name: string, read: Partial<ReturnType<typeof parseFileName>>][] = [
    ["1.M2P3.host", { base: "1.M2P3.host" }],
    ["1.host,S=26,W=30:2,RSb", {
      base: "1.host,S=26,W=30",
      flags: FLAG.answered | FLAG.seen,
      keywords: [1],
      sizeBytes: 30,
    }],
    ["1.host,W=12,S=10:2,DFPTa", {
      base: "1.host,W=12,S=10",
      flags: FLAG.draft | FLAG.flagged | FLAG.deleted,
      isForwarded: true,
      keywords: [0],
      sizeBytes: 12,
    }],
    ["1.host;2,S", { base: "1.host", flags: FLAG.seen }],
    ["1.host!2,S", { base: "1.host", flags: FLAG.seen }],
    ["1.host:2,", { base: "1.host" }],
    ["1.host:1,experimental", { base: "1.host:1,experimental" }],
    ["1.host:2,SS", { base: "1.host", flags: FLAG.seen }],
    ["", { base: "" }],
  ];
  for (const [name, read] of cases) assert.deepEqual(parseFileName(name), { ...plain, ...read });
});

Deno.test("renderInfo() writes what parseFileName() reads, in ASCII order", () => {
  const info = { flags: FLAG.seen | FLAG.draft, isForwarded: true, keywords: [3, 0] };
  assert.equal(renderInfo(info), ":2,DPSad");
  const { base: _base, sizeBytes: _size, ...read } = parseFileName(`x${renderInfo(info)}`);
  assert.deepEqual(read, { ...info, keywords: [0, 3] });
});

Deno.test("folders and mailboxes are the same both ways", () => {
  const level = fc.string({
    unit: fc.constantFrom(..."aé.\\&~ -_2ec5"),
    minLength: 1,
    maxLength: 8,
  });
  const name = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join("/"));
  fc.assert(fc.property(name, (mailbox) => {
    const folder = mailboxToFolder(mailbox);
    assert.match(folder, /^\.[^/]+$/);
    assert.equal(folderToMailbox(folder), mailbox);
  }));
  assert.equal(mailboxToFolder("INBOX"), "");
  assert.equal(folderToMailbox(".Arbeit.M&APw-ll"), "Arbeit/Müll");
  assert.equal(folderToMailbox(".Arbeit.Müll"), "Arbeit/Müll", "Dovecot's setting UTF-8");
  assert.equal(mailboxToFolder("../../etc"), ".\\2e\\2e.\\2e\\2e.etc");
});

Deno.test("parseUidList() reads versions 1 and 3, and what it writes", () => {
  const three = parseUidList(
    "3 V1795255556 N9 Gabc\n1 :1.a,S=2\n2 W30 Gff :1.b,S=3,W=4\n5 :1.c:2,S\n4 :1.out-of-order\n",
  );
  assert.deepEqual(three && { ...three, uids: [...three.uids] }, {
    uidValidity: 1795255556,
    uidNext: 9,
    uids: [["1.a,S=2", 1], ["1.b,S=3,W=4", 2], ["1.c", 5]],
  });
  const one = parseUidList("1 1000000000 3\n1 1.a\n2 1.b\n");
  assert.deepEqual(one && [one.uidValidity, one.uidNext, [...one.uids.keys()]], [
    1000000000,
    3,
    ["1.a", "1.b"],
  ]);
  for (const bad of ["", "2 V1 N2\n", "3 N2\n", "3 V0 N1\n", "1 x y\n", "3 V99999999999 N1\n"]) {
    assert.equal(parseUidList(bad), null, JSON.stringify(bad));
  }
  assert.equal(parseUidList("3 V5 N2\n7 :a\n")?.uidNext, 8, "above every UID, whatever it says");
  const text = renderUidList({ uidValidity: 7 as UidValidity, uidNext: 4 as Uid }, [
    [1 as Uid, "a,S=1"],
    [3 as Uid, "b"],
  ]);
  assert.equal(text, "3 V7 N4\n1 :a,S=1\n3 :b\n");
  assert.deepEqual([...parseUidList(text)?.uids ?? []], [["a,S=1", 1], ["b", 3]]);
});

Deno.test("keywords have places", () => {
  assert.deepEqual([...parseKeywordList("0 $Forwarded\n2 Foo\nx\n26 Far\n")], [
    [0, "$Forwarded"],
    [2, "Foo"],
  ]);
  assert.equal(renderKeywordList(["a", "b"]), "0 a\n1 b\n");
});

Deno.test("subscriptions of Dovecot, old and new, and of Courier", () => {
  assert.deepEqual(parseSubscriptions("V\t2\n\nW\tX\tM&APw-ll\nodd~name 1\n"), [
    "W/X/Müll",
    "odd~name 1",
  ]);
  assert.deepEqual(parseSubscriptions("Sent\nW.X\nINBOX\n"), ["Sent", "W/X", "INBOX"]);
  assert.deepEqual(parseSubscriptions("INBOX.Sent\nINBOX.Sent\n"), ["Sent"]);
  assert.deepEqual(parseSubscriptions("W/X\n"), ["W/X"]);
  const names = ["INBOX", "a/b.c", "Müll"];
  assert.deepEqual(parseSubscriptions(renderSubscriptions(names)), names);
});
