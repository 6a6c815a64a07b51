import assert from "node:assert/strict";
import { type Blobs, type ObjectKey, objectKey } from "../../src/blobs/blobs.ts";
import { CHUNK_BYTES, sealedPlace, sealedSize } from "../../src/blobs/body_cipher.ts";
import type { BodyKeys } from "../../src/blobs/body_keys.ts";
import { EncryptedBlobs } from "../../src/blobs/encrypted_blobs.ts";
import { MemoryBlobs } from "../../src/blobs/memory_blobs.ts";
import type { Spooled } from "../../src/blobs/spool.ts";
import { MemorySpooled } from "../../src/blobs/spooled.ts";
import type { Hash } from "../../src/lib/ids.ts";
import { Refused } from "../../src/lib/refused.ts";
import { sha256, spooled, testBlobs } from "./contract.ts";
import { bodyKeys, bytesOf, KEY_A, KEY_B, legacyObject } from "./encryption.ts";

const keysA = bodyKeys({ a: KEY_A, b: KEY_B }, "a");

testBlobs("EncryptedBlobs over memory", async () => ({
  blobs: over(new MemoryBlobs(), keysA),
  [Symbol.asyncDispose]: async () => {},
}));

testBlobs("EncryptedBlobs that only decrypts", async () => ({
  blobs: over(new MemoryBlobs(), bodyKeys({ a: KEY_A }, null)),
  [Symbol.asyncDispose]: async () => {},
}));

function over(inner: Blobs, keys: BodyKeys, allowPlain = false): EncryptedBlobs {
  return new EncryptedBlobs({ inner, keys, allowPlain });
}

/** Puts octets under any key, as they are. */
async function putRaw(blobs: Blobs, key: ObjectKey, bytes: Uint8Array): Promise<void> {
  const hash = sha256(bytes);
  const body = new MemorySpooled({ hash, receivedHash: hash, bytes, prefixBytes: 0 });
  await blobs.put(key, body, { overwrite: true });
}

async function rawOf(blobs: Blobs, key: ObjectKey): Promise<Uint8Array> {
  const bytes = await blobs.get(key);
  assert.ok(bytes);
  return bytes;
}

interface Stored {
  readonly inner: MemoryBlobs;
  readonly key: ObjectKey;
  readonly body: Uint8Array;
}

async function stored(sizeBytes: number, keys = keysA): Promise<Stored> {
  const inner = new MemoryBlobs();
  const body = bytesOf(sizeBytes, sizeBytes);
  const message = await spooled(body, { memoryMax: 10_000_000 });
  const key = objectKey("user@example.com", message.hash);
  await over(inner, keys).put(key, message);
  return { inner, key, body };
}

function isUnavailable(error: unknown): boolean {
  return error instanceof Refused && error.refusal.kind === "unavailable";
}

/** Every way to read it fails: nothing of it is ever given. */
async function assertUnreadable(blobs: Blobs, { key, body }: Stored, why: string): Promise<void> {
  await assert.rejects(blobs.get(key), isUnavailable, `${why}: get`);
  await assert.rejects(blobs.range(key, 0, body.length), isUnavailable, `${why}: range`);
  await assert.rejects(
    blobs.copy(key, objectKey("other@example.com", sha256(body))),
    isUnavailable,
    `${why}: copy`,
  );
}

Deno.test("EncryptedBlobs: the storage sees nothing of a body, and knows whose key it has", async () => {
  const { inner, key, body } = await stored(3 * CHUNK_BYTES);
  const raw = await rawOf(inner, key);
  assert.equal(raw.length, sealedSize(body.length));
  const blobs = over(inner, keysA);
  assert.equal(await blobs.size(key), body.length);
  assert.equal((await blobs.info(key))?.sizeBytes, body.length);
  assert.equal(await blobs.keyId(key), "a");
  const text = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);
  for (let at = 0; at + 16 < body.length; at += 1_000) {
    assert.ok(!text(raw).includes(text(body.subarray(at, at + 16))));
  }
});

