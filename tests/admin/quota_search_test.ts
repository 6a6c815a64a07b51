import assert from "node:assert/strict";
import { dumpToml } from "../../src/config/dump.ts";
import { embeddedConfig } from "../../src/config/embedded.ts";
import { testDatabase } from "../support/postgres.ts";
import { run } from "./played_terminal.ts";

Deno.test("sora-admin quota and search", async () => {
  await using database = await testDatabase();
  const file = await Deno.makeTempFile({ suffix: ".toml" });
  const config = { ...embeddedConfig("/nowhere"), database: database.config };
  await Deno.writeTextFile(file, dumpToml(config, { secrets: true }));
  const admin = (line: string) => run([...line.split(" "), "--config", file]);
  try {
    await admin("accounts create --email a@example.org --password secret11");
    const set = await admin("quota set --email a@example.org --storage 5gb --mailboxes 10");
    assert.deepEqual(set, {
      code: 0,
      out: "Address    a@example.org\nStorage    0 of 5gb\nMessages   0 of any number\n" +
        "Mailboxes  6 of 10\n",
      err: "",
    });
    await admin("quota set --email a@example.org --storage none --messages 1000");
    const shown = JSON.parse((await admin("quota show --email a@example.org --json")).out);
    assert.deepEqual(shown.limits, { storageBytes: null, messages: 1000, mailboxes: 10 });
    assert.equal((await admin("quota set --email a@example.org")).code, 64);
    assert.equal((await admin("quota set --email a@example.org --storage much")).code, 64);
    assert.equal((await admin("quota show --email b@example.org")).code, 1);
    assert.equal((await admin("search status")).out, "All messages are indexed\n");
    const reindexed = await admin("search reindex --email a@example.org");
    assert.equal(reindexed.out, "0 mailboxes are being indexed anew\n");
    assert.equal((await admin("search reindex")).code, 64);
  } finally {
    await Deno.remove(file);
  }
});
