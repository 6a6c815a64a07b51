import assert from "node:assert/strict";
import { join } from "node:path";
import { credentialAccess } from "../../src/app/credential_access.ts";
import { workerPermissions } from "../../src/app/worker_permissions.ts";
import type { S3Config } from "../../src/config/config.ts";
import { embeddedConfig } from "../../src/config/embedded.ts";
import { loadConfig } from "../../src/config/load.ts";
import { ACCESS_KEY, REGION, S3Server, SECRET_KEY } from "../support/s3_server.ts";
import { askWorker } from "./ask_worker.ts";
import { databaseAt } from "./database_at.ts";

const TOKEN = "of a role";
/** WHY: no case may find the credentials of another, or of whoever runs the tests. */
const NOWHERE = {
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_SHARED_CREDENTIALS_FILE: "/nonexistent/credentials",
  AWS_CONFIG_FILE: "/nonexistent/config",
};

Deno.test("workers find credentials of their environment in their sandbox", async (t) => {
  const folder = await Deno.makeTempDir();
  const file = join(folder, "credentials");
  await Deno.writeTextFile(
    file,
    `[default]\naws_access_key_id = ${ACCESS_KEY}\naws_secret_access_key = ${SECRET_KEY}\n` +
      `aws_session_token = ${TOKEN}\n`,
  );
  await using container = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () =>
      Response.json({
        AccessKeyId: ACCESS_KEY,
        SecretAccessKey: SECRET_KEY,
        Token: TOKEN,
        Expiration: new Date(Date.now() + 3_600_000).toISOString(),
      }),
  );
  const cases: Record<string, Record<string, string>> = {
    variables: {
      AWS_ACCESS_KEY_ID: ACCESS_KEY,
      AWS_SECRET_ACCESS_KEY: SECRET_KEY,
      AWS_SESSION_TOKEN: TOKEN,
    },
    file: { AWS_SHARED_CREDENTIALS_FILE: file },
    container: {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${container.addr.port}/role`,
    },
  };
  await using server = S3Server.start();
  server.signedBy = { ...server.signedBy, token: TOKEN };
  for (const [name, variables] of Object.entries(cases)) {
    await t.step(name, async () => {
      assert.equal(await probe(server, variables), "ok");
    });
  }
  await t.step("nothing", async () => {
    assert.match(await probe(server, {}), /there are no credentials: give s3\.access_key/);
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("credentialAccess() opens nothing where keys are configured", () => {
  const env = { HOME: "/h", AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://10.0.0.1/x" };
  assert.deepEqual(credentialAccess({ accessKey: "k", region: "r" }, env), { net: [], read: [] });
  const { net, read } = credentialAccess({ accessKey: null, region: "eu-1" }, env);
  assert.deepEqual(read, ["/h/.aws"]);
  assert.ok(net.includes("10.0.0.1:80") && net.includes("sts.eu-1.amazonaws.com:443"));
});

/** What a worker with these variables says. */
async function probe(server: S3Server, variables: Record<string, string>): Promise<string> {
  const all = { ...NOWHERE, ...variables };
  for (const [name, value] of Object.entries(all)) Deno.env.set(name, value);
  try {
    const script = new URL("./credentials_probe.ts", import.meta.url);
    return await askWorker(script, permissions(server), keyless(server));
  } finally {
    for (const name of Object.keys(all)) Deno.env.delete(name);
  }
}

function keyless(server: S3Server): S3Config {
  return server.config({ accessKey: null, secretKey: null, timeoutMs: 3_000 });
}

function permissions(server: S3Server): Deno.PermissionOptionsObject {
  const text = `[s3]\nendpoint = "http://${server.endpoint}"\nbucket = "mail"\n` +
    `region = "${REGION}"\n`;
  const loaded = loadConfig(text, "config.toml");
  assert.ok("config" in loaded);
  const embedded = embeddedConfig("unused");
  const config = {
    ...embedded,
    servers: [],
    s3: loaded.config.s3,
    database: databaseAt(["127.0.0.1"]),
  };
  return workerPermissions(config, { bodies: "/data/bodies", spool: "/data/spool" });
}
