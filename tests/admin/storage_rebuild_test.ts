import assert from "node:assert/strict";
import { objectKey } from "../../src/blobs/blobs.ts";
import { Staging } from "../../src/blobs/staging.ts";
import { spooled } from "../blobs/contract.ts";
import { openObjectStore } from "../../src/blobs/open_object_store.ts";
import { dumpToml } from "../../src/config/dump.ts";
import { embeddedConfig } from "../../src/config/embedded.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { AccountStore } from "../../src/store/accounts.ts";
import { Database } from "../../src/store/database.ts";
import { MailboxStore } from "../../src/store/mailboxes.ts";
import { Notices } from "../../src/store/notices.ts";
import { deliver, serverOn, textOf, write } from "../jobs/rebuild_fixture.ts";
import { openFixture } from "../store/fixture.ts";
import { testDatabase } from "../support/postgres.ts";
import { S3Server } from "../support/s3_server.ts";
import { run } from "./played_terminal.ts";

const PLAIN = {
  encrypt: false,
  encryptAllowPlain: false,
  encryptionKeys: [],
  encryptionCurrent: null,
};

Deno.test("sora-admin storage rebuild makes a database anew, as import s3 does for one account", async () => {
  await using s3 = S3Server.start();
  const config = { ...s3.config(), ...PLAIN, manifestIntervalMs: 900_000 };
  {
    await using it = await openFixture();
    using store = await openObjectStore(config);
    const server = serverOn(it, store.blobs);
    for (let n = 1; n <= 5; n++) await deliver(server, it.inbox, n);
    await write(server);
    await deliver(server, it.inbox, 6, { described: false });
  }
  await using database = await testDatabase();
  const file = await Deno.makeTempFile({ suffix: ".toml" });
  const settings = { ...embeddedConfig("/nowhere"), database: database.config, s3: config };
  await Deno.writeTextFile(file, dumpToml(settings, { secrets: true }));
  const admin = (line: string) => run([...line.split(" "), "--config", file]);
  try {
    const dry = await admin("storage rebuild --dry-run --json");
    assert.deepEqual(JSON.parse(dry.out).accounts, [{
      account: "owner@example.com",
      result: "restored",
      mailboxes: 7,
      needsPassword: true,
      restored: 6,
      placed: 0,
      recovered: 1,
      renumbered: 0,
      there: 0,
      expunged: 0,
      lost: 0,
    }]);
    assert.equal(dry.code, 0);
    const none = await admin("import s3 --email nobody@example.com");
    assert.deepEqual(none, {
      code: 1,
      out: "The bucket has mail of no such account\n",
      err: "",
    });
    const done = await admin("import s3 --email owner@example.com");
    assert.equal(done.err, "");
    assert.match(done.out, /^ACCOUNT .*\nowner@example\.com +restored +7 +6 +0 +1 +0 +0 +0\n/);
    assert.match(done.out, /Without a password, .*: 1 accounts\n/);
    assert.equal(done.code, 0);
    const again = await admin("storage rebuild");
    assert.match(again.out, /owner@example\.com +exists +0/);
    assert.equal(again.code, 1);
    const observe = { log: logger("test"), metrics: new Metrics() };
    await using db = await Database.open(database.config, observe);
    const { id } = await new AccountStore(db).show("owner@example.com");
    const mailboxes = new MailboxStore(db, new Notices(db, { workerId: "test" }));
    const counts = (await mailboxes.list(id)).map(({ name, messages }) => [name, messages]);
    assert.deepEqual(counts.filter(([, messages]) => messages !== 0), [
      ["INBOX", 5],
      ["Recovered", 1],
    ]);
    s3.fault = () => new Response(null, { status: 503 });
    const down = await admin("storage rebuild --json");
    assert.notEqual(down.code, 0);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("sora-admin storage rebuild needs an object store, and its keys", async () => {
  await using database = await testDatabase();
  const file = await Deno.makeTempFile({ suffix: ".toml" });
  const settings = { ...embeddedConfig("/nowhere"), database: database.config };
  try {
    await Deno.writeTextFile(file, dumpToml(settings, { secrets: true }));
    const { code, err } = await run(["storage", "rebuild", "--config", file]);
    assert.equal(code, 78);
    assert.match(err, /there is no object store/);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("sora-admin storage rebuild sends what the lost server had not sent yet", async () => {
  await using s3 = S3Server.start();
  const config = { ...s3.config(), ...PLAIN, manifestIntervalMs: 900_000 };
  const folder = await Deno.makeTempDir();
  const staging = new Staging({ directory: `${folder}/uploads`, maxBytes: 0 });
  await Deno.mkdir(`${folder}/uploads`);
  {
    await using it = await openFixture();
    using store = await openObjectStore(config);
    const server = serverOn(it, store.blobs);
    const hash = await deliver(server, it.inbox, 1);
    await write(server);
    const key = objectKey("owner@example.com", hash);
    await staging.put(key, await spooled(textOf(1)));
    await store.blobs.delete(key);
  }
  await using database = await testDatabase();
  const file = `${folder}/sora.toml`;
  const settings = { ...embeddedConfig(folder), database: database.config, s3: config };
  await Deno.writeTextFile(file, dumpToml(settings, { secrets: true }));
  try {
    const done = await run(["storage", "rebuild", "--json", "--config", file]);
    const { sent, accounts: [account], problems } = JSON.parse(done.out);
    assert.deepEqual([sent, account.restored, account.lost, problems], [1, 1, 0, []]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
