import assert from "node:assert/strict";
import { S3Blobs } from "../../src/blobs/s3_blobs.ts";
import type { S3Check } from "../../src/blobs/s3_check.ts";
import type { S3Config } from "../../src/config/config.ts";
import { s3Faults } from "../support/s3_faults.ts";
import { failure, type Fault, S3Server } from "../support/s3_server.ts";
import { freePort } from "../support/server.ts";

async function checked(
  { config = {}, fault = () => undefined }: { config?: Partial<S3Config>; fault?: Fault },
): Promise<S3Check> {
  await using server = S3Server.start();
  server.fault = fault;
  using blobs = await S3Blobs.open(server.config({ timeoutMs: 300, ...config }));
  return await blobs.check();
}

Deno.test("S3Blobs.check() says what is wrong, and with which setting", async () => {
  const wrong: readonly (readonly [RegExp, Parameters<typeof checked>[0]])[] = [
    [/no bucket "mial" \(s3\.bucket\)/, { config: { bucket: "mial" } }],
    [/access key .* \(s3\.access_key\)/, { config: { accessKey: "nobody" } }],
    [/secret key is wrong \(s3\.secret_key\)/, { config: { secretKey: "wrong" } }],
    [/region is wrong \(s3\.region\)/, { config: { region: "moon-1" } }],
    [/clock is wrong/, { fault: () => failure(403, "RequestTimeTooSkewed") }],
    [/may not list the bucket/, { fault: () => failure(403, "AccessDenied") }],
    [/may not write objects/, { fault: forbidding("PUT") }],
    [/may not delete objects/, { fault: forbidding("DELETE") }],
    [/not work as an S3 store: 404 .*s3\.endpoint/, {
      fault: () => new Response("<html>", { status: 404 }),
    }],
  ];
  for (const [words, what] of wrong) {
    const found = await checked(what);
    assert.equal(found.kind, "wrong", JSON.stringify(found));
    assert.match(found.kind === "wrong" ? found.why : "", words);
  }
});

Deno.test("S3Blobs.check() does not call a store in trouble wrong", async () => {
  const found = await checked({ config: { endpoint: `127.0.0.1:${freePort()}` } });
  assert.equal(found.kind, "unreachable");
  assert.match(found.kind === "unreachable" ? found.why : "", /refused|ECONNREFUSED/i);
  for (const [name, fault] of Object.entries(s3Faults)) {
    assert.equal((await checked({ fault })).kind, "unreachable", name);
  }
  assert.deepEqual(await checked({}), { kind: "ok" });
});

function forbidding(forbidden: string): Fault {
  return ({ method }) => method === forbidden ? failure(403, "AccessDenied") : undefined;
}
