import assert from "node:assert/strict";
import type { Uid } from "../../src/lib/ids.ts";
import { NumberSet } from "../../src/lib/number_set.ts";
import { FLAG } from "../../src/store/flags.ts";
import type { SearchCondition } from "../../src/store/search_condition.ts";
import { openFixture, someFacts, someMessage, uidSet } from "./fixture.ts";

const day = (n: number) => new Date(Date.UTC(2026, 0, n));

Deno.test("search() answers every kind of condition exactly, and not: its complement", async () => {
  await using it = await openFixture();
  const { inbox, messages } = it;
  const given = [
    { facts: someFacts({ subject: "Grüße aus KÖLN", sizeBytes: 100, sentDate: day(1) }) },
    {
      facts: someFacts({ subject: "100% _sure_ \\ 'q'", from: "ΟΔΟΣ <o@x>" }),
      keywords: ["$Junk"],
    },
    { facts: someFacts({ subject: "", to: "", sentDate: null, messageId: null }), flags: 1 },
    { flags: FLAG.seen | FLAG.flagged, internalDate: day(5), keywords: ["$junk", "b"] },
  ];
  for (const fields of given) await messages.append(someMessage(inbox, fields));
  const cases: readonly (readonly [SearchCondition, readonly number[]])[] = [
    [{ everything: true }, [1, 2, 3, 4]],
    [{ all: [] }, [1, 2, 3, 4]],
    [{ any: [] }, []],
    [{ uids: uidSet(2, 4, 9) }, [2, 4]],
    [{ uids: uidSet() }, []],
    [{ uids: NumberSet.of([[3 as Uid, 4294967295 as Uid]]) }, [3, 4]],
    [{ flagsSet: FLAG.seen }, [3, 4]],
    [{ flagsSet: FLAG.seen | FLAG.flagged }, [4]],
    [{ flagsClear: FLAG.seen }, [1, 2]],
    [{ keyword: "$JUNK" }, [2, 4]],
    [{ keyword: "__proto__" }, []],
    [{ keyword: "\0" }, []],
    [{ internalDate: { from: day(5) } }, [4]],
    [{ internalDate: { before: day(5) } }, [1, 2, 3]],
    [{ sentDate: { from: day(1), before: day(2) } }, [1]],
    [{ sentDate: {} }, [1, 2, 4]],
    [{ sentDate: { before: new Date(8.64e15) } }, [1, 2, 4]],
    [{ savedDate: { from: day(1), before: new Date(8.64e15) } }, [1, 2, 3, 4]],
    [{ larger: 100 }, [2, 3, 4]],
    [{ smaller: 101 }, [1]],
    [{ header: "subject", contains: "grüsse" }, []],
    [{ header: "subject", contains: "GRÜßE" }, [1]],
    [{ header: "subject", contains: "Köl" }, [1]],
    [{ header: "subject", contains: "0% _S" }, [2]],
    [{ header: "subject", contains: "%" }, [2]],
    [{ header: "subject", contains: "\\ 'Q'" }, [2]],
    [{ header: "subject", contains: "e\0" }, []],
    [{ header: "subject", contains: "" }, [1, 2, 3, 4]],
    [{ header: "from", contains: "οδοσ" }, [2]],
    [{ header: "to", contains: "bob@" }, [1, 2, 4]],
    [{ header: "cc", contains: "x" }, []],
    [{ messageId: "<1@example.com>" }, [1, 2, 4]],
    [{ messageId: "<1@EXAMPLE.com>" }, []],
    [{ all: [{ flagsSet: 1 }, { not: { keyword: "b" } }] }, [3]],
    [{ any: [{ keyword: "b" }, { header: "subject", contains: "köln" }] }, [1, 4]],
    [{ not: { any: [{ uids: uidSet(1) }, { not: { larger: 1 } }] } }, [2, 3, 4]],
  ];
  for (const [condition, expected] of cases) {
    const { uids } = await messages.search(inbox.id, condition);
    assert.deepEqual(uids, expected, JSON.stringify(condition));
    const rest = await messages.search(inbox.id, { not: condition });
    assert.deepEqual(
      rest.uids,
      [1, 2, 3, 4].filter((uid) => !expected.includes(uid)),
      `not ${JSON.stringify(condition)}`,
    );
  }
});

Deno.test("search() with 50,000 ranges and with 1,000 terms stays one quick statement", async () => {
  await using it = await openFixture();
  const { inbox, messages } = it;
  for (let n = 0; n < 20; n++) await messages.append(someMessage(inbox));
  const odd = NumberSet.from(Array.from({ length: 50_000 }, (_, n) => (2 * n + 1) as Uid));
  const { uids } = await messages.search(inbox.id, { not: { uids: odd } });
  assert.deepEqual(uids, Array.from({ length: 10 }, (_, n) => 2 * n + 2));
  const any = Array.from({ length: 1000 }, (_, n) => ({ keyword: `k${n}` }));
  assert.deepEqual((await messages.search(inbox.id, { any })).uids, []);
});