Deno.test("EncryptedBlobs: ranges are those of the body, and read only their chunks", async () => {
  const { inner, key, body } = await stored(5 * CHUNK_BYTES + 77);
  const reads: [number, number][] = [];
  const range = inner.range.bind(inner);
  inner.range = (name, start, end) => {
    reads.push([start, end]);
    return range(name, start, end);
  };
  const blobs = over(inner, keysA);
  const edges = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES]
    .concat([5 * CHUNK_BYTES, body.length - 1, body.length]);
  for (const start of edges) {
    for (const end of edges.filter((edge) => edge >= start)) {
      const part = await blobs.range(key, start, end);
      assert.deepEqual(part, body.slice(start, end), `${start}-${end}`);
    }
  }
  assert.deepEqual(reads.slice(0, 2), [[0, 64], [64, sealedPlace(1).start]]); // 0-1: header, chunk
  reads.length = 0;
  await blobs.range(key, CHUNK_BYTES + 5, CHUNK_BYTES + 6);
  assert.deepEqual(reads, [[sealedPlace(1).start, sealedPlace(2).start]]);
  await assert.rejects(blobs.range(key, 0, body.length + 1), isUnavailable);
});

Deno.test("EncryptedBlobs: a damaged, truncated or swapped object is unavailable", async () => {
  const whole = await stored(2 * CHUNK_BYTES + 500);
  const { inner, key } = whole;
  const raw = await rawOf(inner, key);
  const other = await rawOf(
    (await stored(2 * CHUNK_BYTES + 500, bodyKeys({ a: KEY_A }, "a"))).inner,
    key,
  );
  const flipped = raw.slice();
  flipped[sealedPlace(1).start + 9] = (flipped[sealedPlace(1).start + 9] ?? 0) ^ 4;
  const bad: [string, Uint8Array][] = [
    ["changed", flipped],
    ["cut at a chunk", raw.slice(0, sealedPlace(2).start)],
    ["cut inside a chunk", raw.slice(0, -1)],
    ["emptied", new Uint8Array(0)],
    ["header only", raw.slice(0, 64)],
    ["replaced by something", bytesOf(raw.length, 99)],
    ["another header", new Uint8Array([...other.subarray(0, 64), ...raw.subarray(64)])],
  ];
  for (const [why, bytes] of bad) {
    await putRaw(inner, key, bytes);
    await assertUnreadable(over(inner, keysA), whole, why);
    await assertUnreadable(over(inner, keysA, true), whole, `${why}, plain allowed`);
  }
  await putRaw(inner, key, other); // encrypted at another time: as good
  assert.deepEqual(await over(inner, keysA).get(key), whole.body);
});

Deno.test("EncryptedBlobs: the object of another account is not taken for one's own", async () => {
  const { inner, key, body } = await stored(1_000);
  const to = objectKey("other@example.com", sha256(body));
  await inner.copy(key, to);
  await assertUnreadable(over(inner, keysA), { inner, key: to, body }, "moved");
});

Deno.test("EncryptedBlobs: another key, or none, is unavailable and never garbage", async () => {
  const whole = await stored(1_000);
  await assertUnreadable(over(whole.inner, bodyKeys({ a: KEY_B }, "a")), whole, "other key");
  await assertUnreadable(over(whole.inner, bodyKeys({ b: KEY_A }, "b")), whole, "other id");
  await assertUnreadable(over(whole.inner, bodyKeys({ b: KEY_B }, null), true), whole, "no key");
});

Deno.test("EncryptedBlobs: old keys are read while a new one encrypts", async () => {
  const { inner, key, body } = await stored(1_000);
  const rotated = over(inner, bodyKeys({ a: KEY_A, b: KEY_B }, "b"));
  assert.deepEqual(await rotated.get(key), body);
  const to = objectKey("other@example.com", sha256(body));
  await rotated.copy(key, to);
  assert.equal(await rotated.keyId(key), "a");
  assert.equal(await rotated.keyId(to), "b");
  assert.deepEqual(await rotated.get(to), body);
});

