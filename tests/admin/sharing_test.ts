import assert from "node:assert/strict";
import { dumpToml } from "../../src/config/dump.ts";
import { embeddedConfig } from "../../src/config/embedded.ts";
import { testDatabase } from "../support/postgres.ts";
import { run } from "./played_terminal.ts";

const MAILBOX = "--email ada@example.com --mailbox Shared/Sales";

async function fixture(enabled = true) {
  const database = await testDatabase();
  const file = await Deno.makeTempFile({ suffix: ".toml" });
  const embedded = embeddedConfig("/nowhere");
  const config = {
    ...embedded,
    database: database.config,
    sharedMailboxes: { ...embedded.sharedMailboxes, enabled },
  };
  await Deno.writeTextFile(file, dumpToml(config, { secrets: true }));
  const admin = (line: string) => run([...line.split(" "), "--config", file]);
  for (const name of ["ada", "bob"]) {
    await admin(`accounts create --email ${name}@example.com --password secret1234`);
  }
  return {
    run: admin,
    async [Symbol.asyncDispose]() {
      await Deno.remove(file);
      await database[Symbol.asyncDispose]();
    },
  };
}

Deno.test("sora-admin makes shared mailboxes and says who may do what with them", async () => {
  await using admin = await fixture();
  const made = await admin.run(`mailboxes share ${MAILBOX}`);
  assert.deepEqual(made, { code: 0, out: "Made Shared/Sales\n", err: "" });
  assert.equal((await admin.run(`mailboxes share ${MAILBOX}`)).code, 1);
  const granted = await admin.run(`acl grant ${MAILBOX} --identifier bob@example.com --rights lrs`);
  assert.deepEqual(granted.out, "Granted bob@example.com rights on Shared/Sales\n");
  await admin.run(`acl grant ${MAILBOX} --identifier bob@example.com --rights +wd`);
  await admin.run(`acl grant ${MAILBOX} --identifier bob@example.com --rights=-s`);
  assert.equal(
    (await admin.run(`acl list ${MAILBOX}`)).out,
    "WHO              RIGHTS\nada@example.com  lrswipkxtea\nbob@example.com  lrwte\n",
  );
  // Whoever of the domain is named: an operator needs no rights.
  const other = "--email bob@example.com --mailbox shared/sales";
  await admin.run(`acl revoke ${other} --identifier bob@example.com`);
  assert.deepEqual(JSON.parse((await admin.run(`acl list ${other} --json`)).out), [
    { identifier: "ada@example.com", rights: "lrswipkxtea" },
  ]);
});

Deno.test("sora-admin acl and mailboxes share name what is wrong", async () => {
  await using admin = await fixture();
  await using off = await fixture(false);
  await admin.run(`mailboxes share ${MAILBOX}`);
  const wrong: readonly (readonly [line: string, message: RegExp])[] = [
    ["acl list --email ada@example.com --mailbox Nowhere", /no mailbox "Nowhere"/],
    ["acl list --email eve@example.com --mailbox INBOX", /no such account/],
    [`acl grant ${MAILBOX} --identifier eve@example.com --rights l`, /no such account/],
    [`acl grant ${MAILBOX} --identifier bob@example.com --rights lq`, /no rights/],
    [`acl grant ${MAILBOX} --identifier anyone --rights l`, /not supported/],
    [`acl revoke ${MAILBOX} --identifier ada@example.com`, /not supported/],
    ["mailboxes share --email ada@example.com --mailbox Sales", /below Shared\//],
  ];
  for (const [line, message] of wrong) {
    const { code, err } = await admin.run(line);
    assert.notEqual(code, 0, line);
    assert.match(err, message, line);
  }
  assert.match((await off.run(`mailboxes share ${MAILBOX}`)).err, /not enabled/);
});
