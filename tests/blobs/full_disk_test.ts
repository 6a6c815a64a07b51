import assert from "node:assert/strict";
import { objectKey } from "../../src/blobs/blobs.ts";
import { BodyCache } from "../../src/blobs/body_cache.ts";
import { Staging } from "../../src/blobs/staging.ts";
import { Refused } from "../../src/lib/refused.ts";
import { sha256, spooled } from "./contract.ts";
import { filesIn } from "./staged.ts";

/** Octets of the disk; and what is put on it, one after the other. */
const DISK_BYTES = 1024 * 1024;
const BODY_BYTES = 100_000;

/** A disk of its own; null where this process may not make one. */
async function smallDisk(): Promise<{ readonly folder: string } & AsyncDisposable | null> {
  const folder = await Deno.makeTempDir();
  const run = async (...args: string[]) => {
    const command = new Deno.Command(args[0] ?? "", { args: args.slice(1), stderr: "null" });
    return await command.output().then(({ success }) => success, () => false);
  };
  if (!await run("mount", "-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "none", folder)) {
    await Deno.remove(folder);
    return null;
  }
  return {
    folder,
    async [Symbol.asyncDispose]() {
      await run("umount", folder);
      await Deno.remove(folder);
    },
  };
}

const probe = await smallDisk();
await probe?.[Symbol.asyncDispose]();

function body(n: number): Uint8Array {
  const bytes = new Uint8Array(BODY_BYTES).fill(n);
  return bytes;
}

Deno.test({
  name: "Staging on a full disk refuses for the moment, and keeps what it has (needs mount)",
  ignore: probe === null,
  async fn() {
    await using disk = await smallDisk();
    assert.ok(disk);
    const staging = new Staging({ directory: `${disk.folder}/uploads`, maxBytes: 0 });
    const kept = [];
    let refusal: unknown;
    for (let n = 0; n < 20 && !refusal; n++) {
      const message = await spooled(body(n));
      const key = objectKey("user@example.com", message.hash);
      try {
        await staging.put(key, message);
        kept.push({ key, message });
      } catch (error) {
        refusal = error;
      }
    }
    assert.ok(refusal instanceof Refused && refusal.refusal.kind === "storage-full");
    assert.ok(kept.length >= 8);
    assert.equal((await filesIn(disk.folder)).length, kept.length);
    for (const { key, message } of kept) assert.deepEqual(await staging.get(key), message.bytes);
    const [first] = kept;
    assert.ok(first);
    // Somebody has uploaded it: it goes, and another one has room.
    const { key, message: { sizeBytes } } = first;
    assert.ok(await staging.removeOld({ key, sizeBytes }, Infinity));
    const last = await spooled(body(99));
    await staging.put(objectKey("user@example.com", last.hash), last);
  },
});

Deno.test({
  name: "BodyCache on a full disk keeps what it can, and breaks nothing (needs mount)",
  ignore: probe === null,
  async fn() {
    await using disk = await smallDisk();
    assert.ok(disk);
    const cache = new BodyCache({
      directory: `${disk.folder}/cache`,
      capacityBytes: 1e9,
      maxObjectBytes: 1e6,
    });
    let kept = 0;
    for (let n = 0; n < 20; n++) {
      const key = objectKey("user@example.com", sha256(body(n)));
      await cache.put(key, body(n));
      const found = await cache.get(key);
      if (found) kept++;
      if (found) assert.deepEqual(found, body(n));
    }
    assert.ok(kept >= 8 && kept < 20);
    assert.equal((await filesIn(disk.folder)).length, kept);
  },
});
