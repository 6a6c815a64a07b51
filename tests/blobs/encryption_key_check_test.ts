import assert from "node:assert/strict";
import { objectKey } from "../../src/blobs/blobs.ts";
import type { BodyKeys } from "../../src/blobs/body_keys.ts";
import { EncryptedBlobs } from "../../src/blobs/encrypted_blobs.ts";
import { checkKeys, KeyMismatch, retireKey, usedKeys } from "../../src/blobs/key_check.ts";
import { MemoryBlobs } from "../../src/blobs/memory_blobs.ts";
import { MemorySpooled } from "../../src/blobs/spooled.ts";
import { sha256, spooled } from "./contract.ts";
import { bodyKeys, bytesOf, KEY_A, KEY_B, legacyObject } from "./encryption.ts";

function check(inner: MemoryBlobs, keys: BodyKeys, allowPlain = false): Promise<void> {
  return checkKeys({ inner, keys, blobs: new EncryptedBlobs({ inner, keys, allowPlain }) });
}

async function mismatch(inner: MemoryBlobs, keys: BodyKeys, words: RegExp): Promise<void> {
  await assert.rejects(
    check(inner, keys),
    (error) => error instanceof KeyMismatch && words.test(error.message),
  );
}

const none = bodyKeys({}, null);

Deno.test("checkKeys(): an empty storage takes any key, and then no other", async () => {
  const inner = new MemoryBlobs();
  await check(inner, none);
  assert.deepEqual(await usedKeys(inner), []);
  for (let i = 0; i < 2; i++) await check(inner, bodyKeys({ a: KEY_A }, "a"));
  assert.deepEqual(await usedKeys(inner), ["a"]);
  await mismatch(inner, bodyKeys({ a: KEY_B }, "a"), /key "a" of \[s3\] is not the one/);
  await mismatch(inner, bodyKeys({ b: KEY_A }, "b"), /key "a", which \[s3\] does not give/);
  await mismatch(inner, none, /key "a", which \[s3\] does not give/);
  assert.deepEqual(await usedKeys(inner), ["a"]);
});

Deno.test("checkKeys(): keys are replaced one after the other", async () => {
  const inner = new MemoryBlobs();
  await check(inner, bodyKeys({ a: KEY_A }, "a"));
  const both = bodyKeys({ a: KEY_A, b: KEY_B }, "b");
  await check(inner, both);
  assert.deepEqual(await usedKeys(inner), ["a", "b"]);
  await check(inner, bodyKeys({ a: KEY_A, b: KEY_B }, null));
  await mismatch(inner, bodyKeys({ b: KEY_B }, "b"), /"a"/);
  await retireKey(inner, "a");
  await check(inner, bodyKeys({ b: KEY_B }, "b"));
});

Deno.test("checkKeys(): a damaged key-check object is told of", async () => {
  const inner = new MemoryBlobs();
  await check(inner, bodyKeys({ a: KEY_A, b: KEY_B }, "a"));
  await check(inner, bodyKeys({ a: KEY_A, b: KEY_B }, "b"));
  const [a, b] = ["a", "b"].map((id) => `sora/key-check-${id}` as Parameters<typeof inner.get>[0]);
  assert.ok(a && b);
  await inner.delete(a);
  await inner.copy(b, a);
  await mismatch(inner, bodyKeys({ a: KEY_A, b: KEY_B }, "b"), /sora\/key-check-a/);
});

Deno.test("checkKeys(): where nothing says which key was used, bodies do", async () => {
  const body = bytesOf(3_000, 1);
  const key = objectKey("user@example.com", sha256(body));
  const objects = { legacy: legacyObject(body, KEY_A), plain: body };
  for (const [kind, bytes] of Object.entries(objects)) {
    const inner = new MemoryBlobs();
    const hash = sha256(bytes);
    await inner.put(
      key,
      new MemorySpooled({ hash, receivedHash: hash, bytes, prefixBytes: 0 }),
    );
    await mismatch(inner, bodyKeys({ a: KEY_B }, "a"), /are not those of the bodies/);
    assert.deepEqual(await usedKeys(inner), []);
    if (kind === "legacy") await check(inner, bodyKeys({ a: KEY_A }, "a"));
    else {
      await mismatch(inner, bodyKeys({ a: KEY_A }, "a"), /encrypt_allow_plain/);
      await check(inner, bodyKeys({ a: KEY_B }, "a"), true);
    }
    assert.deepEqual(await usedKeys(inner), ["a"]);
  }
});

Deno.test("checkKeys(): without keys, plain bodies are as they should be", async () => {
  const inner = new MemoryBlobs();
  const message = await spooled("a message");
  await inner.put(objectKey("user@example.com", message.hash), message);
  await check(inner, none);
});
