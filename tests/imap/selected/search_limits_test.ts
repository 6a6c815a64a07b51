import assert from "node:assert/strict";
import { makeWorld } from "../../support/imap.ts";

Deno.test("SEARCH ALL and its kind name every message, whatever the limit", async () => {
  await using world = await makeWorld("empty", { config: { maxSearchResults: 3 } });
  for (let n = 1; n <= 9; n++) await world.deliver(`Subject: s${n}\r\n\r\nbody\r\n`);
  const client = await world.login();
  const selected = await client.ok("SELECT INBOX");
  assert.ok(selected.includes("* 9 EXISTS"));
  const all = "1 2 3 4 5 6 7 8 9";
  const complete = [
    "ALL",
    "1:*",
    "UNDELETED",
    "UID 1:* NOT DELETED",
    "OR SEEN UNSEEN",
    "NOT FLAGGED",
  ];
  for (const keys of complete) {
    assert.deepEqual(await client.ok(`SEARCH ${keys}`), [`* SEARCH ${all}`], keys);
    assert.deepEqual(await client.ok(`UID SEARCH ${keys}`), [`* SEARCH ${all}`], keys);
  }
  assert.deepEqual(await client.ok("UID SEARCH RETURN (COUNT ALL) UNSEEN"), [
    '* ESEARCH (TAG "t15") UID ALL 1:9 COUNT 9',
  ]);
  assert.deepEqual(await client.ok("SORT (REVERSE ARRIVAL) UTF-8 ALL"), [
    "* SORT 1 2 3 4 5 6 7 8 9",
  ]);
  // Anything else says that it is cut, and tells no part that looks like all of it.
  const refused = [
    "SEARCH BODY body",
    "UID SEARCH SUBJECT s UNSEEN",
    "SEARCH RETURN (COUNT) LARGER 1",
    "SEARCH RETURN (SAVE) SINCE 1-Jan-2020",
    "SORT (DATE) UTF-8 TEXT body",
    "THREAD REFS UTF-8 SUBJECT s",
  ];
  for (const command of refused) {
    assert.deepEqual(await client.command(command), ["NO [LIMIT] Limit exceeded"], command);
  }
  assert.deepEqual(await client.ok("SEARCH $"), ["* SEARCH"]);
  assert.deepEqual(await client.ok("SEARCH 7:* BODY body"), ["* SEARCH 7 8 9"]);
});

Deno.test("who searches too often is told how long to wait, and nothing else is refused", async () => {
  const config = { searchRateLimitPerMin: 3, searchRateLimitWindowMs: 60_000 };
  await using world = await makeWorld("two-messages", { config });
  const [client, other] = [await world.login(), await world.login()];
  await world.addAccount("bob@example.org");
  const bob = await world.login({ user: "bob@example.org" });
  for (const each of [client, other, bob]) await each.ok("SELECT INBOX");
  await client.ok("SEARCH ALL");
  await other.ok("SORT (DATE) UTF-8 ALL");
  await client.ok("THREAD REFS UTF-8 ALL");
  const commands = [
    "SEARCH ALL",
    "UID SORT (DATE) UTF-8 ALL",
    "THREAD REFS UTF-8 ALL",
    "ESEARCH IN (personal) ALL",
  ];
  for (const command of commands) {
    for (const each of [client, other]) {
      const [reply = "", ...more] = await each.command(command);
      assert.deepEqual(more, []);
      assert.match(reply, /^NO \[LIMIT\] .*\b[1-9]\d? seconds?\b/, command);
    }
  }
  await client.ok("FETCH 1:2 FLAGS");
  await bob.ok("SEARCH ALL");
});
