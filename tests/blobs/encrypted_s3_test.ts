import assert from "node:assert/strict";
import { objectKey } from "../../src/blobs/blobs.ts";
import { CHUNK_BYTES, sealedSize } from "../../src/blobs/body_cipher.ts";
import { KeyMismatch } from "../../src/blobs/key_check.ts";
import { type ObjectStore, openObjectStore } from "../../src/blobs/open_object_store.ts";
import { Refused } from "../../src/lib/refused.ts";
import { S3Server } from "../support/s3_server.ts";
import { spooled, testBlobs } from "./contract.ts";
import { bytesOf, KEY_A, KEY_B } from "./encryption.ts";

/** The object store as a configuration file has it. */
function open(server: S3Server, encryption: string): Promise<ObjectStore> {
  return openObjectStore(server.loaded(encryption));
}

const encrypting = `encrypt = true\nencryption_key = "${KEY_A}"\n`;

testBlobs("EncryptedBlobs over S3", async () => {
  const server = S3Server.start();
  const store = await open(server, encrypting);
  return {
    blobs: store.blobs,
    [Symbol.asyncDispose]: async () => {
      store[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
});

Deno.test("EncryptedBlobs over S3: nothing that is sent can be read there, large or small", async () => {
  await using server = S3Server.start();
  using store = await open(server, encrypting);
  const folder = await Deno.makeTempDir();
  try {
    for (const size of [3_000, 40 * CHUNK_BYTES + 5]) {
      const body = bytesOf(size, size);
      const message = await spooled(body, { memoryMax: 100_000, folder });
      const key = objectKey("user@example.com", message.hash);
      await store.blobs.put(key, message, { metadata: { uid: "12" } });
      assert.equal(server.objects.get(key)?.length, sealedSize(size));
      assert.deepEqual(await store.blobs.get(key), body);
      assert.deepEqual(await store.blobs.range(key, size - 9, size), body.slice(-9));
      assert.deepEqual((await store.blobs.info(key))?.metadata, { uid: "12" });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("openObjectStore(): a configuration without the key does not get to the bodies", async () => {
  await using server = S3Server.start();
  const message = await spooled(bytesOf(5_000, 1));
  const key = objectKey("user@example.com", message.hash);
  {
    using store = await open(server, encrypting);
    await store.checkKeys();
    await store.blobs.put(key, message);
  }
  const wrong = [
    "",
    `encrypt = true\nencryption_key = "${KEY_B}"\n`,
    `encryption_key = "${KEY_B}"\nencrypt_allow_plain = true\n`,
  ];
  for (const encryption of wrong) {
    using store = await open(server, encryption);
    await assert.rejects(store.checkKeys(), KeyMismatch, encryption);
    await assert.rejects(
      store.blobs.get(key),
      (error) => error instanceof Refused && error.refusal.kind === "unavailable",
    );
  }
  using reading = await open(server, `encryption_key = "${KEY_A}"\n`);
  await reading.checkKeys();
  assert.deepEqual(await reading.blobs.get(key), bytesOf(5_000, 1));
});

Deno.test("EncryptedBlobs over S3: an object of the same size is replaced by one with the new key", async () => {
  await using server = S3Server.start();
  const keys = `[[s3.encryption_keys]]\nid = "next"\nkey = "${KEY_B}"\n`;
  using old = await open(server, encrypting);
  using next = await open(
    server,
    `encrypt = true\nencryption_key = "${KEY_A}"\nencryption_current = "next"\n${keys}`,
  );
  const folder = await Deno.makeTempDir();
  try {
    for (const size of [100, 30 * CHUNK_BYTES]) {
      const body = bytesOf(size, 3);
      const message = await spooled(body, { memoryMax: 1_000_000, folder });
      const key = objectKey("user@example.com", message.hash);
      await old.blobs.put(key, message, { metadata: { uid: "9" } });
      assert.deepEqual(await old.blobs.range(key, 0, 9), body.slice(0, 9));
      assert.equal(await next.encrypted?.reencrypt(key), "changed");
      assert.equal(await next.encrypted?.keyId(key), "next");
      assert.deepEqual(await next.blobs.get(key), body);
      assert.deepEqual((await next.blobs.info(key))?.metadata, { uid: "9" });
      await assert.rejects(old.blobs.range(key, 0, 9), Refused);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
