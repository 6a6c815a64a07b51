import assert from "node:assert/strict";
import { objectKey } from "../../src/blobs/blobs.ts";
import { openObjectStore } from "../../src/blobs/open_object_store.ts";
import type { Config } from "../../src/config/config.ts";
import { dumpToml } from "../../src/config/dump.ts";
import { embeddedConfig } from "../../src/config/embedded.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { Database } from "../../src/store/database.ts";
import { tryObjectLocks } from "../../src/store/object_lock.ts";
import { sha256, spooled } from "../blobs/contract.ts";
import { bytesOf, KEY_A, KEY_B, legacyObject } from "../blobs/encryption.ts";
import { testDatabase } from "../support/postgres.ts";
import { S3Server } from "../support/s3_server.ts";
import { run } from "./played_terminal.ts";

const both = `encryption_key = "${KEY_A}"\n[[s3.encryption_keys]]\nid = "next"\nkey = "${KEY_B}"\n`;

/** Runs `storage rekey` with these keys in `[s3]`. */
async function rekeyWith(
  { server, database }: {
    readonly server: S3Server;
    readonly database: NonNullable<Config["database"]>;
  },
  encryption: string,
  args = "",
): Promise<{ code: number; out: string; err: string }> {
  const file = await Deno.makeTempFile({ suffix: ".toml" });
  try {
    const config = { ...embeddedConfig("/nowhere"), database, s3: server.loaded(encryption) };
    await Deno.writeTextFile(file, dumpToml(config, { secrets: true }));
    const words = `storage rekey --config ${file} ${args}`.trim().split(" ");
    return await run(words);
  } finally {
    await Deno.remove(file);
  }
}

async function put(server: S3Server, encryption: string, body: Uint8Array): Promise<string> {
  using store = await openObjectStore(server.loaded(encryption));
  await store.checkKeys();
  const key = objectKey("user@example.com", sha256(body));
  await store.blobs.put(key, await spooled(body, { memoryMax: 10_000_000 }));
  return key;
}

async function get(server: S3Server, encryption: string, key: string): Promise<Uint8Array | null> {
  using store = await openObjectStore(server.loaded(encryption));
  await store.checkKeys();
  return await store.blobs.get(key as Parameters<typeof store.blobs.get>[0]);
}

Deno.test("sora-admin storage rekey: every object gets the current key, and the old one can go", async () => {
  await using fixture = await testDatabase();
  await using server = S3Server.start();
  const where = { server, database: fixture.config };
  const old = `encrypt = true\nencryption_key = "${KEY_A}"\n`;
  const next = `encrypt = true\nencryption_current = "next"\n${both}`;
  const bodies = Array.from({ length: 30 }, (_, i) => bytesOf(1_000 * i * i, i + 1));
  const keys = [];
  for (const body of bodies) keys.push(await put(server, old, body));
  const legacy = bytesOf(7_000, 99);
  keys.push(objectKey("go@example.com", sha256(legacy)));
  bodies.push(legacy);
  server.objects.set(keys.at(-1) ?? "", legacyObject(legacy, KEY_A));
  server.objects.set("example.com/notes.txt", new Uint8Array(3)); // somebody else's
  const plain = new Map(server.objects);

  const dry = await rekeyWith(where, next, "--dry-run --json");
  assert.equal(dry.code, 0, dry.err);
  const { objects, before, changed } = JSON.parse(dry.out);
  assert.deepEqual([objects, before, changed], [31, { "": 1, default: 30 }, 31]);
  assert.deepEqual(
    [...server.objects.keys()].filter((key) => !plain.has(key)),
    ["sora/key-check-next"],
  );
  for (const key of keys) assert.equal(server.objects.get(key), plain.get(key));

  const part = await rekeyWith(where, next, "--prefix example.com/go/ --jobs 1");
  assert.match(part.out, /^Objects +1\n/m);
  const all = await rekeyWith(where, next);
  assert.deepEqual([all.code, all.err], [0, ""]);
  assert.match(all.out, /^Objects +31$/m);
  assert.match(all.out, /^With the key default +30\nWith the key next +1\nChanged +30$/m);
  assert.match(all.out, /^Nothing is encrypted with the key default any more$/m);
  const onlyNext = `encrypt = true\n[[s3.encryption_keys]]\nid = "next"\nkey = "${KEY_B}"\n`;
  for (const [i, key] of keys.entries()) {
    assert.deepEqual(await get(server, onlyNext, key), bodies[i], key);
  }
  const again = JSON.parse((await rekeyWith(where, onlyNext, "--json")).out);
  assert.deepEqual([again.changed, again.retired, again.before], [0, [], { next: 31 }]);

  const back = await rekeyWith(where, onlyNext.replace("true", "false"), "--decrypt");
  assert.equal(back.code, 0, back.err);
  for (const [i, key] of keys.entries()) assert.deepEqual(server.objects.get(key), bodies[i], key);
  for (const [i, key] of keys.entries()) assert.deepEqual(await get(server, "", key), bodies[i]);
});

