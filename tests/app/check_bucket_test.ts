import assert from "node:assert/strict";
import { checkBucket } from "../../src/app/check_bucket.ts";
import { StartFailure } from "../../src/app/exit_codes.ts";
import { type Log, logger } from "../../src/observe/log.ts";
import { KEY_A, KEY_B } from "../blobs/encryption.ts";
import { S3Server } from "../support/s3_server.ts";

const encrypting = (key: string) => `encrypt = true\nencryption_key = "${key}"\n`;

Deno.test("a start with another key than before, or none, ends with the reason", async () => {
  await using server = S3Server.start("mail");
  const check = (encryption: string) => checkBucket(server.loaded(encryption), logger("test"));
  await check("");
  await check(encrypting(KEY_A));
  await check(encrypting(KEY_A));
  const cases: [string, RegExp][] = [
    [encrypting(KEY_B), /key "default" of \[s3\] is not the one that bodies were encrypted with/],
    ["", /encrypted with the key "default", which \[s3\] does not give/],
  ];
  for (const [encryption, words] of cases) {
    await assert.rejects(
      check(encryption),
      (error) =>
        error instanceof StartFailure && error.exitCode === 78 && words.test(error.message) &&
        !error.message.includes(KEY_A) && !error.message.includes(KEY_B),
    );
  }
});

Deno.test("a start with a bucket or keys that will never work ends with the reason", async () => {
  await using server = S3Server.start("mail");
  const config = server.loaded();
  const cases: [Partial<typeof config>, RegExp][] = [
    [
      { bucket: "mial" },
      /object store at 127\.0\.0\.1:\d+: there is no bucket "mial" \(s3\.bucket\)/,
    ],
    [{ secretKey: "wrong" }, /the secret key is wrong \(s3\.secret_key\)/],
  ];
  for (const [change, words] of cases) {
    await assert.rejects(
      checkBucket({ ...config, ...change }, logger("test")),
      (error) =>
        error instanceof StartFailure && error.exitCode === 78 && words.test(error.message),
    );
  }
});

Deno.test("a start without the object store goes on, with a warning", async () => {
  const warnings: string[] = [];
  const log: Log = {
    debug: () => {},
    info: () => {},
    warning: (event) => void warnings.push(event),
    error: () => {},
    with: () => log,
  };
  await using server = S3Server.start("mail");
  await checkBucket({ ...server.loaded(), endpoint: "127.0.0.1:1" }, log);
  server.fault = () => new Response(null, { status: 503 });
  await checkBucket(server.loaded(), log);
  assert.deepEqual(warnings, ["object-store-unreachable", "object-store-unreachable"]);
});
