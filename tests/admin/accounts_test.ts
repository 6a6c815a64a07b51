import assert from "node:assert/strict";
import { verifyPassword } from "../../src/auth/passwords.ts";
import type { Terminal } from "../../src/admin/terminal.ts";
import { dumpToml } from "../../src/config/dump.ts";
import { embeddedConfig } from "../../src/config/embedded.ts";
import type { DatabaseConfig } from "../../src/config/config.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { AccountStore } from "../../src/store/accounts.ts";
import { Database } from "../../src/store/database.ts";
import { testDatabase } from "../support/postgres.ts";
import { run } from "./played_terminal.ts";

const observe = { log: logger("test"), metrics: new Metrics() };

/** A configuration file for a database of its own; runs sora-admin on it. */
async function fixture() {
  const database = await testDatabase();
  const file = await Deno.makeTempFile({ suffix: ".toml" });
  const config = { ...embeddedConfig("/nowhere"), database: database.config };
  await Deno.writeTextFile(file, dumpToml(config, { secrets: true }));
  return {
    config: database.config,
    run: (line: string, terminal: Partial<Terminal> = {}) =>
      run([...line.split(" "), "--config", file], terminal),
    async [Symbol.asyncDispose]() {
      await Deno.remove(file);
      await database[Symbol.asyncDispose]();
    },
  };
}

async function hashOf(config: DatabaseConfig, address: string): Promise<string> {
  await using database = await Database.open(config, observe);
  const credential = await new AccountStore(database).credential(address);
  return credential?.passwordHash ?? "";
}

Deno.test("sora-admin accounts: an account's life", async () => {
  await using admin = await fixture();
  const created = await admin.run("accounts create --email User@Example.com --password hunter22");
  assert.deepEqual(created, { code: 0, out: "Created user@example.com\n", err: "" });
  const hash = await hashOf(admin.config, "user@example.com");
  assert.match(hash, /^\{BLF-CRYPT\}\$2b\$12\$/);
  assert.equal(await verifyPassword("hunter22", hash), true);

  const again = await admin.run("accounts create --email user@example.com --password x");
  assert.equal(again.code, 1);
  assert.equal(again.err, "sora-admin: user@example.com already exists\n");

  const shown = await admin.run("accounts show --email user@example.com --json");
  const account = JSON.parse(shown.out);
  assert.equal(account.address, "user@example.com");
  assert.equal(account.deletedAt, null);
  assert.equal(account.credentials[0].scheme, "BLF-CRYPT");
  assert.equal(shown.out.includes(hash) || shown.out.includes("$2b$"), false);
  const people = await admin.run("accounts show --email user@example.com");
  assert.match(people.out, /^Address {2}user@example\.com\nCreated {2}\d{4}-\d\d-\d\d /);

  const deleted = await admin.run("accounts delete --email user@example.com");
  assert.equal(deleted.code, 0);
  assert.deepEqual(JSON.parse((await admin.run("accounts list --json")).out), []);
  assert.equal((await admin.run("accounts list")).out, "No accounts\n");
  assert.equal(JSON.parse((await admin.run("accounts list --deleted --json")).out).length, 1);
  assert.equal((await admin.run("accounts delete --email user@example.com")).code, 1);
  const reborn = await admin.run("accounts create --email user@example.com --password x");
  assert.equal(reborn.code, 1);
  assert.match(reborn.err, /is deleted: bring it back with sora-admin accounts restore/);

  assert.equal((await admin.run("accounts restore --email user@example.com")).code, 0);
  assert.equal((await admin.run("accounts restore --email user@example.com")).code, 1);
  assert.match((await admin.run("accounts list --domain example.com")).out, /user@example\.com/);
  assert.equal((await admin.run("accounts list --domain example.org")).out, "No accounts\n");
});

Deno.test("sora-admin accounts: passwords come from stdin, a person or another system", async () => {
  await using admin = await fixture();
  const stdin = { readInput: () => Promise.resolve("from stdin\n") };
  await admin.run("accounts create --email a@example.com --password-stdin --hash ssha512", stdin);
  const first = await hashOf(admin.config, "a@example.com");
  assert.match(first, /^\{SSHA512\}/);
  assert.equal(await verifyPassword("from stdin", first), true);

  const asked: string[] = [];
  const person = (...answers: (string | null)[]): Partial<Terminal> => ({
    isInteractive: true,
    askPassword: (label) => {
      asked.push(label);
      return Promise.resolve(answers.shift() ?? null);
    },
  });
  const update = "accounts update --email a@example.com --hash sha512";
  assert.equal((await admin.run(update, person("typed", "typed"))).code, 0);
  assert.equal(asked.length, 2);
  const second = await hashOf(admin.config, "a@example.com");
  assert.equal(await verifyPassword("typed", second), true);
  const differ = await admin.run(update, person("typed", "typo"));
  assert.deepEqual(differ, { code: 1, out: "", err: "sora-admin: the two passwords differ\n" });
  assert.equal((await admin.run(update, person(null))).code, 1);
  assert.equal((await admin.run(update, person("", ""))).code, 1);

  const imported = await admin.run(
    `accounts update --email a@example.com --password-hash ${first}`,
  );
  assert.equal(imported.code, 0);
  assert.equal(await hashOf(admin.config, "a@example.com"), first);
  const nobody = await admin.run(
    "accounts update --email b@example.com --password x --hash sha512",
  );
  assert.deepEqual(nobody, { code: 1, out: "", err: "sora-admin: there is no such account\n" });
});

Deno.test("sora-admin migrate says where the schema stands", async () => {
  await using admin = await fixture();
  const status = JSON.parse((await admin.run("migrate status --json")).out);
  assert.equal(status.current, status.latest);
  assert.deepEqual(status.pending, []);
  const up = await admin.run("migrate up");
  assert.deepEqual(up, { code: 0, out: `Database at version ${status.latest}\n`, err: "" });
});

Deno.test("sora-admin says what to check when the database cannot be used", async () => {
  await using admin = await fixture();
  const file = await Deno.makeTempFile({ suffix: ".toml" });
  const { write } = admin.config;
  const cases: readonly (readonly [Partial<typeof write>, RegExp])[] = [
    [{ hosts: ["127.0.0.1"], port: 1 }, /127\.0\.0\.1:1 .*check that PostgreSQL runs there/],
    [{ name: "no_such_database" }, /no_such_database .*create this database first/],
  ];
  try {
    for (const [change, expected] of cases) {
      const database = { ...admin.config, write: { ...write, ...change } };
      const config = { ...embeddedConfig("/nowhere"), database };
      await Deno.writeTextFile(file, dumpToml(config, { secrets: true }));
      const { code, err } = await run(["accounts", "list", "--config", file]);
      assert.equal(code, 69, err);
      assert.match(err, expected);
      assert.equal(err.trimEnd().includes("\n"), false);
    }
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("sora-admin does not make a data folder where none is", async () => {
  const { code, err } = await run(["accounts", "list", "--data", "/nowhere/sora-data"]);
  assert.equal(code, 1);
  assert.match(err, /there is no data folder \/nowhere\/sora-data/);
});
