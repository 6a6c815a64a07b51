import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import type { AccessibleMailbox } from "../../src/auth/mailbox_access.ts";
import { allNames } from "../../src/imap/commands/list/names.ts";

const mailbox = (name: string) => ({ name }) as AccessibleMailbox;

Deno.test("allNames() has mailboxes, subscriptions and the levels above them, parents first", async () => {
  const names = await allNames(
    ["Work", "Work/Ä/Done", "a"].map(mailbox),
    ["WORK", "Gone/Away", "work/Ä"],
  );
  assert.deepEqual(
    names.map(({ name, mailbox, isSubscribed, hasChildren }) =>
      [name, mailbox !== null, isSubscribed, hasChildren].join(" ")
    ),
    [
      "a true false false",
      "Gone false false false",
      "Gone/Away false true false",
      "Work true true true",
      "Work/Ä false true true",
      "Work/Ä/Done true false false",
    ],
  );
});

Deno.test("allNames() lets others run while it looks at very many", async () => {
  let turns = 0;
  let isDone = false;
  const count = () => {
    turns++;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  const many = Array.from({ length: 20_000 }, (_, n) => mailbox(`Folder ${n % 100}/Sub ${n}/Leaf`));
  await allNames(many, []);
  isDone = true;
  assert.ok(turns > 0);
  await new Promise((done) => setTimeout(done));
});
