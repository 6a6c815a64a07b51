import assert from "node:assert/strict";
import { type ObjectKey, objectKey } from "../../src/blobs/blobs.ts";
import { S3Blobs } from "../../src/blobs/s3_blobs.ts";
import type { S3Config } from "../../src/config/config.ts";
import type { Hash } from "../../src/lib/ids.ts";
import { Refused } from "../../src/lib/refused.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { failure, S3Server } from "../support/s3_server.ts";
import { altered, spooled, testBlobs } from "./contract.ts";

testBlobs("S3Blobs", async () => {
  const server = S3Server.start();
  const blobs = await S3Blobs.open(server.config());
  return {
    blobs,
    async [Symbol.asyncDispose]() {
      blobs[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
});

const KEY = objectKey("user@example.com", "a".repeat(64) as Hash);

function isUnavailable(error: unknown): boolean {
  return error instanceof Refused && error.refusal.kind === "unavailable";
}

const misconfigured: readonly (readonly [string, Partial<S3Config>])[] = [
  ["a wrong secret", { secretKey: "wrong" }],
  ["a missing bucket", { bucket: "nothing" }],
  ["a store that is down", { endpoint: "127.0.0.1:1" }],
];

for (const [name, changes] of misconfigured) {
  Deno.test(`S3Blobs never says "not found" or "stored" with ${name}`, async () => {
    await using server = S3Server.start();
    using blobs = await S3Blobs.open(server.config(changes));
    const message = await spooled("Subject: x\r\n\r\nbody\r\n");
    const key = objectKey("a@example.com", message.hash);
    await assert.rejects(blobs.get(KEY), isUnavailable);
    await assert.rejects(blobs.range(KEY, 0, 1), isUnavailable);
    await assert.rejects(blobs.exists(KEY), isUnavailable);
    await assert.rejects(blobs.info(KEY), isUnavailable);
    await assert.rejects(blobs.put(key, message), isUnavailable);
    await assert.rejects(blobs.copy(KEY, key), isUnavailable);
    await assert.rejects(Array.fromAsync(blobs.list("")), isUnavailable);
    await assert.rejects(blobs.deleteMany([KEY]), isUnavailable);
    assert.equal(server.objects.size, 0);
  });
}

Deno.test("S3Blobs keeps metadata, in headers that every proxy lets through", async () => {
  await using server = S3Server.start();
  using blobs = await S3Blobs.open(server.config());
  const message = await spooled("with metadata");
  const key = objectKey("user@example.com", message.hash);
  const metadata = { mailbox: "Entwürfe/ä  b", uid: "12", flags: "\\Seen $Work", rate: "100%" };
  await blobs.put(key, message, { metadata });
  assert.deepEqual(server.metadata(key), {
    mailbox: "Entw%C3%BCrfe%2F%C3%A4%20%20b",
    uid: "12",
    flags: "\\Seen $Work",
    rate: "100%25",
  });
  assert.deepEqual((await blobs.info(key))?.metadata, metadata);
  await assert.rejects(blobs.put(key, message, { metadata: { "Two words": "" } }), /Two words/);
});

Deno.test("S3Blobs.list() goes through all pages, with objects of others", async () => {
  await using server = S3Server.start();
  using blobs = await S3Blobs.open(server.config());
  server.pageObjects = 3;
  const keys = Array.from({ length: 7 }, (_, i) => `example.com/user/${i}`);
  keys.push("example.com/a b+c%20d", "example.com/<&>", "example.com/\x01 \n", "other");
  for (const key of keys) server.objects.set(key, new Uint8Array(5));
  const pages = await Array.fromAsync(blobs.list(""));
  assert.deepEqual(pages.map((page) => page.length), [3, 3, 3, 2]);
  const all = pages.flat();
  assert.deepEqual(all.map(({ key }) => key).sort(), keys.sort());
  assert.ok(all.every(({ sizeBytes, modifiedAt }) => sizeBytes === 5 && modifiedAt > new Date(0)));
});

Deno.test("S3Blobs.deleteMany() needs one request for many, or one for each", async () => {
  await using server = S3Server.start();
  using blobs = await S3Blobs.open(server.config());
  const keys = Array.from({ length: 1_200 }, (_, i) => `d/u&<${i}/x` as ObjectKey);
  const fill = () => keys.forEach((key) => server.objects.set(key, new Uint8Array(1)));
  fill();
  await blobs.deleteMany(keys);
  assert.equal(server.objects.size, 0);
  assert.equal(server.requests.length, 3);
  server.fault = ({ method }) => method === "POST" ? failure(501, "NotImplemented") : undefined;
  for (const posts of [1, 0]) { // WHY: what the store does not know, it is not asked for again.
    fill();
    server.requests.length = 0;
    await blobs.deleteMany(keys);
    assert.equal(server.objects.size, 0);
    assert.equal(server.requests.length, 1_200 + posts);
  }
});

Deno.test("S3Blobs.deleteMany() deletes alone what was left, or says so", async () => {
  await using server = S3Server.start();
  using blobs = await S3Blobs.open(server.config());
  const [kept, gone] = ["d/u/1" as ObjectKey, "d/u/2" as ObjectKey];
  server.objects.set(kept, new Uint8Array(1));
  const partial = `<DeleteResult><Error><Key>${kept}</Key><Code>InternalError</Code></Error>` +
    `<Error><Key>${gone}</Key><Code>NoSuchKey</Code></Error></DeleteResult>`;
  server.fault = ({ method }) => method === "POST" ? new Response(partial) : undefined;
  await blobs.deleteMany([kept, gone]);
  assert.deepEqual([...server.objects], []);
  assert.deepEqual(server.requests, ["POST ?delete", `DELETE ${kept}`]);
  server.fault = ({ method }) =>
    method === "POST" ? new Response(partial) : failure(403, "AccessDenied");
  await assert.rejects(blobs.deleteMany([kept, gone]), isUnavailable);
});

Deno.test("S3Blobs has the store refuse a body that changed on its way", async () => {
  await using server = S3Server.start();
  using blobs = await S3Blobs.open(server.config());
  const message = await spooled("as it was sent");
  for (const bytes of [message.bytes && message.bytes.map((octet) => octet ^ 1), null]) {
    const chunks = async function* () {
      yield new TextEncoder().encode("as it was sEnt");
    };
    const changed = altered(message, { bytes, chunks });
    await assert.rejects(blobs.put(KEY, changed), isUnavailable);
  }
  assert.equal(server.objects.size, 0);
  using trusting = await S3Blobs.open(server.config(), { contentHashed: false });
  await trusting.put(KEY, message);
  assert.deepEqual(await trusting.get(KEY), message.bytes);
});

Deno.test("S3Blobs replaces what is there only when it is asked to", async () => {
  await using server = S3Server.start();
  using blobs = await S3Blobs.open(server.config());
  const message = await spooled("x".repeat(700_000));
  const key = objectKey("user@example.com", message.hash);
  server.objects.set(key, message.bytes ?? new Uint8Array(0));
  await blobs.put(key, message);
  assert.deepEqual(server.requests, [`HEAD ${key}`]);
  await blobs.put(key, message, { overwrite: true });
  assert.deepEqual(server.requests, [`HEAD ${key}`, `PUT ${key}`]);
  assert.deepEqual(await blobs.get(key), message.bytes);
});

Deno.test("S3Blobs counts what it asks", async () => {
  await using server = S3Server.start();
  const metrics = new Metrics();
  using blobs = await S3Blobs.open(server.config(), { metrics });
  const message = await spooled("counted");
  const key = objectKey("user@example.com", message.hash);
  await blobs.put(key, message);
  await blobs.get(key);
  await blobs.get(KEY);
  const text = await metrics.registry.metrics();
  assert.match(text, /^sora_s3_operations_total\{operation="put",status="success"\} 1$/m);
  assert.match(text, /^sora_s3_operations_total\{operation="get",status="success"\} 1$/m);
  assert.match(text, /^sora_s3_operations_total\{operation="get",status="missing"\} 1$/m);
  assert.match(text, /^sora_s3_operation_duration_seconds_count\{operation="get"\} 2$/m);
  assert.match(text, /^sora_s3_breaker_open\{circuit="get"\} 0$/m);
});
