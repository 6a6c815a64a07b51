import assert from "node:assert/strict";
import { objectKey } from "../../src/blobs/blobs.ts";
import { S3Blobs } from "../../src/blobs/s3_blobs.ts";
import type { S3Config } from "../../src/config/config.ts";
import type { Hash } from "../../src/lib/ids.ts";
import { Refused } from "../../src/lib/refused.ts";
import { ACCESS_KEY, S3Server, SECRET_KEY } from "../support/s3_server.ts";
import { spooled, testBlobs } from "./contract.ts";

function configFor(server: S3Server, changes: Partial<S3Config> = {}): S3Config {
  return {
    endpoint: server.endpoint,
    region: "us-east-1",
    bucket: server.bucket,
    accessKey: ACCESS_KEY,
    secretKey: SECRET_KEY,
    useSsl: false,
    timeoutMs: 5_000,
    ...changes,
  };
}

testBlobs("S3Blobs", async () => {
  const server = S3Server.start();
  const blobs = await S3Blobs.open(configFor(server));
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

const faults: readonly (readonly [string, (server: S3Server) => void])[] = [
  ["500", (server) => server.fault = () => new Response(null, { status: 500 })],
  ["503 SlowDown", (server) => server.fault = () => new Response(null, { status: 503 })],
  ["another object's bytes", (server) => server.objects.set(KEY, new Uint8Array(7))],
  ["an empty object", (server) => server.objects.set(KEY, new Uint8Array(0))],
];

for (const [name, breakIt] of faults) {
  Deno.test(`S3Blobs.get() is unavailable, never wrong, with ${name}`, async () => {
    await using server = S3Server.start();
    using blobs = await S3Blobs.open(configFor(server));
    breakIt(server);
    await assert.rejects(blobs.get(KEY), isUnavailable);
  });
}

const misconfigured: readonly (readonly [string, Partial<S3Config>])[] = [
  ["a wrong secret", { secretKey: "wrong" }],
  ["a missing bucket", { bucket: "nothing" }],
  ["a store that is down", { endpoint: "127.0.0.1:1" }],
];

for (const [name, changes] of misconfigured) {
  Deno.test(`S3Blobs never says "not found" or "stored" with ${name}`, async () => {
    await using server = S3Server.start();
    using blobs = await S3Blobs.open(configFor(server, changes));
    const message = await spooled("Subject: x\r\n\r\nbody\r\n");
    await assert.rejects(blobs.get(KEY), isUnavailable);
    await assert.rejects(
      blobs.put(objectKey("a@example.com", message.hash), message),
      isUnavailable,
    );
    assert.equal(server.objects.size, 0);
  });
}
