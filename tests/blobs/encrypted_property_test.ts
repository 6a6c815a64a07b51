import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { type ObjectKey, objectKey } from "../../src/blobs/blobs.ts";
import { CHUNK_BYTES, sealedPlace } from "../../src/blobs/body_cipher.ts";
import { EncryptedBlobs } from "../../src/blobs/encrypted_blobs.ts";
import { MemoryBlobs } from "../../src/blobs/memory_blobs.ts";
import { MemorySpooled } from "../../src/blobs/spooled.ts";
import { Refused } from "../../src/lib/refused.ts";
import { sha256, spooled } from "./contract.ts";
import { bodyKeys, bytesOf, KEY_A, KEY_B, legacyObject } from "./encryption.ts";

const keysA = bodyKeys({ a: KEY_A, b: KEY_B }, "a");
const keysB = bodyKeys({ a: KEY_A, b: KEY_B }, "b");

/** What a storage may do to an object. */
const damage = fc.oneof(
  fc.record({ kind: fc.constant("flip" as const), at: fc.nat(), bit: fc.nat(7) }),
  fc.record({ kind: fc.constant("cut" as const), at: fc.nat() }),
  fc.record({ kind: fc.constant("insert" as const), at: fc.nat(), octet: fc.nat(255) }),
  fc.record({ kind: fc.constant("swap" as const), from: fc.nat(5), to: fc.nat(5) }),
  fc.record({ kind: fc.constant("prefix" as const), octets: fc.uint8Array({ maxLength: 100 }) }),
);
type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

function damaged(object: Uint8Array, how: Damage): Uint8Array {
  const result = object.slice();
  if (how.kind === "flip") {
    const at = how.at % result.length;
    result[at] = (result[at] ?? 0) ^ (1 << how.bit);
  }
  if (how.kind === "cut") return result.slice(0, how.at % result.length);
  if (how.kind === "insert") {
    const at = how.at % result.length;
    return new Uint8Array([...result.subarray(0, at), how.octet, ...result.subarray(at)]);
  }
  if (how.kind === "swap") {
    const [from, to] = [sealedPlace(how.from), sealedPlace(how.to)];
    if (Math.max(from.end, to.end) > result.length) return result;
    result.set(object.subarray(from.start, from.end), to.start);
  }
  if (how.kind === "prefix") result.set(how.octets.subarray(0, result.length));
  return result;
}

async function putRaw(blobs: MemoryBlobs, key: ObjectKey, bytes: Uint8Array): Promise<void> {
  const hash = sha256(bytes);
  const body = new MemorySpooled({ hash, receivedHash: hash, bytes, prefixBytes: 0 });
  await blobs.put(key, body, { overwrite: true });
}

/** null where it was refused; anything else that is thrown fails the test. */
async function orRefused<T>(work: Promise<T>): Promise<T | null> {
  return await work.catch((error) => {
    if (error instanceof Refused && error.refusal.kind === "unavailable") return null;
    throw error;
  });
}

Deno.test("EncryptedBlobs: whatever a storage does to an object, what is read is the body or nothing", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        size: fc.oneof(fc.nat(100), fc.integer({ min: 0, max: 3 * CHUNK_BYTES })),
        isLegacy: fc.boolean(),
        allowPlain: fc.boolean(),
        changes: fc.array(damage, { minLength: 1, maxLength: 3 }),
        cuts: fc.tuple(
          fc.double({ min: 0, max: 1, noNaN: true }),
          fc.double({ min: 0, max: 1, noNaN: true }),
        ),
      }),
      async ({ size, isLegacy, allowPlain, changes, cuts }) => {
        const inner = new MemoryBlobs();
        const blobs = new EncryptedBlobs({ inner, keys: keysA, allowPlain });
        const body = bytesOf(size, size);
        const key = objectKey("user@example.com", sha256(body));
        if (isLegacy) await putRaw(inner, key, legacyObject(body, KEY_A));
        else await blobs.put(key, await spooled(body));
        const object = await inner.get(key) ?? new Uint8Array(0);
        let changed = object;
        for (const change of changes) {
          if (changed.length > 0) changed = damaged(changed, change);
        }
        await putRaw(inner, key, changed);
        const [start, end] = cuts.map((share) => Math.floor(share * size)).sort((a, b) => a - b);
        const whole = await orRefused(blobs.get(key));
        if (whole) assert.deepEqual(whole, body);
        const part = await orRefused(blobs.range(key, start ?? 0, end ?? 0));
        if (part) assert.deepEqual(part, body.slice(start, end));
        if (isDeepStrictEqual(changed, object)) assert.ok(whole);
        await orRefused(blobs.size(key));
      },
    ),
    { numRuns: 150 },
  );
});

Deno.test("EncryptedBlobs: readers never see anything else while objects get another key", async () => {
  const inner = new MemoryBlobs();
  const slow = { turns: 0 };
  const range = inner.range.bind(inner);
  inner.range = async (key, start, end) => {
    slow.turns++;
    if (slow.turns % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    return await range(key, start, end);
  };
  const [a, b] = [keysA, keysB].map((keys) =>
    new EncryptedBlobs({ inner, keys, allowPlain: false })
  );
  assert.ok(a && b);
  const body = bytesOf(5 * CHUNK_BYTES + 9, 1);
  const key = objectKey("user@example.com", sha256(body));
  await a.put(key, await spooled(body));
  let isDone = false;
  let read = 0;
  const reader = async (blobs: EncryptedBlobs, seed: number) => {
    for (let i = seed; !isDone; i++) {
      const start = (i * 7_919) % body.length;
      const end = Math.min(body.length, start + 100_000);
      const part = await orRefused(blobs.range(key, start, end));
      if (!part) continue;
      assert.deepEqual(part, body.slice(start, end));
      read++;
    }
  };
  const writer = async () => {
    for (let i = 0; i < 60; i++) {
      assert.equal(await (i % 2 === 0 ? b : a).reencrypt(key), "changed");
    }
    isDone = true;
  };
  await Promise.all([writer(), reader(a, 1), reader(b, 2), reader(a, 3)]);
  assert.ok(read > 20, `${read}`);
  assert.deepEqual(await b.get(key), body);
});
