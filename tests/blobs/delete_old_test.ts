import assert from "node:assert/strict";
import { type ObjectKey, objectKey } from "../../src/blobs/blobs.ts";
import { DiskBlobs } from "../../src/blobs/disk_blobs.ts";
import type { Spooled } from "../../src/blobs/spool.ts";
import { filesIn } from "./staged.ts";
import { spooled } from "./contract.ts";

const HOUR_MS = 3_600_000;

interface Open extends AsyncDisposable {
  readonly folder: string;
  readonly blobs: DiskBlobs;
  readonly body: Spooled;
  readonly key: ObjectKey;
}

async function open(): Promise<Open> {
  const folder = await Deno.makeTempDir();
  const body = await spooled("a body");
  return {
    folder,
    blobs: new DiskBlobs(folder),
    body,
    key: objectKey("user@example.com", body.hash),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** All files are as old as that. */
async function age(folder: string, ms: number): Promise<void> {
  const then = new Date(Date.now() - ms);
  for (const path of await filesIn(folder)) await Deno.utime(path, then, then);
}

const anHourAgo = () => ({ putBefore: new Date(Date.now() - HOUR_MS) });

Deno.test("DiskBlobs keeps what was put after a time, also when it was put again", async () => {
  await using it = await open();
  const { blobs, body, key, folder } = it;
  await blobs.put(key, body);
  await blobs.deleteMany([key], anHourAgo());
  assert.ok(await blobs.exists(key));
  await age(folder, 2 * HOUR_MS);
  await blobs.put(key, body);
  await blobs.deleteMany([key], anHourAgo());
  assert.ok(await blobs.exists(key));
  await age(folder, 2 * HOUR_MS);
  await blobs.deleteMany([key, objectKey("nobody@example.com", body.hash)], anHourAgo());
  assert.equal(await blobs.exists(key), false);
});

Deno.test("DiskBlobs takes a copy and a linked spool file for new, however old their files are", async () => {
  await using it = await open();
  const { blobs, body, key, folder } = it;
  await blobs.put(key, body);
  await age(folder, 2 * HOUR_MS);
  const copy = objectKey("other@example.com", body.hash);
  await blobs.copy(key, copy);
  const file = await spooled(new Uint8Array(10_000), { memoryMax: 100, folder });
  await age(folder, 2 * HOUR_MS);
  await blobs.copy(key, copy);
  const large = objectKey("user@example.com", file.hash);
  await blobs.put(large, file);
  await blobs.deleteMany([copy, large], anHourAgo());
  assert.ok(await blobs.exists(copy));
  assert.ok(await blobs.exists(large));
});

Deno.test("DiskBlobs never loses a body that is put while it is removed as too old", async () => {
  await using it = await open();
  const { blobs, body, key, folder } = it;
  for (let round = 0; round < 200; round++) {
    await blobs.put(key, body);
    await age(folder, 2 * HOUR_MS);
    await Promise.all([
      blobs.deleteMany([key], anHourAgo()),
      blobs.put(key, body),
      blobs.deleteMany([key], anHourAgo()),
    ]);
    assert.ok(await blobs.exists(key), `round ${round}`);
  }
});

Deno.test("DiskBlobs finds a body that was taken aside by a process that was killed", async () => {
  await using it = await open();
  const { blobs, body, key, folder } = it;
  await blobs.put(key, body);
  const [path = ""] = await filesIn(folder);
  const aside = `${folder}/tmp${path.slice(path.lastIndexOf("/"))}`;
  await Deno.rename(path, aside);
  assert.deepEqual(await blobs.get(key), body.bytes);
  assert.deepEqual(await filesIn(folder), [path]);
  await Deno.rename(path, aside);
  const other = objectKey("other@example.com", body.hash);
  await new DiskBlobs(folder).deleteMany([other], anHourAgo());
  assert.deepEqual(await filesIn(folder), [path], "the next one that removes puts it back");
});
