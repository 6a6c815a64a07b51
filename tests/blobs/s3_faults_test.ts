import assert from "node:assert/strict";
import { type ObjectKey, objectKey } from "../../src/blobs/blobs.ts";
import { S3Blobs } from "../../src/blobs/s3_blobs.ts";
import type { Spooled } from "../../src/blobs/spool.ts";
import { Refused } from "../../src/lib/refused.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { once, s3BodyFaults, s3Faults, untilGone } from "../support/s3_faults.ts";
import { type Fault, S3Server } from "../support/s3_server.ts";
import { altered, spooled } from "./contract.ts";

/** WHY: an attempt that waits for nothing ends so soon, and a busy machine is not taken for one. */
const TIMEOUT_MS = 400;
const SIZE = 200_000;

const isUnavailable = (error: unknown) =>
  error instanceof Refused && error.refusal.kind === "unavailable";

async function message(): Promise<{ key: ObjectKey; body: Spooled; bytes: Uint8Array }> {
  const bytes = new Uint8Array(SIZE).map((_, i) => i % 251);
  const body = await spooled(bytes);
  return { key: objectKey("user@example.com", body.hash), body, bytes };
}

const readFaults: Readonly<Record<string, Fault>> = { ...s3Faults, ...s3BodyFaults(SIZE) };
const wrongBytes: Fault = () => new Response(new Uint8Array(SIZE));

for (const [name, fault] of Object.entries({ ...readFaults, "another object": wrongBytes })) {
  Deno.test(`S3Blobs.get() with ${name}: never wrong, and right when it was once`, async () => {
    const { key, body, bytes } = await message();
    await using server = S3Server.start();
    using blobs = await S3Blobs.open(server.config({ timeoutMs: TIMEOUT_MS }));
    await blobs.put(key, body);
    server.fault = once(fault, "GET");
    assert.deepEqual(await blobs.get(key), bytes);
    server.fault = fault;
    await assert.rejects(blobs.get(key), isUnavailable);
    server.fault = () => undefined;
    assert.deepEqual(await blobs.get(key), bytes);
  });
}

for (const [name, fault] of Object.entries(readFaults)) {
  Deno.test(`S3Blobs.range() with ${name}: never wrong, and right when it was once`, async () => {
    const { key, body, bytes } = await message();
    await using server = S3Server.start();
    using blobs = await S3Blobs.open(server.config({ timeoutMs: TIMEOUT_MS }));
    await blobs.put(key, body);
    server.fault = once(fault, "GET");
    assert.deepEqual(await blobs.range(key, 1_000, SIZE - 1_000), bytes.slice(1_000, SIZE - 1_000));
    server.fault = fault;
    await assert.rejects(blobs.range(key, 1_000, SIZE - 1_000), isUnavailable);
  });
}

Deno.test("S3Blobs.range() takes the whole from a store that knows no ranges, not another part", async () => {
  const { key, bytes } = await message();
  await using server = S3Server.start();
  using blobs = await S3Blobs.open(server.config());
  server.fault = () => new Response(new Uint8Array(bytes));
  assert.deepEqual(await blobs.range(key, 100, 200), bytes.slice(100, 200));
  server.fault = () =>
    new Response(bytes.slice(0, 100), {
      status: 206,
      headers: { "content-range": `bytes 0-99/${SIZE}` },
    });
  await assert.rejects(blobs.range(key, 100, 200), isUnavailable);
});

for (const [name, fault] of Object.entries(s3Faults)) {
  Deno.test(`S3Blobs writes and deletes with ${name}: tries again, then is unavailable`, async () => {
    const { key, body, bytes } = await message();
    const other = objectKey("other@example.com", body.hash);
    await using server = S3Server.start();
    using blobs = await S3Blobs.open(server.config({ timeoutMs: TIMEOUT_MS }));
    server.fault = once(fault, "PUT");
    await blobs.put(key, body);
    assert.deepEqual(server.objects.get(key), bytes);
    server.fault = once(fault, "PUT");
    await blobs.copy(key, other);
    server.fault = once(fault, "HEAD");
    assert.equal(await blobs.size(other), SIZE);
    server.fault = once(fault, "DELETE");
    await blobs.delete(other);
    server.fault = once(fault, "POST");
    await blobs.deleteMany([other]);
    assert.deepEqual([...server.objects.keys()], [key]);

    server.fault = fault;
    const asked = [
      blobs.put(other, body),
      blobs.copy(key, other),
      blobs.size(key),
      blobs.exists(other),
      blobs.delete(key),
      blobs.deleteMany([key]),
      Array.fromAsync(blobs.list("")),
    ];
    await Promise.all(asked.map((one) => assert.rejects(one, isUnavailable)));
    assert.deepEqual([...server.objects.keys()], [key]);
  });
}

