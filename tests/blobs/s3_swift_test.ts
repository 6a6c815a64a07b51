import assert from "node:assert/strict";
import { type ObjectKey, objectKey } from "../../src/blobs/blobs.ts";
import { S3Blobs } from "../../src/blobs/s3_blobs.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { missingForSwift, startSwift, type Swift } from "../support/swift.ts";
import { type OpenBlobs, spooled, testBlobs } from "./contract.ts";

async function openIn(
  swift: Swift,
  metrics: Metrics = new Metrics(),
): Promise<OpenBlobs & { readonly blobs: S3Blobs }> {
  const blobs = await S3Blobs.open(await swift.bucket(), { metrics });
  return { blobs, [Symbol.asyncDispose]: async () => blobs[Symbol.dispose]() };
}

const missing = await missingForSwift();
if (missing === null) {
  // WHY here: it takes seconds to start, and belongs to all tests of this file.
  const swift = await startSwift();
  Deno.test.afterAll(async () => await swift[Symbol.asyncDispose]());
  testBlobs("S3Blobs on Swift", () => openIn(swift));

  Deno.test("S3Blobs on Swift: metadata, pages, many deletions with one request", async () => {
    const metrics = new Metrics();
    await using opened = await openIn(swift, metrics);
    const { blobs } = opened;
    assert.deepEqual(await blobs.check(), { kind: "ok" });
    const message = await spooled("x".repeat(100));
    const metadata = { mailbox: "Entwürfe", uid: "12" };
    const keys = Array.from({ length: 60 }, (_, i) => objectKey(`u ${i}@b.example`, message.hash));
    await Promise.all(keys.map((key) => blobs.put(key, message, { metadata })));
    assert.deepEqual((await blobs.info(keys[0] as ObjectKey))?.metadata, metadata);
    const all = (await Array.fromAsync(blobs.list("b.example/"))).flat();
    assert.deepEqual(all.map(({ key }) => key).sort(), [...keys].sort());
    assert.ok(all.every(({ sizeBytes }) => sizeBytes === 100));
    const rest = (await Array.fromAsync(blobs.list("b.example/", all[40]?.key))).flat();
    assert.deepEqual(rest, all.slice(41));
    await blobs.deleteMany(keys);
    const counts = await metrics.registry.metrics();
    assert.match(
      counts,
      /^sora_s3_operations_total\{operation="delete_many",status="success"\} 1$/m,
    );
    assert.doesNotMatch(counts, /operation="delete",/);
    assert.deepEqual((await Array.fromAsync(blobs.list(""))).flat(), []);
  });

  Deno.test("S3Blobs on Swift: what is wrong with a configuration", async () => {
    const config = await swift.bucket();
    const wrong = [
      [{ bucket: "nothing" }, /no bucket/],
      [{ secretKey: "wrong" }, /secret key|credentials/],
    ] as const;
    for (const [change, words] of wrong) {
      using blobs = await S3Blobs.open({ ...config, ...change });
      const found = await blobs.check();
      assert.match(found.kind === "wrong" ? found.why : JSON.stringify(found), words);
    }
  });
} else {
  Deno.test({ name: `S3Blobs on Swift: ${missing}`, ignore: true, fn: () => {} });
}
