import assert from "node:assert/strict";
import { encodeUtf7 } from "../../src/lib/modified_utf7.ts";
import { makeWorld } from "../support/imap.ts";

Deno.test("hostile mailbox names stay data, whatever command names them", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  const names = [
    'quote"and\\backslash',
    "& ampersand &-",
    "percent%star*",
    "paren) OK [FOO] {5}",
    "日本語/Entwürfe 😀",
    "__proto__",
    "constructor/toString",
    "%2e%2e/%2fetc",
    "-",
    "x".repeat(255),
  ];
  for (const name of names) {
    const quoted = `"${encodeUtf7(name).replace(/["\\]/g, "\\$&")}"`;
    await client.ok(`CREATE ${quoted}`);
    await client.ok(`SUBSCRIBE ${quoted}`);
    const listed = await client.ok(`LIST "" ${quoted}`);
    assert.ok(listed.some((line) => line.endsWith(` "/" ${quoted}`)), name);
    const subscribed = await client.ok(`LSUB "" ${quoted}`);
    assert.ok(subscribed.includes(`* LSUB () "/" ${quoted}`), name);
    assert.deepEqual(await client.ok(`STATUS ${quoted} (MESSAGES)`), [
      `* STATUS ${quoted} (MESSAGES 0)`,
    ]);
    await client.ok(`SELECT ${quoted}`);
    await client.ok(`DELETE ${quoted}`);
    assert.match((await client.command("CLOSE")).join(), /^BAD /); // nothing is selected any more
  }
});

Deno.test("names that could leave the account or a line are refused", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  // deno-fmt-ignore
  const names = [
    "..", "a/../b", "./a", "/", "/a", "a//b", "\r\n* OK", "a\0b", "\u0085", "\ud800", "\udc00\ud800",
    "\t", "a\rb", "a\nb", "\x1b[2J", "\x7f", "\u2028", "\u2029", "\ufeff", "a/..", "../a", "x".repeat(256),
    "a/".repeat(32) + "a", ("é".repeat(120) + "/").repeat(5) + "x",
  ];
  for (const name of names) {
    for (const text of [`CREATE "${encodeUtf7(name)}"`, `RENAME Sent "${encodeUtf7(name)}"`]) {
      const replies = await client.command(text);
      assert.deepEqual(replies, ["NO [CANNOT] Not a possible mailbox name"], text);
    }
  }
});

Deno.test("a client that has enabled UTF-8 cannot name a mailbox in anything else", async () => {
  await using world = await makeWorld("empty");
  const octets = [
    "\xc0\xaf", // overlong: "/"
    "\xe0\x80\xae\xe0\x80\xae", // overlong: ".."
    "\xc1\xbf",
    "\xed\xa0\x80", // a surrogate
    "\xed\xa0\xbd\xed\xb8\x80", // a pair of them
    "\xf4\x90\x80\x80", // beyond the last character
    "\xe2\x82", // cut short
    "\x80",
    "\xff",
  ];
  for (const extension of ["UTF8=ACCEPT", "IMAP4rev2"]) {
    const client = await world.login();
    await client.ok(`ENABLE ${extension}`);
    for (const name of octets) {
      for (const text of [`CREATE "${name}"`, `CREATE {${name.length}+}\r\n${name}`]) {
        const reply = (await client.command(text)).join();
        assert.match(reply, /^(?:BAD |NO \[CANNOT\])/, JSON.stringify([extension, text]));
      }
    }
    assert.equal((await client.ok('LIST "" *')).length, 6);
  }
  // Whoever has not may write names in UTF-8, and in nothing else either.
  const client = await world.login();
  for (const name of octets) {
    assert.match((await client.command(`CREATE "${name}"`)).join(), /^(?:BAD |NO \[CANNOT\])/);
  }
  assert.equal((await client.ok('LIST "" *')).length, 6);
});

Deno.test("one mailbox has one name, composed or decomposed, in any case", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  await client.ok(`CREATE "${encodeUtf7("Entwu\u0308rfe")}"`);
  const same = await client.command(`CREATE "${encodeUtf7("ENTWÜRFE")}"`);
  assert.deepEqual(same, ["NO [ALREADYEXISTS] Mailbox exists"]);
  assert.deepEqual(await client.ok('LIST "" Ent*'), [
    '* LIST (\\HasNoChildren) "/" "Entw&APw-rfe"',
  ]);
});

Deno.test("DELETE and CREATE at once give a larger UIDVALIDITY", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  let last = 0;
  for (let i = 0; i < 3; i++) {
    await client.ok("CREATE again");
    const [line = ""] = await client.ok("STATUS again (UIDVALIDITY)");
    const uidValidity = Number(/UIDVALIDITY (\d+)/.exec(line)?.[1]);
    assert.ok(uidValidity > last);
    last = uidValidity;
    await client.ok("DELETE again");
  }
});

Deno.test("who has a mailbox selected that is deleted elsewhere is sent away", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  const other = await world.login();
  await client.ok("CREATE doomed");
  await other.ok("SELECT doomed");
  await client.ok("DELETE doomed");
  assert.match((await other.command("NOOP")).join("\n"), /^\* BYE .*reconnect\nOK NOOP completed$/);
  assert.equal(await other.tryLine(), null);
});

Deno.test("NOTIFY: a mailbox that is deleted above others is told as what it has become", async () => {
  await using world = await makeWorld("empty");
  const [watcher, other] = [await world.login(), await world.login()];
  await other.ok("CREATE Work/2026");
  await watcher.ok("NOTIFY SET (personal (MailboxName))");
  await other.ok("DELETE Work");
  assert.equal(await watcher.readLine(), '* LIST (\\NonExistent \\HasChildren) "/" "Work"');
  await other.ok("RENAME Work Old");
  assert.equal(
    await watcher.readLine(),
    '* LIST (\\HasNoChildren) "/" "Old/2026" ("OLDNAME" ("Work/2026"))',
  );
  await other.ok("CREATE Old");
  assert.equal(await watcher.readLine(), '* LIST (\\HasChildren) "/" "Old"');
  await other.ok("DELETE Old/2026");
  assert.equal(await watcher.readLine(), '* LIST (\\NonExistent) "/" "Old/2026"');
});
