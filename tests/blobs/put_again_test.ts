import assert from "node:assert/strict";
import { type ObjectKey, objectKey } from "../../src/blobs/blobs.ts";
import { openObjectStore } from "../../src/blobs/open_object_store.ts";
import type { Spooled } from "../../src/blobs/spool.ts";
import { S3Server } from "../support/s3_server.ts";
import { spooled } from "./contract.ts";
import { bytesOf, KEY_A } from "./encryption.ts";

const PLAIN = "encrypt = false\n";
const ENCRYPTED = `encrypt = true\nencryption_key = "${KEY_A}"\n`;

function open(server: S3Server, encryption: string) {
  return openObjectStore(server.loaded(encryption));
}

/** A large body under its key, in a file where it is larger than `memoryMax`. */
async function largeBody(folder: string, size: number): Promise<[ObjectKey, Spooled]> {
  const body = await spooled(bytesOf(size, size), { memoryMax: 400_000, folder });
  return [objectKey("user@example.com", body.hash), body];
}

for (const [name, encryption] of [["plain", PLAIN], ["encrypted", ENCRYPTED]] as const) {
  Deno.test(`a large body that is stored already is sent again only when it is damaged: ${name}`, async () => {
    await using server = S3Server.start();
    using store = await open(server, encryption);
    const folder = await Deno.makeTempDir();
    try {
      for (const size of [300_000, 3_000_000]) {
        const [key, body] = await largeBody(folder, size);
        const puts = () => server.requests.filter((one) => one === `PUT ${key}`).length;
        await store.blobs.put(key, body);
        await store.blobs.put(key, body);
        await store.blobs.put(key, body, { metadata: { uid: "1" } });
        assert.equal(puts(), 1);
        const stored = server.objects.get(key);
        assert.ok(stored);
        for (const at of [0, 70, size >> 1, stored.length - 1]) {
          const damaged = stored.slice();
          damaged[at] = (damaged[at] ?? 0) ^ 1;
          server.objects.set(key, damaged);
          const before = puts();
          await store.blobs.put(key, body);
          assert.equal(puts(), before + 1, `octet ${at} of ${size}`);
          assert.deepEqual(await store.blobs.get(key), bytesOf(size, size));
        }
        server.objects.set(key, stored.slice(1));
        await store.blobs.put(key, body);
        assert.deepEqual(await store.blobs.get(key), bytesOf(size, size));
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("a large body is sent again where the store does not say what it has", async () => {
  await using server = S3Server.start();
  using store = await open(server, PLAIN);
  const folder = await Deno.makeTempDir();
  try {
    const [key, body] = await largeBody(folder, 300_000);
    await store.blobs.put(key, body);
    // The ETag of parts, and one of what the store has encrypted with a key of its own.
    const answers = [{ etag: `"${"a".repeat(32)}-2"` }, {
      etag: `"${"a".repeat(32)}"`,
      "x-amz-server-side-encryption": "aws:kms",
    }];
    for (const [i, headers] of answers.entries()) {
      server.fault = ({ method }) =>
        method === "HEAD"
          ? new Response(null, { headers: { ...headers, "content-length": "300000" } })
          : undefined;
      await store.blobs.put(key, body);
      assert.equal(server.requests.filter((one) => one === `PUT ${key}`).length, i + 2);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
