import assert from "node:assert/strict";
import { join } from "node:path";
import { workerPermissions } from "../../src/app/worker_permissions.ts";
import type { Config, DatabaseConfig } from "../../src/config/config.ts";
import { embeddedConfig } from "../../src/config/embedded.ts";
import { askWorker } from "./ask_worker.ts";
import { databaseAt } from "./database_at.ts";
import type { Attempts, Outcome } from "./sandbox_probe.ts";

type WithDatabase = Config & { readonly database: DatabaseConfig };

function configured(hosts: readonly string[], servers: Config["servers"] = []): WithDatabase {
  return { ...embeddedConfig("unused"), servers, database: databaseAt(hosts) };
}

const folders = { bodies: "/data/bodies", spool: "/data/spool" };

Deno.test("workerPermissions() names listeners, databases and folders, and nothing else", () => {
  const [imap, lmtp] = embeddedConfig("unused").servers;
  assert.ok(imap && lmtp);
  const config = configured(["db1", "10.0.0.2", "fd00::1", "/run/pg"], [
    { ...imap, addr: { host: "", port: 143 } },
    { ...lmtp, addr: { host: "::1", port: 24 } },
  ]);
  const { net, read, write, env, ...rest } = workerPermissions(config, folders);
  assert.deepEqual(net, [
    "[::]:143",
    "0.0.0.0:143",
    "[::1]:24",
    "db1:5432",
    "10.0.0.2:5432",
    "[fd00::1]:5432",
    "unix:/run/pg/.s.PGSQL.5432",
  ]);
  assert.deepEqual(read, ["/data/bodies", "/data/spool", "/run/pg/.s.PGSQL.5432"]);
  assert.deepEqual(write, read);
  const place = { uploads: "/data/uploads", cache: "/var/cache", instanceId: "here" };
  const counts = new SharedArrayBuffer(0);
  const staging = { place, stagingCounts: counts, cacheCounts: counts };
  const more = workerPermissions(config, folders, staging);
  assert.deepEqual(more.write, [
    "/data/bodies",
    "/data/spool",
    "/data/uploads",
    "/var/cache",
    "/run/pg/.s.PGSQL.5432",
  ]);
  assert.ok(Array.isArray(env) && !env.includes("PATH") && !env.includes("HOME"));
  assert.deepEqual(rest, { run: false, ffi: false, sys: false, import: false });
});

Deno.test("a protocol worker can do its work and nothing else", async () => {
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "sora-sandbox-" }));
  const bodies = join(root, "bodies");
  const spool = join(root, "spool");
  await Deno.mkdir(bodies);
  await Deno.mkdir(spool);
  const outsideFile = join(root, "secret");
  await Deno.writeTextFile(outsideFile, "secret");
  await Deno.writeTextFile(`${outsideFile}.ts`, "export {};");
  using elsewhere = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [imap] = embeddedConfig("unused").servers;
  assert.ok(imap);
  const allowedPort = freePort();
  const config = configured(["127.0.0.1"], [
    { ...imap, addr: { host: "127.0.0.1", port: allowedPort } },
  ]);
  const permissions = workerPermissions(config, { bodies, spool });
  const script = new URL("./sandbox_probe.ts", import.meta.url);
  const attempts: Attempts = {
    allowedFile: join(spool, "file"),
    outsideFile,
    allowedPort,
    otherPort: elsewhere.addr.port,
    socket: join(root, ".s.PGSQL.5432"),
  };
  const outcome = await askWorker<Outcome>(script, permissions, attempts);
  try {
    const { writeInside, readInside, removeInside, listenHere, ...forbidden } = outcome;
    assert.deepEqual(
      { writeInside, readInside, removeInside, listenHere },
      { writeInside: "done", readInside: "done", removeInside: "done", listenHere: "done" },
    );
    const names = Object.entries(forbidden).filter(([name, how]) => how !== expected(name));
    assert.deepEqual(names, []);
    assert.equal(await Deno.readTextFile(outsideFile), "secret");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

/** How each forbidden attempt fails: dynamic import reports the refusal as a TypeError. */
function expected(name: string): string {
  return name.startsWith("import") ? "TypeError" : "NotCapable";
}

function freePort(): number {
  using socket = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return socket.addr.port;
}
