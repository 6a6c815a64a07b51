import assert from "node:assert/strict";
import { DiskBlobs } from "../../src/blobs/disk_blobs.ts";
import { dumpToml } from "../../src/config/dump.ts";
import { embeddedConfig } from "../../src/config/embedded.ts";
import { spooled } from "../blobs/contract.ts";
import { keyOf } from "../jobs/cleaner_fixture.ts";
import { testDatabase } from "../support/postgres.ts";
import { run } from "./played_terminal.ts";

Deno.test("sora-admin verify storage: tells of orphans on the disk, and removes them", async () => {
  await using database = await testDatabase();
  const folder = await Deno.makeTempDir();
  try {
    const config = { ...embeddedConfig(folder), database: database.config };
    await Deno.writeTextFile(`${folder}/config.toml`, dumpToml(config, { secrets: true }));
    const admin = (line: string) =>
      run([..."verify storage --config".split(" "), `${folder}/config.toml`, ...line.split(" ")]);
    assert.equal((await admin("--deep")).code, 0);
    const blobs = new DiskBlobs(`${folder}/bodies`);
    await blobs.put(keyOf("orphan"), await spooled("orphan"));
    for await (const { name, path } of filesBelow(`${folder}/bodies`)) {
      const longAgo = new Date(Date.now() - 3 * 86_400_000);
      if (name.includes(".")) await Deno.utime(path, longAgo, longAgo);
    }
    const found = await admin("--jobs 2");
    assert.equal(found.code, 1);
    assert.match(found.out, /^Orphans +1$/m);
    assert.match(found.out, new RegExp(`^orphan: ${keyOf("orphan").replace("+", "\\+")}$`, "m"));
    const kept = await admin("--fix --json");
    assert.deepEqual([kept.code, JSON.parse(kept.out).orphansRemoved], [1, 0]);
    const fixed = await admin("--fix --unknown-accounts --json");
    assert.equal(fixed.code, 0, fixed.err);
    const { ok, counts, orphansRemoved } = JSON.parse(fixed.out);
    assert.deepEqual([ok, counts.orphan, orphansRemoved], [true, 1, 1]);
    assert.equal(await blobs.exists(keyOf("orphan")), false);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function* filesBelow(folder: string): AsyncGenerator<{ name: string; path: string }> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* filesBelow(path);
    else yield { name, path };
  }
}
