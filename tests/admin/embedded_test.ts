import assert from "node:assert/strict";
import { lockDataDir } from "../../src/store/data_lock.ts";
import { startEmbeddedPostgres } from "../../src/store/embedded_postgres.ts";
import { logger } from "../../src/observe/log.ts";
import { run } from "./played_terminal.ts";

const env = { SORA_PG: Deno.env.get("SORA_PG") };

Deno.test("sora-admin --data starts the private PostgreSQL, or uses the one that runs", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "sora-admin-" });
  const admin = (...args: string[]) => run([...args, "--data", dataDir], { env });
  try {
    const email = ["--email", "a@example.com"];
    const created = await admin("accounts", "create", ...email, "--password", "x");
    assert.deepEqual(created, { code: 0, out: "Created a@example.com\n", err: "" });
    {
      using _lock = await lockDataDir(dataDir);
      const locked = await admin("accounts", "list");
      assert.equal(locked.code, 1);
      assert.match(locked.err, /^sora-admin: .*in use by another Sora, process \d+\n$/);

      const source = env.SORA_PG ?? "auto";
      const log = logger("test");
      await using _running = await startEmbeddedPostgres({ dataDir, source, log, restart: false });
      const list = await admin("accounts", "list", "--json");
      assert.deepEqual(JSON.parse(list.out).map(({ address }: { address: string }) => address), [
        "a@example.com",
      ]);
    }
    const status = JSON.parse((await admin("migrate", "status", "--json")).out);
    assert.deepEqual(status.pending, []);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});