Deno.test("EncryptedBlobs: objects of the Go implementation are read, by any key of the list", async () => {
  for (const size of [0, 1, 5_000, 3 * CHUNK_BYTES]) {
    const inner = new MemoryBlobs();
    const body = bytesOf(size, 11);
    const key = objectKey("user@example.com", sha256(body));
    await putRaw(inner, key, legacyObject(body, KEY_B));
    const blobs = over(inner, keysA);
    assert.deepEqual(await blobs.get(key), body);
    assert.equal(await blobs.size(key), size);
    assert.deepEqual(await blobs.range(key, size >> 1, size), body.slice(size >> 1));
    assert.equal(await blobs.keyId(key), "");
    const to = objectKey("other@example.com", sha256(body));
    await blobs.copy(key, to);
    assert.deepEqual(await blobs.get(to), body);
    await assertUnreadable(over(inner, bodyKeys({ a: KEY_A }, "a")), { inner, key, body }, "key");
    // Nothing but its hash tells whose it is.
    const wrong = objectKey("user@example.com", sha256(bytesOf(9, 9)));
    await inner.copy(key, wrong);
    await assertUnreadable(blobs, { inner, key: wrong, body }, "swapped");
  }
});

Deno.test("EncryptedBlobs: the Go implementation names its objects with BLAKE3", async () => {
  const inner = new MemoryBlobs();
  const body = new TextEncoder().encode("abc"); // test vector of BLAKE3
  const hash = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85" as Hash;
  const key = objectKey("user@example.com", hash);
  await putRaw(inner, key, legacyObject(body, KEY_A));
  const blobs = over(inner, keysA);
  assert.deepEqual(await blobs.get(key), body);
  assert.equal(await blobs.reencrypt(key), "changed");
  assert.deepEqual(await blobs.get(key), body);
  assert.equal(await blobs.keyId(key), "a");
});

Deno.test("EncryptedBlobs: plain objects only where they are allowed, and with the right hash", async () => {
  const inner = new MemoryBlobs();
  const sealedStart = await rawOf((await stored(200)).inner, (await stored(200)).key);
  for (const body of [new Uint8Array(0), bytesOf(10, 2), bytesOf(5_000, 2), sealedStart]) {
    const key = objectKey("user@example.com", sha256(body));
    await putRaw(inner, key, body);
    await assertUnreadable(over(inner, keysA), { inner, key, body }, `plain ${body.length}`);
    const allowed = over(inner, keysA, true);
    assert.deepEqual(await allowed.get(key), body);
    if (body !== sealedStart) {
      assert.equal(await allowed.size(key), body.length);
      assert.deepEqual(await allowed.range(key, 0, body.length), body);
    }
    await putRaw(inner, key, bytesOf(body.length + 1, 3));
    await assertUnreadable(over(inner, keysA, true), { inner, key, body }, `other ${body.length}`);
  }
});

Deno.test("EncryptedBlobs: an object encrypted anew is read on, by whoever knew the old one", async () => {
  for (const size of [100, 2 * CHUNK_BYTES, 40 * CHUNK_BYTES]) {
    const { inner, key, body } = await stored(size);
    const again = await spooled(body, { memoryMax: 10_000_000 });
    await over(inner, keysA).put(key, again, { metadata: { uid: "7" }, overwrite: true });
    const [reader, writer] = [over(inner, bodyKeys({ a: KEY_A, b: KEY_B }, "a"))]
      .concat(over(inner, bodyKeys({ a: KEY_A, b: KEY_B }, "b")));
    assert.ok(reader && writer);
    assert.deepEqual(await reader.range(key, 10, 20), body.slice(10, 20));
    assert.equal(await reader.reencrypt(key), "current");
    assert.equal(await writer.reencrypt(key), "changed");
    assert.equal(await writer.reencrypt(key), "current");
    assert.equal(await writer.keyId(key), "b");
    assert.deepEqual((await writer.info(key))?.metadata, { uid: "7" });
    assert.deepEqual(await reader.range(key, 10, 20), body.slice(10, 20));
    assert.deepEqual(await reader.get(key), body);
    const plain = over(inner, bodyKeys({ b: KEY_B }, null));
    assert.equal(await plain.reencrypt(key), "changed");
    assert.equal(await plain.reencrypt(key), "current");
    assert.deepEqual(await inner.get(key), body);
  }
  const nothing = objectKey("user@example.com", sha256(new Uint8Array(0)));
  assert.equal(await over(new MemoryBlobs(), keysA).reencrypt(nothing), "gone");
});