Deno.test("sora-admin storage rekey: what cannot be read is told of, left alone, and keeps its key", async () => {
  await using fixture = await testDatabase();
  await using server = S3Server.start();
  const where = { server, database: fixture.config };
  const old = `encrypt = true\nencryption_key = "${KEY_A}"\n`;
  const next = `encrypt = true\nencryption_current = "next"\n${both}`;
  const good = await put(server, old, bytesOf(500, 1));
  const bad = await put(server, old, bytesOf(600, 2));
  const damaged = server.objects.get(bad)?.slice() ?? new Uint8Array(0);
  damaged[100] = (damaged[100] ?? 0) ^ 1;
  server.objects.set(bad, damaged);
  const ran = await rekeyWith(where, next);
  assert.equal(ran.code, 1);
  assert.match(ran.out, new RegExp(`^${bad}: Cannot decrypt chunk 0: damaged`, "m"));
  assert.match(ran.out, /^Changed +1\nFailed +1$/m);
  assert.doesNotMatch(ran.out, /any more/);
  assert.deepEqual(server.objects.get(bad), damaged);
  assert.deepEqual(await get(server, next, good), bytesOf(500, 1));
  assert.ok(server.objects.has("sora/key-check-default"));
});

Deno.test("sora-admin storage rekey: an object in use is left to whoever has it", async () => {
  await using fixture = await testDatabase();
  await using server = S3Server.start();
  const where = { server, database: fixture.config };
  const key = await put(server, `encrypt = true\nencryption_key = "${KEY_A}"\n`, bytesOf(500, 1));
  const stored = server.objects.get(key);
  const next = `encrypt = true\nencryption_current = "next"\n${both}`;
  await using database = await Database.open(fixture.config, {
    log: logger("test"),
    metrics: new Metrics(),
  });
  const ran = await database.transaction(async (tx) => {
    await tryObjectLocks(tx, [key]);
    return await rekeyWith(where, next, "--json");
  });
  assert.equal(ran.code, 1);
  assert.deepEqual(JSON.parse(ran.out).failures, [{ key, why: "it is in use" }]);
  assert.equal(server.objects.get(key), stored);
});

Deno.test("sora-admin storage rekey: says what is wrong with the configuration", async () => {
  await using fixture = await testDatabase();
  await using server = S3Server.start();
  const where = { server, database: fixture.config };
  await put(server, `encrypt = true\nencryption_key = "${KEY_A}"\n`, bytesOf(500, 1));
  const cases: [string, string, number, RegExp][] = [
    ["", "", 78, /set encrypt = true/],
    ["", "--decrypt", 78, /no key/],
    [`encrypt = true\nencryption_key = "${KEY_A}"\n`, "--decrypt", 64, /encrypt = false/],
    [`encrypt = true\nencryption_key = "${KEY_A}"\n`, "--jobs 0", 64, /--jobs/],
    [`encrypt = true\nencryption_key = "${KEY_B}"\n`, "", 78, /is not the one/],
  ];
  for (const [encryption, args, code, words] of cases) {
    const ran = await rekeyWith(where, encryption, args);
    assert.equal(ran.code, code, ran.err);
    assert.match(ran.err, words);
  }
});
