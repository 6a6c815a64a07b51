import assert from "node:assert/strict";
import { Enabled } from "../../../src/imap/enabled.ts";
import { vanishedLines } from "../../../src/imap/view/vanished_lines.ts";
import { SequenceSet } from "../../../src/imap/wire/sequence_set.ts";
import { WireError } from "../../../src/imap/wire/wire_error.ts";
import type { Modseq, Uid } from "../../../src/lib/ids.ts";
import { NumberSet } from "../../../src/lib/number_set.ts";
import { FakeMailbox, Heard } from "./fake_mailbox.ts";

async function opened(count: number, ...names: readonly string[]) {
  const box = new FakeMailbox();
  box.append(count);
  const maps = box.maps();
  const enabled = new Enabled();
  for (const name of names) enabled.add(name);
  const view = await box.view(maps, { enabled });
  const heard = new Heard();
  const told = async (expunges = true) => {
    await view.tell(heard.reply, { expunges });
    return heard.take();
  };
  return { box, view, told, enabled, [Symbol.dispose]: () => maps[Symbol.dispose]() };
}

const uids = (...numbers: number[]) => numbers as Uid[];
const set = (text: string) => SequenceSet.parse(text);
const EVERYTHING = NumberSet.of([[1 as Uid, 4294967295 as Uid]]);

Deno.test("every mode is told the same changes in its own words", async () => {
  const cases: readonly (readonly [names: readonly string[], lines: readonly string[]])[] = [
    [[], [
      "5 EXPUNGE",
      "2 EXPUNGE",
      "4 EXISTS",
      "4 RECENT",
      "2 FETCH (FLAGS (\\Seen \\Recent))",
    ]],
    [["CONDSTORE"], [
      "5 EXPUNGE",
      "2 EXPUNGE",
      "4 EXISTS",
      "4 RECENT",
      "2 FETCH (UID 3 MODSEQ (5) FLAGS (\\Seen \\Recent))",
    ]],
    [["QRESYNC"], [
      "VANISHED 2,5",
      "4 EXISTS",
      "4 RECENT",
      "2 FETCH (UID 3 MODSEQ (5) FLAGS (\\Seen \\Recent))",
    ]],
    [["UIDONLY"], [
      "VANISHED 2,5",
      "4 EXISTS",
      "4 RECENT",
      "3 UIDFETCH (FLAGS (\\Seen \\Recent))",
    ]],
    [["UIDONLY", "CONDSTORE"], [
      "VANISHED 2,5",
      "4 EXISTS",
      "4 RECENT",
      "3 UIDFETCH (MODSEQ (5) FLAGS (\\Seen \\Recent))",
    ]],
    [["IMAP4REV2"], ["5 EXPUNGE", "2 EXPUNGE", "4 EXISTS", "2 FETCH (UID 3 FLAGS (\\Seen))"]],
    [["IMAP4REV2", "QRESYNC"], [
      "VANISHED 2,5",
      "4 EXISTS",
      "2 FETCH (UID 3 MODSEQ (5) FLAGS (\\Seen))",
    ]],
  ];
  for (const [names, lines] of cases) {
    using world = await opened(5, ...names);
    world.box.expunge(uids(2, 5));
    world.box.append();
    world.box.setFlags(uids(3), () => 1);
    assert.deepEqual(await world.told(), lines, names.join());
    assert.deepEqual(await world.told(), [], names.join());
  }
});

Deno.test("expunges that have to wait are not among what a client may believe to know", async () => {
  using world = await opened(3, "QRESYNC");
  const { view, box } = world;
  assert.equal(view.highestModseq, 2);
  box.expunge(uids(1));
  box.setFlags(uids(2), () => 1);
  assert.deepEqual(await world.told(false), [
    "2 FETCH (UID 2 MODSEQ (4) FLAGS (\\Seen \\Recent))",
    "OK [HIGHESTMODSEQ 2] Expunged messages are still listed",
  ]);
  assert.equal(view.highestModseq, 2);
  box.setFlags(uids(3), () => 1);
  assert.match((await world.told(false)).at(-1) ?? "", /^OK \[HIGHESTMODSEQ 2\]/);
  assert.deepEqual(await world.told(), ["VANISHED 1", "2 RECENT"]);
  assert.equal(view.highestModseq, 5);
});

Deno.test("who has seen a MODSEQ is told everything before it", async () => {
  using world = await opened(3, "CONDSTORE");
  const { view, box } = world;
  box.notifies = false;
  box.setFlags(uids(1), () => 1);
  box.setFlags(uids(2), () => 1);
  assert.equal(view.modseqItem(4 as Modseq), "MODSEQ (4)"); // FETCH has read message 2
  assert.deepEqual(await world.told(), [
    "1 FETCH (UID 1 MODSEQ (3) FLAGS (\\Seen \\Recent))",
    "2 FETCH (UID 2 MODSEQ (4) FLAGS (\\Seen \\Recent))",
  ]);
});

Deno.test("vanishedSince() never names what the client still has, remembered or not", async () => {
  using world = await opened(6, "QRESYNC");
  const { box, view } = world;
  box.expunge(uids(2, 6));
  await world.told();
  box.expunge(uids(4)); // not told yet
  const gone = async (wanted: NumberSet<Uid>, since: number) =>
    (await view.vanishedSince(wanted, since as Modseq)).toString();
  assert.equal(await gone(EVERYTHING, 1), "2,6");
  assert.equal(await gone(NumberSet.from(uids(2, 3, 4)), 1), "2");
  assert.equal(await gone(EVERYTHING, 3), "");
  box.floor = 3;
  assert.equal(await gone(EVERYTHING, 1), "2,6");
  assert.equal(await gone(NumberSet.from(uids(2, 3, 4, 7)), 1), "2");
  assert.equal(view.namedUids(set("5:*")).toString(), "5:6");
});

Deno.test("with UIDONLY numbers mean nothing, and are known to have been used otherwise", async () => {
  using world = await opened(3, "UIDONLY");
  assert.throws(
    () => world.view.ranges(set("1"), false),
    (error) => error instanceof WireError && error.code === "UIDREQUIRED",
  );
  assert.deepEqual(world.view.ranges(set("1:*"), true), [[0, 2]]);
  using plain = await opened(3);
  plain.view.ranges(set("1"), true);
  assert.equal(plain.view.usesNumbers, false);
  plain.view.ranges(set("1"), false);
  assert.equal(plain.view.usesNumbers, true);
  await plain.told();
  assert.equal(plain.view.usesNumbers, false);
});

Deno.test("vanishedLines() are as long as a client can take, and name every UID once", () => {
  const odd = NumberSet.from(Array.from({ length: 5_000 }, (_, at) => 100_001 + 2 * at as Uid));
  const lines = [...vanishedLines(odd, { earlier: true })];
  assert.ok(lines.length > 1);
  let named = "";
  for (const line of lines) {
    assert.ok(line.length < 8_100);
    const [, uids] = /^\* VANISHED \(EARLIER\) ([\d,]+)\r\n$/.exec(line) ?? [];
    named += `${named && ","}${uids}`;
  }
  assert.equal(named, odd.toString());
  assert.deepEqual([...vanishedLines(NumberSet.of([[1 as Uid, 9 as Uid]]))], [
    "* VANISHED 1:9\r\n",
  ]);
  assert.deepEqual([...vanishedLines(NumberSet.of<Uid>([]))], []);
});