Deno.test("S3Blobs with connections that are reset", async () => {
  const { key, body } = await message();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let connections = 0;
  const accepting = (async () => {
    for await (const connection of listener) {
      connections++;
      await connection.read(new Uint8Array(100));
      connection.close();
    }
  })();
  await using server = S3Server.start();
  const endpoint = `127.0.0.1:${listener.addr.port}`;
  {
    using blobs = await S3Blobs.open(server.config({ endpoint }));
    await assert.rejects(blobs.get(key), isUnavailable);
    await assert.rejects(blobs.put(key, body), isUnavailable);
    assert.equal(connections, 6);
  }
  listener.close();
  await accepting.catch(() => {});
});

Deno.test("S3Blobs asks a second time for a read that is late, and takes what comes first", async () => {
  const { key, body, bytes } = await message();
  await using server = S3Server.start();
  const metrics = new Metrics();
  const config = server.config({ hedgeAfterMs: 20, timeoutMs: 60_000, breakerFailures: 1 });
  using blobs = await S3Blobs.open(config, { metrics });
  await blobs.put(key, body);
  for (let i = 0; i < 3; i++) {
    server.fault = once(untilGone, "GET");
    assert.deepEqual(await blobs.get(key), bytes);
    server.fault = once(untilGone, "GET");
    assert.deepEqual(await blobs.range(key, 5, 10), bytes.slice(5, 10));
  }
  const text = await metrics.registry.metrics();
  const hedges = [...text.matchAll(/^sora_s3_hedges_total\{result="(?:won|lost)"\} (\d)$/gm)];
  assert.equal(hedges.reduce((sum, [, count]) => sum + Number(count), 0), 6);
  // The reads that were given up by ourselves say nothing against the store.
  assert.match(text, /^sora_s3_breaker_open\{circuit="get"\} 0$/m);
});

Deno.test("S3Blobs does not ask a slow store twice for everything", async () => {
  const { key } = await message();
  await using server = S3Server.start();
  using blobs = await S3Blobs.open(server.config({ hedgeAfterMs: 1, timeoutMs: 60_000 }));
  const released = Promise.withResolvers<void>();
  server.fault = async () => {
    await released.promise;
    return new Response(null, { status: 404 });
  };
  const reads = Array.from({ length: 30 }, () => blobs.get(key));
  const enough = Promise.withResolvers<void>();
  const counted = setInterval(() => server.requests.length >= 40 && enough.resolve(), 1);
  const late = setTimeout(() => enough.reject(new Error("too few requests")), 30_000);
  await enough.promise;
  clearInterval(counted);
  clearTimeout(late);
  released.resolve();
  assert.deepEqual(await Promise.all(reads), Array(30).fill(null));
  assert.ok(server.requests.length <= 43, `${server.requests.length} requests`);
});

Deno.test("S3Blobs leaves a store alone that fails, until one request succeeds", async () => {
  const { key, body, bytes } = await message();
  let now = 0;
  await using server = S3Server.start();
  const config = server.config({ breakerFailures: 3, breakerOpenMs: 1_000 });
  const metrics = new Metrics();
  using blobs = await S3Blobs.open(config, { metrics, now: () => now });
  await blobs.put(key, body);
  server.fault = s3Faults["500"];
  await assert.rejects(blobs.get(key), isUnavailable); // Three attempts.
  const asked = server.requests.length;
  await assert.rejects(blobs.get(key), isUnavailable);
  await assert.rejects(blobs.size(key), isUnavailable);
  assert.equal(server.requests.length, asked);
  const text = await metrics.registry.metrics();
  assert.match(text, /^sora_s3_breaker_open\{circuit="get"\} 1$/m);
  assert.match(text, /^sora_s3_operations_total\{operation="get",status="rejected"\} 1$/m);

  server.fault = () => undefined;
  await blobs.put(key, body); // Writes are counted apart.
  now += 1_000;
  assert.deepEqual(await blobs.get(key), bytes);
  assert.deepEqual(await blobs.get(key), bytes);
});