Deno.test("EncryptedBlobs: what cannot be decrypted is not encrypted anew", async () => {
  const { inner, key } = await stored(30 * CHUNK_BYTES);
  const raw = await rawOf(inner, key);
  const at = sealedPlace(20).start;
  raw[at] = (raw[at] ?? 0) ^ 1;
  await putRaw(inner, key, raw);
  const rotated = over(inner, bodyKeys({ a: KEY_A, b: KEY_B }, "b"));
  await assert.rejects(rotated.reencrypt(key), isUnavailable);
  assert.deepEqual(await inner.get(key), raw);
});

Deno.test("EncryptedBlobs: a large body is never whole in memory while it is put", async () => {
  const size = 24 * 1024 * 1024;
  const folder = await Deno.makeTempDir();
  try {
    const message = await spooled(bytesOf(size, 1), { memoryMax: 1_000, folder });
    let largest = 0;
    let total = 0;
    const inner = new MemoryBlobs();
    inner.put = async (_key: ObjectKey, body: Spooled) => {
      assert.equal(body.bytes, null);
      for await (const piece of body.chunks()) {
        largest = Math.max(largest, piece.buffer.byteLength);
        total += piece.length;
      }
      return null;
    };
    await over(inner, keysA).put(objectKey("user@example.com", message.hash), message);
    assert.equal(total, sealedSize(size));
    assert.ok(largest <= 512 * 1024, `${largest}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("EncryptedBlobs: metadata are encrypted, too, and belong to their object", async () => {
  const { inner, key, body } = await stored(1_000);
  const blobs = over(inner, keysA);
  const message = await spooled(body);
  const text = btoa(String.fromCharCode(...bytesOf(1_050, 4))); // what cannot be made shorter
  const metadata = { "sora-message": text, other: "Jörg" };
  await blobs.put(key, message, { metadata, overwrite: true });
  assert.deepEqual((await blobs.info(key))?.metadata, metadata);
  const raw = (await inner.info(key))?.metadata ?? {};
  assert.deepEqual(Object.keys(raw), ["sora-sealed"]);
  const octets = Object.entries(raw).reduce(
    (sum, [name, value]) => sum + `${name}${value}`.length,
    0,
  );
  assert.ok(octets <= 2_048, `${octets}`);
  assert.ok(!JSON.stringify(raw).includes(text.slice(0, 20)));
  const to = objectKey("other@example.com", message.hash);
  await blobs.copy(key, to);
  assert.deepEqual((await blobs.info(to))?.metadata, metadata);
  const bad: [string, Record<string, string>][] = [
    ["not encrypted", { "sora-message": "forged" }],
    ["changed", { "sora-sealed": `${raw["sora-sealed"]?.slice(0, -2)}AA` }],
    ["of another object", (await inner.info(to))?.metadata ?? {}],
    ["nonsense", { "sora-sealed": "x" }],
  ];
  for (const [why, forged] of bad) {
    const object = await rawOf(inner, key);
    const hash = sha256(object);
    const same = new MemorySpooled({ hash, receivedHash: hash, bytes: object, prefixBytes: 0 });
    await inner.put(key, same, { metadata: forged, overwrite: true });
    assert.deepEqual((await blobs.info(key))?.metadata, {}, why);
    assert.deepEqual(await blobs.get(key), body);
  }
});
