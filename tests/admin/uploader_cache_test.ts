import assert from "node:assert/strict";
import { join } from "node:path";
import { dumpToml } from "../../src/config/dump.ts";
import { embeddedConfig } from "../../src/config/embedded.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { Database, sql } from "../../src/store/database.ts";
import { testDatabase } from "../support/postgres.ts";
import { run } from "./played_terminal.ts";

Deno.test("sora-admin uploader tells what is not in the object store, and tries again", async () => {
  await using database = await testDatabase();
  const folder = await Deno.makeTempDir();
  const file = join(folder, "config.toml");
  const config = { ...embeddedConfig(folder), database: database.config };
  await Deno.writeTextFile(file, dumpToml(config, { secrets: true }));
  const admin = (line: string) => run([...line.split(" "), "--config", file]);
  try {
    assert.equal((await admin("uploader status")).out, "Everything is in the object store\n");
    assert.equal((await admin("uploader failed")).out, "No upload has failed\n");
    await Deno.writeTextFile(join(folder, "instance-id"), "node-1\n");
    await using db = await Database.open(database.config, {
      log: logger("t"),
      metrics: new Metrics(),
    });
    await db.write(sql`
      INSERT INTO pending_uploads (object_key, account_id, size_bytes, instance_id, body, attempts,
        last_error, created_at, next_attempt_at)
      VALUES ('example.org/a/1', 1, 2048, 'node-1', NULL, 20, 'the staged body is missing',
          '2026-03-01 10:00Z', now() + interval '1 h'),
        ('example.org/a/2', 1, 1024, 'node-2', NULL, 0, NULL, '2026-03-01 11:00Z', now()),
        ('example.org/b/3', 2, 1024, NULL, 'x', 3, 'down', '2026-03-01 12:00Z', now())`);
    const status = await admin("uploader status");
    assert.equal(
      status.out,
      "Instance       Pending  Size  Only there  Failed  Running  Oldest\n" +
        "node-1 (this)  1        2kb   2kb         1       0        2026-03-01 10:00 UTC\n" +
        "node-2         1        1kb   1kb         0       0        2026-03-01 11:00 UTC\n" +
        "(database)     1        1kb   0           0       0        2026-03-01 12:00 UTC\n",
    );
    const json = JSON.parse((await admin("uploader status --json")).out);
    assert.equal(json.instanceId, "node-1");
    assert.deepEqual([json.pending, json.sizeBytes, json.failed], [3, 4096, 1]);
    const failed = await admin("uploader failed");
    assert.match(failed.out, /^example\.org\/a\/1 .* 20 .* the staged body is missing$/m);
    assert.doesNotMatch(failed.out, /example\.org\/b\/3/);
    const all = JSON.parse((await admin("uploader failed --max-attempts 1 --json")).out);
    assert.deepEqual(all.map((one: { objectKey: string }) => one.objectKey), [
      "example.org/a/1",
      "example.org/b/3",
    ]);
    assert.equal((await admin("uploader failed --limit 0")).code, 64);
    assert.equal((await admin("uploader failed --limit x")).code, 64);
    const one = await admin("uploader retry --key example.org/b/3");
    assert.equal(one.out, "1 uploads are tried again\n");
    assert.equal((await admin("uploader retry")).out, "1 uploads are tried again\n");
    assert.equal(JSON.parse((await admin("uploader retry --json")).out).retried, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("sora-admin cache shows what is there, and removes it", async () => {
  const folder = await Deno.makeTempDir();
  const file = join(folder, "config.toml");
  const cache = join(folder, "kept");
  await Deno.writeTextFile(
    file,
    `data_dir = ${JSON.stringify(folder)}
[local_cache]
path = ${JSON.stringify(cache)}
capacity = "2gb"
[servers.imap]
`,
  );
  const admin = (line: string) => run([...line.split(" "), "--config", file]);
  try {
    assert.match((await admin("cache stats")).out, /^Bodies +0$/m);
    assert.equal((await admin("cache metrics")).out, "No server has noted anything yet\n");
    await Deno.mkdir(join(cache, "ab"), { recursive: true });
    await Deno.writeFile(join(cache, "ab", `ab${"0".repeat(62)}.a`), new Uint8Array(3072));
    await Deno.writeTextFile(
      join(cache, "report.json"),
      JSON.stringify({
        bytes: 3072,
        hits: 3,
        misses: 1,
        stored: 1,
        evicted: 0,
        damaged: 0,
        at: "2026-03-01T10:00:00Z",
      }),
    );
    const stats = await admin("cache stats");
    assert.match(stats.out, /^Size +3kb of 2gb$/m);
    assert.match(stats.out, /\(not used\)/);
    const json = JSON.parse((await admin("cache stats --json")).out);
    assert.deepEqual([json.files, json.bytes, json.isUsed], [1, 3072, false]);
    assert.match((await admin("cache metrics")).out, /^Found +3 of 4 \(75%\)$/m);
    assert.equal(JSON.parse((await admin("cache metrics --json")).out).hits, 3);
    assert.equal((await admin("cache purge")).out, "1 bodies removed, 3kb\n");
    assert.deepEqual(JSON.parse((await admin("cache purge --json")).out), { files: 0, bytes: 0 });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
