import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type Blobs, type ObjectKey, objectKey } from "../../src/blobs/blobs.ts";
import { Spool, type Spooled } from "../../src/blobs/spool.ts";
import { fromBinary } from "../../src/lib/bytes.ts";
import type { Hash } from "../../src/lib/ids.ts";
import { Refused } from "../../src/lib/refused.ts";

/** One implementation, opened for one test; disposing removes what it left. */
export interface OpenBlobs extends AsyncDisposable {
  readonly blobs: Blobs;
}

/** A message as a delivery has it: in memory, or in a file when `memoryMax` is smaller than it. */
export async function spooled(
  body: string | Uint8Array,
  options: { readonly prefix?: string; readonly memoryMax?: number; readonly folder?: string } = {},
): Promise<Spooled> {
  const { prefix = "", memoryMax = 1_000_000, folder = "" } = options;
  const spool = new Spool(folder, { prefix: fromBinary(prefix), memoryMax });
  await spool.write(typeof body === "string" ? fromBinary(body) : body);
  return await spool.finish();
}

/** A message some of whose facts are not true. */
export function altered(message: Spooled, changes: Partial<Spooled>): Spooled {
  return {
    hash: message.hash,
    receivedHash: message.receivedHash,
    sizeBytes: message.sizeBytes,
    bytes: message.bytes,
    path: message.path,
    chunks: () => message.chunks(),
    withPrefix: (prefix) => message.withPrefix(prefix),
    discard: () => message.discard(),
    ...changes,
  };
}

export function sha256(bytes: Uint8Array): Hash {
  return createHash("sha256").update(bytes).digest("hex") as Hash;
}

const LONG_ADDRESS = `${"long".repeat(60)}@example.com`;

/** All keys of a listing, sorted. */
async function listed(blobs: Blobs, prefix: string): Promise<string[]> {
  const pages = await Array.fromAsync(blobs.list(prefix));
  return pages.flat().map(({ key }) => key).sort();
}

