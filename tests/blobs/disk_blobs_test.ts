import assert from "node:assert/strict";
import { type ObjectKey, objectKey } from "../../src/blobs/blobs.ts";
import { DiskBlobs } from "../../src/blobs/disk_blobs.ts";
import { sweepLeftovers } from "../../src/blobs/sweep.ts";
import { fromBinary } from "../../src/lib/bytes.ts";
import { Refused } from "../../src/lib/refused.ts";
import type { Log } from "../../src/observe/log.ts";
import { spooled, testBlobs } from "./contract.ts";

testBlobs("DiskBlobs", async () => {
  const folder = await Deno.makeTempDir();
  return {
    blobs: new DiskBlobs(`${folder}/not/there/yet`),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
});

interface Bench {
  readonly blobs: DiskBlobs;
  readonly folder: string;
  readonly errors: string[];
}

function testDisk(title: string, body: (bench: Bench) => Promise<void>): void {
  Deno.test(`DiskBlobs ${title}`, async () => {
    const folder = await Deno.makeTempDir();
    const errors: string[] = [];
    const log: Log = {
      debug: () => {},
      info: () => {},
      warning: () => {},
      error: (event) => void errors.push(event),
      with: () => log,
    };
    try {
      await body({ blobs: new DiskBlobs(folder, { log }), folder, errors });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

/** Every file below a folder. */
async function files(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) found.push(...await files(path));
    else found.push(path);
  }
  return found;
}

const isUnavailable = (error: unknown) =>
  error instanceof Refused && error.refusal.kind === "unavailable";

testDisk("never gives a damaged body", async ({ blobs, folder, errors }) => {
  const message = await spooled("From: a\r\n\r\nbody\r\n");
  const key = objectKey("user@example.com", message.hash);
  await blobs.put(key, message);
  const [path = ""] = await files(folder);
  const damages: [string, Uint8Array][] = [
    ["empty", new Uint8Array(0)],
    ["truncated", fromBinary("From: a\r\n")],
    ["changed", fromBinary("From: b\r\n\r\nbody\r\n")],
    ["longer", fromBinary("From: a\r\n\r\nbody\r\n\r\n")],
  ];
  for (const [name, bytes] of damages) {
    errors.length = 0;
    await Deno.writeFile(path, bytes);
    await assert.rejects(blobs.get(key), isUnavailable, name);
    assert.deepEqual(errors, ["body storage failed"], name);
  }
  await Deno.writeFile(path, fromBinary("From: a\r\n"));
  await assert.rejects(blobs.range(key, 0, 12), isUnavailable);
});

testDisk("makes a damaged body whole when it is put again", async ({ blobs, folder }) => {
  const message = await spooled("a whole message");
  const key = objectKey("user@example.com", message.hash);
  await blobs.put(key, message);
  const [path = ""] = await files(folder);
  for (const damage of ["a who", "another message", ""]) {
    await Deno.writeFile(path, fromBinary(damage));
    await blobs.put(key, message);
    assert.deepEqual(await blobs.get(key), message.bytes);
  }
  assert.deepEqual(await files(folder), [path]);
});

testDisk("takes a spool file as it is, and again", async ({ blobs, folder }) => {
  const spool = await Deno.makeTempDir();
  const message = await spooled("x".repeat(5_000), { memoryMax: 10, folder: spool });
  const key = objectKey("user@example.com", message.hash);
  await blobs.put(key, message);
  await blobs.put(key, message);
  assert.equal((await files(folder)).length, 1);
  await message.discard();
  assert.equal((await blobs.get(key))?.length, 5_000);
  await Deno.remove(spool, { recursive: true });
});

testDisk("keeps every file in its folder", async ({ blobs, folder }) => {
  const message = await spooled("stay");
  const hash = message.hash;
  const keys = ["../../../x", "..%2f", "/etc", "a/../b", ".", ""].flatMap((name) => [
    objectKey(`${name}@example.com`, hash),
    objectKey(`user@${name}`, hash),
    `${name}/${hash}` as ObjectKey,
  ]);
  for (const key of keys) await blobs.put(key, message);
  const paths = await files(folder);
  assert.equal(paths.length, new Set(keys).size);
  for (const path of paths) {
    assert.match(path.slice(folder.length), /^\/[0-9a-f]{2}\/[0-9a-f]{64}\.[^/]*$/);
  }
  await assert.rejects(blobs.get("example.com/user/../x" as ObjectKey));
});

testDisk("lists long names after a restart, and no file of others", async ({ blobs, folder }) => {
  const message = await spooled("long");
  const keys = [objectKey(`${"x".repeat(240)}@example.com`, message.hash)];
  keys.push(objectKey("short@example.com", message.hash));
  for (const key of keys) await blobs.put(key, message);
  const other = message.hash.slice(0, 2);
  await Deno.writeTextFile(`${folder}/${other}/README`, "");
  await Deno.writeTextFile(`${folder}/${other}/${message.hash}.%zz`, "");
  await Deno.writeTextFile(`${folder}/${other}/${message.hash}.${"0".repeat(64)}`, "");
  const again = new DiskBlobs(folder);
  const listed = async () => (await Array.fromAsync(again.list(""))).flat();
  assert.deepEqual((await listed()).map(({ key }) => key).sort(), keys.toSorted());
  assert.deepEqual((await listed()).map(({ sizeBytes }) => sizeBytes), [4, 4]);
  await again.deleteMany(keys);
  assert.deepEqual(await listed(), []);
});

testDisk("leaves nothing behind when a write fails", async ({ blobs, folder }) => {
  const message = await spooled("x".repeat(5_000), { memoryMax: 10, folder });
  await message.discard(); // The spool file is gone when it is to be copied.
  await assert.rejects(
    blobs.put(objectKey("user@example.com", message.hash), message),
    isUnavailable,
  );
  assert.deepEqual(await files(folder), []);
});

testDisk("is in trouble, not empty, when its folder is a file", async ({ folder }) => {
  await Deno.writeTextFile(`${folder}/file`, "");
  const message = await spooled("lost");
  const key = objectKey("user@example.com", message.hash);
  const blobs = new DiskBlobs(`${folder}/file`);
  await assert.rejects(blobs.put(key, message), isUnavailable);
  await assert.rejects(blobs.get(key), isUnavailable);
});

Deno.test("sweepLeftovers() removes old files only", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/old`, "");
  await Deno.writeTextFile(`${folder}/young`, "");
  const now = Date.now();
  await Deno.utime(`${folder}/old`, now / 1000 - 90_000, now / 1000 - 90_000);
  assert.equal(await sweepLeftovers(folder, now), 1);
  assert.deepEqual(await files(folder), [`${folder}/young`]);
  assert.equal(await sweepLeftovers(`${folder}/not-there`), 0);
  await Deno.remove(folder, { recursive: true });
});