Deno.test("S3Blobs: a spool file that is gone is no fault of the store", async () => {
  const folder = await Deno.makeTempDir();
  const body = await spooled("x".repeat(5_000), { memoryMax: 10, folder });
  await body.discard();
  await using server = S3Server.start();
  using blobs = await S3Blobs.open(server.config({ breakerFailures: 1 }));
  const key = objectKey("user@example.com", body.hash);
  for (let i = 0; i < 3; i++) await assert.rejects(blobs.put(key, body), isUnavailable);
  const short = altered(body, {
    async *chunks() {
      yield new Uint8Array(4_999);
    },
  });
  await assert.rejects(blobs.put(key, short), isUnavailable);
  assert.equal(server.objects.size, 0);
  const { key: other, body: good } = await message();
  await blobs.put(other, good);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("S3Blobs.put() reads a large body no faster than the store takes it", async () => {
  const piece = new Uint8Array(256 * 1024);
  let read = 0;
  const body = altered(await spooled(""), {
    bytes: null,
    sizeBytes: 256 * piece.length,
    async *chunks() {
      for (let i = 0; i < 256; i++) {
        read += piece.length;
        yield piece;
      }
    },
  });
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) connections.push(connection);
  })();
  await using server = S3Server.start();
  const endpoint = `127.0.0.1:${listener.addr.port}`;
  {
    using blobs = await S3Blobs.open(server.config({ endpoint, timeoutMs: TIMEOUT_MS }));
    const key = objectKey("user@example.com", body.hash);
    await assert.rejects(blobs.put(key, body, { overwrite: true }), isUnavailable);
  }
  // Three attempts, each with what the system keeps for a connection.
  assert.ok(read > 0 && read < 3 * 16 * 1024 * 1024, `${read} octets were read`);
  connections.forEach((connection) => connection.close());
  listener.close();
  await accepting.catch(() => {});
});

Deno.test("S3Blobs.put() sends pieces of every size as they are, many bodies at once", async () => {
  await using server = S3Server.start();
  const metrics = new Metrics();
  using blobs = await S3Blobs.open(server.config(), { metrics });
  const sizes = [1, 100, 4_096, 65_537, 256 * 1024, 300_000, 1_000_000];
  const puts = Array.from({ length: 8 }, async (_, n) => {
    const whole = crypto.getRandomValues(new Uint8Array(65_536));
    const pieces = Array.from({ length: 40 }, (_, i) => sizes[(i * i + n) % sizes.length] ?? 1)
      .map((size, i) => new Uint8Array(size).map((_, at) => (whole[(at * 7 + i) % 65_536] ?? 0)));
    const bytes = new Uint8Array(await new Blob(pieces).arrayBuffer());
    const body = await spooled(bytes);
    const key = objectKey(`user${n}@example.com`, body.hash);
    const reused = new Uint8Array(1_000_000);
    await blobs.put(
      key,
      altered(body, {
        bytes: null,
        async *chunks() {
          for (const piece of pieces) {
            reused.set(piece);
            yield reused.subarray(0, piece.length);
          }
        },
      }),
    );
    assert.deepEqual(server.objects.get(key), bytes);
  });
  await Promise.all(puts);
  const text = await metrics.registry.metrics();
  assert.match(text, /^sora_s3_operations_total\{operation="put",status="success"\} 8$/m);
  assert.doesNotMatch(text, /operation="put",status="(?!success)/);
});

Deno.test("S3Blobs asks a silent store twice, not three times: somebody waits", async () => {
  const { key } = await message();
  await using server = S3Server.start();
  using blobs = await S3Blobs.open(server.config({ timeoutMs: TIMEOUT_MS }));
  server.fault = untilGone;
  await assert.rejects(blobs.get(key), isUnavailable);
  assert.equal(server.requests.length, 2);
});
