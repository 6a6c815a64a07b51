import assert from "node:assert/strict";
import { BodyCache } from "../../src/blobs/body_cache.ts";
import { DiskBlobs } from "../../src/blobs/disk_blobs.ts";
import { Staging } from "../../src/blobs/staging.ts";
import { dumpToml } from "../../src/config/dump.ts";
import { embeddedConfig } from "../../src/config/embedded.ts";
import { fromBinary } from "../../src/lib/bytes.ts";
import { spooled } from "../blobs/contract.ts";
import { keyOf } from "../jobs/cleaner_fixture.ts";
import { openFixture, someFacts, someMessage } from "../store/fixture.ts";
import { testDatabase } from "../support/postgres.ts";
import { S3Server } from "../support/s3_server.ts";
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

Deno.test("sora-admin verify storage --fix puts bodies back that are staged or cached here", async () => {
  await using it = await openFixture();
  await using s3 = S3Server.start();
  const folder = await Deno.makeTempDir();
  try {
    const plain = { encrypt: false, encryptAllowPlain: false, encryptionKeys: [] };
    const store = { ...s3.config(), ...plain, encryptionCurrent: null, manifestIntervalMs: 0 };
    const config = { ...embeddedConfig(folder), database: it.config, s3: store };
    await Deno.writeTextFile(`${folder}/config.toml`, dumpToml(config, { secrets: true }));
    const admin = (line: string) =>
      run([..."verify storage --config".split(" "), `${folder}/config.toml`, ...line.split(" ")]);
    for (const body of ["cached", "staged", "damaged", "lost"]) {
      const { hash } = await spooled(body);
      const facts = someFacts({ sizeBytes: body.length });
      await it.messages.append(someMessage(it.inbox, { hash, objectKey: keyOf(body), facts }));
    }
    s3.objects.set(keyOf("damaged"), fromBinary("d*maged"));
    const directory = `${folder}/cache`;
    const sizes = { capacityBytes: 1_000_000, maxObjectBytes: 1_000_000 };
    const cache = new BodyCache({ directory, ...sizes });
    for (const body of ["cached", "damaged"]) await cache.put(keyOf(body), fromBinary(body));
    const staging = new Staging({ directory: `${folder}/uploads`, maxBytes: 0 });
    await staging.put(keyOf("staged"), await spooled("staged"));
    const fixed = await admin("--deep --fix --json");
    const { counts, bodiesPutBack, ok } = JSON.parse(fixed.out);
    assert.deepEqual([counts.missing, counts.hash, bodiesPutBack, ok], [3, 1, 3, false]);
    for (const body of ["cached", "damaged", "staged"]) {
      assert.deepEqual(s3.objects.get(keyOf(body)), new Uint8Array(fromBinary(body)));
    }
    const again = await admin("--deep --fix");
    assert.match(again.out, /^Missing +1$/m);
    assert.match(again.out, /^Put back +0$/m);
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