/** What every implementation of Blobs must do. */
export function testBlobs(name: string, open: () => Promise<OpenBlobs>): void {
  const test = (title: string, body: (blobs: Blobs, folder: string) => Promise<void>) =>
    Deno.test(`${name} ${title}`, async () => {
      await using opened = await open();
      const folder = await Deno.makeTempDir();
      try {
        await body(opened.blobs, folder);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    });

  test("gives back what was put", async (blobs) => {
    const body = new Uint8Array(10_000).map((_, i) => i * 7);
    const message = await spooled(body, { prefix: "Return-Path: <>\r\n" });
    const key = objectKey("user@example.com", message.hash);
    await blobs.put(key, message);
    const stored = await blobs.get(key);
    assert.deepEqual(stored, message.bytes);
    assert.equal(await blobs.size(key), message.sizeBytes);
    assert.equal(await blobs.exists(key), true);
  });

  test("takes a message from a spool file", async (blobs, folder) => {
    const body = new Uint8Array(700_000).map((_, i) => i % 251);
    const message = await spooled(body, { prefix: "A: b\r\n", memoryMax: 1_000, folder });
    const other = await message.withPrefix(fromBinary("C: longer\r\n"));
    for (const one of [message, other]) {
      const key = objectKey("user@example.com", one.hash);
      await blobs.put(key, one);
      const stored = await blobs.get(key);
      assert.ok(stored);
      assert.equal(stored.length, one.sizeBytes);
      assert.equal(sha256(stored), one.hash);
    }
    await message.discard();
    assert.ok(await blobs.get(objectKey("user@example.com", message.hash)));
  });

  test("has nothing where nothing was put", async (blobs) => {
    const key = objectKey("user@example.com", sha256(fromBinary("nothing")));
    assert.equal(await blobs.get(key), null);
    assert.equal(await blobs.range(key, 0, 1), null);
    assert.equal(await blobs.size(key), null);
    assert.equal(await blobs.exists(key), false);
    await blobs.delete(key);
  });

  test("reads ranges, and never less than asked for", async (blobs) => {
    const message = await spooled("0123456789");
    const key = objectKey("user@example.com", message.hash);
    await blobs.put(key, message);
    const ranges: [number, number, string][] = [
      [0, 10, "0123456789"],
      [0, 1, "0"],
      [3, 7, "3456"],
      [9, 10, "9"],
      [4, 4, ""],
    ];
    for (const [start, end, expected] of ranges) {
      assert.deepEqual(
        await blobs.range(key, start, end).then((bytes) => bytes && [...bytes]),
        [...fromBinary(expected)],
      );
      const into = await blobs.range(key, start, end, new Uint8Array(12).fill(255));
      assert.deepEqual(into && [...into], [...fromBinary(expected)], "into memory that is there");
    }
    await assert.rejects(
      blobs.range(key, 5, 11),
      (error) => error instanceof Refused && error.refusal.kind === "unavailable",
    );
  });

  test("keeps one body however often and by whomever it is put at once", async (blobs) => {
    const message = await spooled("the same");
    const key = objectKey("user@example.com", message.hash);
    await Promise.all(Array.from({ length: 20 }, () => blobs.put(key, message)));
    await blobs.put(key, message);
    assert.deepEqual(await blobs.get(key), message.bytes);
    await blobs.delete(key);
    assert.equal(await blobs.get(key), null);
    await blobs.put(key, message);
    assert.deepEqual(await blobs.get(key), message.bytes);
  });

  test("copies a body to another account, where it outlives the first", async (blobs) => {
    const message = await spooled("for both");
    const from = objectKey("a/b@example.com", message.hash);
    const to = objectKey("c%d+é@example.com", message.hash);
    await blobs.put(from, message);
    for (let i = 0; i < 2; i++) await blobs.copy(from, to);
    await blobs.copy(from, from);
    assert.deepEqual(await blobs.get(from), message.bytes);
    await blobs.delete(from);
    assert.deepEqual(await blobs.get(to), message.bytes);
    await assert.rejects(
      blobs.copy(from, to),
      (error) => error instanceof Refused && error.refusal.kind === "unavailable",
    );
    assert.deepEqual(await blobs.get(to), message.bytes);
  });

  test("knows size, age and metadata of a body", async (blobs) => {
    const before = Date.now();
    const message = await spooled("x".repeat(1_234));
    const key = objectKey("user@example.com", message.hash);
    assert.equal(await blobs.info(key), null);
    const metadata = {
      uid: "7",
      mailbox: "Entwürfe/100 %  \r\n",
      "internal-date": "2026-01-02",
      long: "0123456789 ".repeat(50),
      longer: "x".repeat(769),
    };
    await blobs.put(key, message, { metadata });
    const info = await blobs.info(key);
    assert.ok(info);
    assert.equal(info.sizeBytes, 1_234);
    // WHY: HTTP dates have whole seconds, and a storage has a clock of its own.
    assert.ok(Math.abs(info.modifiedAt.getTime() - before) < 60_000, String(info.modifiedAt));
    const isKept = Object.keys(info.metadata).length > 0;
    assert.deepEqual(info.metadata, isKept ? metadata : {});
  });

  test("lists what is there, by prefix", async (blobs) => {
    assert.deepEqual(await listed(blobs, ""), []);
    const message = await spooled("listed");
    const keys = ["a@example.com", "b@example.com", "jörg+x@example.org", LONG_ADDRESS]
      .map((address) => objectKey(address, message.hash)).sort();
    for (const key of keys) await blobs.put(key, message);
    assert.deepEqual(await listed(blobs, ""), keys);
    for (const key of keys) {
      assert.deepEqual(await listed(blobs, key), [key]);
      const folder = key.slice(0, key.indexOf("/") + 1);
      assert.deepEqual(await listed(blobs, folder), keys.filter((one) => one.startsWith(folder)));
    }
    assert.deepEqual(await listed(blobs, "example.net/"), []);
    await blobs.delete(keys[1] as ObjectKey);
    assert.deepEqual(await listed(blobs, ""), keys.filter((_, i) => i !== 1));
  });

  test("goes on where an earlier listing came to", async (blobs) => {
    const keys = await Promise.all(Array.from({ length: 12 }, async (_, i) => {
      const message = await spooled(`number ${i}`);
      const key = objectKey(i % 2 ? "ä b@example.com" : "a@example.com", message.hash);
      await blobs.put(key, message);
      return key;
    }));
    const all = (await Array.fromAsync(blobs.list(""))).flat().map(({ key }) => key);
    assert.deepEqual([...all].sort(), [...keys].sort());
    for (const [i, key] of all.entries()) {
      const rest = (await Array.fromAsync(blobs.list("", key))).flat().map((one) => one.key);
      assert.deepEqual(all.slice(i + 1).filter((one) => !rest.includes(one)), [], `behind ${i}`);
    }
  });

  test("removes many bodies, also those that are not there", async (blobs) => {
    const message = await spooled("one of many");
    const keys = Array.from({ length: 40 }, (_, i) => objectKey(`u${i}@example.com`, message.hash));
    for (const key of keys.slice(0, 30)) await blobs.put(key, message);
    await blobs.deleteMany([]);
    await blobs.deleteMany(keys.slice(5));
    assert.deepEqual(await listed(blobs, ""), keys.slice(0, 5).sort());
    for (const key of keys) assert.equal(await blobs.exists(key), keys.indexOf(key) < 5);
    assert.deepEqual(await blobs.get(keys[0] as ObjectKey), message.bytes);
  });

  test("keeps the bodies of accounts apart, whatever their addresses look like", async (blobs) => {
    const message = await spooled("for all");
    const addresses = [
      "user@example.com",
      "other@example.com",
      "user@example.org",
      "../../etc/passwd@..",
      "..@example.com",
      "%2e%2e@example.com",
      "a/b@example.com",
      "a%2Fb@example.com",
      "jörg@bücher.example",
      LONG_ADDRESS,
      "nul\0@example.com",
      "con'(x)*!@example.com",
      "",
      "@",
    ];
    const keys = addresses.map((address) => objectKey(address, message.hash));
    assert.equal(new Set(keys).size, addresses.length - 1); // "" and "@" name the same nobody.
    for (const key of keys) await blobs.put(key, message);
    const [first, ...others] = keys;
    await blobs.delete(first as ObjectKey);
    assert.equal(await blobs.exists(first as ObjectKey), false);
    for (const key of others) assert.deepEqual(await blobs.get(key), message.bytes, key);
  });
}
