import assert from "node:assert/strict";
import { kill } from "node:process";
import { findEmbeddedPostgres } from "../../src/store/embedded_postgres.ts";
import {
  ask,
  canChangeUser,
  isRoot,
  newDataDir,
  readableCache,
  sources,
  start,
  startChild,
} from "./support.ts";

const [first] = sources.filter(({ missing }) => missing === null);
const source = first?.source ?? "auto";

for (const { source, missing } of sources) {
  const name = (what: string) => `${source}: ${what}${missing ? ` (${missing})` : ""}`;
  const ignore = missing !== null;

  Deno.test(name("two starts in a row keep the data"), { ignore }, async () => {
    await using dir = await newDataDir();
    const one = await start(dir.path, { source });
    await ask(one.endpoint, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)");
    await one.stop();
    await one.stop();
    await using two = await start(dir.path, { source });
    assert.deepEqual(await ask(two.endpoint, "SELECT n FROM kept"), ["7"]);
    assert.equal(two.adopted, false);
    assert.equal(two.source, source);
  });

  Deno.test(name("is private, durable and knows letters"), { ignore }, async () => {
    await using dir = await newDataDir();
    await using server = await start(dir.path, { source });
    const settings = ["listen_addresses", "fsync", "full_page_writes", "synchronous_commit"];
    const shown = settings.map((setting) => `current_setting('${setting}')`).join(", ");
    assert.deepEqual(await ask(server.endpoint, `SELECT ${shown}`), ["", "on", "on", "on"]);
    const letters = "SELECT lower('ÄÖÜÑ'), 'ÄPFEL' ILIKE '%äpf%'";
    assert.deepEqual(await ask(server.endpoint, letters), ["äöüñ", "true"]);
    const [version = ""] = await ask(server.endpoint, "SHOW server_version");
    assert.equal(version.split(" ")[0], server.version);
    await ask(server.endpoint, "CREATE EXTENSION pg_trgm", "CREATE EXTENSION btree_gin");
    for (const folder of ["data", "socket", "log"]) {
      const { mode, uid } = await Deno.stat(`${dir.path}/postgres/${folder}`);
      assert.equal((mode ?? 0) & 0o777, 0o700);
      assert.equal(uid === 0, false);
    }
    assert.equal((await Deno.stat(`${dir.path}/postgres`)).uid, Deno.uid());
  });

  Deno.test(name("is adopted after kill -9 of its Sora"), { ignore }, async () => {
    await using dir = await newDataDir();
    await using child = await startChild([dir.path, source]);
    const endpoint = await findEmbeddedPostgres(dir.path);
    assert.ok(endpoint);
    await ask(endpoint, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)");
    await child.kill();
    await using server = await start(dir.path, { source, restart: true });
    assert.equal(server.adopted, true);
    assert.equal(server.pid, child.postgresPid);
    assert.deepEqual(await ask(server.endpoint, "SELECT n FROM kept"), ["7"]);
  });
}

Deno.test("recovers after kill -9 of Sora and of its server", async () => {
  await using dir = await newDataDir();
  await using child = await startChild([dir.path, source]);
  const endpoint = await findEmbeddedPostgres(dir.path);
  assert.ok(endpoint);
  await ask(endpoint, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)");
  await child.kill();
  Deno.kill(child.postgresPid, "SIGKILL");
  await using server = await start(dir.path, { source });
  assert.equal(server.adopted, false);
  assert.deepEqual(await ask(server.endpoint, "SELECT n FROM kept"), ["7"]);
});

Deno.test("a server that dies is started again behind the same endpoint", async () => {
  await using dir = await newDataDir();
  await using server = await start(dir.path, { source, restart: true });
  const dead = server.pid;
  Deno.kill(dead, "SIGKILL");
  for (let attempt = 0; server.pid === dead && attempt < 1000; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.notEqual(server.pid, dead);
  assert.deepEqual(await ask(server.endpoint, "SELECT 1"), ["1"]);
});

Deno.test("a data folder that was left half made is made again", async () => {
  await using dir = await newDataDir();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "tests/embedded/sora_child.ts", dir.path, source],
    cwd: new URL("../..", import.meta.url).pathname,
    stdout: "null",
  }).spawn();
  while (!await unfinished(dir.path)) await new Promise((resolve) => setTimeout(resolve, 2));
  child.kill("SIGKILL");
  await child.status;
  await using server = await start(dir.path, { source });
  assert.deepEqual(await ask(server.endpoint, "SELECT 1"), ["1"]);
});

Deno.test("a postmaster.pid of a stranger's process is no obstacle, nor is the stranger hurt", async () => {
  await using dir = await newDataDir();
  await (await start(dir.path, { source })).stop();
  const owner = await Deno.stat(`${dir.path}/postgres/data`);
  const stranger = new Deno.Command("sleep", {
    args: ["60"],
    ...(isRoot && owner.uid !== null ? { uid: owner.uid } : {}),
  }).spawn();
  const lines = [stranger.pid, `${dir.path}/postgres/data`, 1, 5432, "/tmp", "", "1 1", "ready"];
  await Deno.writeTextFile(`${dir.path}/postgres/data/postmaster.pid`, lines.join("\n") + "\n");
  await using server = await start(dir.path, { source });
  assert.equal(server.adopted, false);
  assert.equal(kill(stranger.pid, 0), true);
  stranger.kill("SIGKILL");
  await stranger.status;
});

Deno.test("a server with other settings is replaced, not adopted", async () => {
  await using dir = await newDataDir();
  const careless = await start(dir.path, { source, fsync: false });
  await using server = await start(dir.path, { source });
  assert.notEqual(server.pid, careless.pid);
  assert.deepEqual(await ask(server.endpoint, "SHOW fsync"), ["on"]);
  await careless.stop();
});

Deno.test("a data folder of another major version is refused with both versions", async () => {
  await using dir = await newDataDir();
  const { version } = await stopped(dir.path);
  await Deno.writeTextFile(`${dir.path}/postgres/data/PG_VERSION`, "13\n");
  await assert.rejects(start(dir.path, { source }), (error) => {
    assert.match(String(error), /data folder .* of PostgreSQL 13/);
    assert.ok(String(error).includes(`is ${version}`));
    return true;
  });
});

Deno.test(
  "the data decides which installed PostgreSQL runs",
  { ignore: sources.some(({ missing }) => missing !== null) },
  async () => {
    await using dir = await newDataDir();
    await (await start(dir.path, { source: "bundled" })).stop();
    await Deno.remove(`${dir.path}/postgres/server.json`);
    await using server = await start(dir.path, { source: "auto" });
    assert.equal(server.source, "bundled");
  },
);

Deno.test("a folder with something else in it is left alone", async () => {
  await using dir = await newDataDir();
  await Deno.mkdir(`${dir.path}/postgres/data`, { recursive: true });
  await Deno.writeTextFile(`${dir.path}/postgres/data/diary`, "mine");
  if (isRoot) await Deno.chown(`${dir.path}/postgres/data`, 65534, 65534);
  await assert.rejects(start(dir.path, { source }), /holds diary but no PostgreSQL data/);
  assert.equal(await Deno.readTextFile(`${dir.path}/postgres/data/diary`), "mine");
});

Deno.test("SORA_PG may be a folder, and one without PostgreSQL is named", async () => {
  await using dir = await newDataDir();
  await assert.rejects(
    start(dir.path, { source: "/nowhere/at/all" }),
    /SORA_PG=\/nowhere\/at\/all: install PostgreSQL 14/,
  );
});

Deno.test("a data folder too deep for a socket address works", async () => {
  await using dir = await newDataDir();
  await Deno.chmod(dir.path, 0o755);
  const deep = `${dir.path}/${"a-rather-long-name/".repeat(6)}data`;
  const one = await start(deep, { source });
  const [folder = ""] = one.endpoint.hosts;
  assert.match(folder, /^\/tmp\/sora-socket-/);
  assert.equal(((await Deno.stat(folder)).mode ?? 0) & 0o777, 0o700);
  assert.deepEqual(await ask(one.endpoint, "SELECT 1"), ["1"]);
  await one.stop();
  await assert.rejects(Deno.stat(folder), Deno.errors.NotFound);
  await using two = await start(deep, { source });
  assert.deepEqual(await ask(two.endpoint, "SELECT 1"), ["1"]);
});

Deno.test(
  "as root, a data folder that no one else can reach gets its server elsewhere",
  { ignore: !isRoot },
  async () => {
    await using dir = await newDataDir(); // mode 0700
    const one = await start(`${dir.path}/data`, { source });
    const folder = (await Deno.readTextFile(`${dir.path}/data/postgres.elsewhere`)).trim();
    await using _cleanup = {
      async [Symbol.asyncDispose]() {
        await Deno.remove(folder, { recursive: true });
        await Deno.remove("/var/lib/sora").catch(() => {}); // another server may live there
      },
    };
    assert.match(folder, /^\/var\/lib\/sora\/[0-9a-f-]{36}$/);
    await ask(one.endpoint, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)");
    assert.deepEqual(await findEmbeddedPostgres(`${dir.path}/data`), one.endpoint);
    await one.stop();
    await using two = await start(`${dir.path}/data`, { source });
    assert.deepEqual(await ask(two.endpoint, "SELECT n FROM kept"), ["7"]);
  },
);

Deno.test("as an ordinary user", { ignore: !canChangeUser }, async (t) => {
  await using cache = await readableCache();
  const via = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
  const env = { DENO_DIR: cache.path, HOME: cache.path };
  for (const { source, missing } of sources) {
    const name = `${source}: the server is the user's, and root leaves it so`;
    if (missing !== null) continue;
    await t.step(name, async () => {
      await using dir = await newDataDir();
      await Deno.chown(dir.path, 65534, 65534);
      for (let turn = 0; turn < 2; turn++) {
        await using child = await startChild([dir.path, source], { via, env });
        const status = await Deno.readTextFile(`/proc/${child.postgresPid}/status`);
        assert.match(status, /^Uid:\t65534\t/m);
      }
      await using server = await start(dir.path, { source });
      assert.equal(server.adopted, true);
      assert.equal((await Deno.stat(`${dir.path}/postgres/data`)).uid, 65534);
    });
  }
  await t.step("another user's data folder is refused", async () => {
    await using dir = await newDataDir();
    await stopped(dir.path);
    await Deno.chmod(dir.path, 0o777);
    await assert.rejects(
      startChild([dir.path, source], { via, env }),
      /it belongs to uid \d+ and Sora runs as uid 65534/,
    );
  });
});

Deno.test(
  "as root, the server has the user's own group and no other",
  { ignore: !isRoot },
  async () => {
    await using dir = await newDataDir();
    await using server = await start(dir.path, { source });
    const status = await Deno.readTextFile(`/proc/${server.pid}/status`);
    const [, uid] = /^Uid:\t(\d+)\t/m.exec(status) ?? [];
    const [, gid] = /^Gid:\t(\d+)\t/m.exec(status) ?? [];
    const [, groups = ""] = /^Groups:(.*)$/m.exec(status) ?? [];
    assert.notEqual(uid, "0");
    assert.notEqual(gid, "0");
    assert.equal(groups.trim().split(/\s+/).filter((group) => group && group !== gid).length, 0);
  },
);

Deno.test("findEmbeddedPostgres() finds only a server that runs", async () => {
  await using dir = await newDataDir();
  assert.equal(await findEmbeddedPostgres(dir.path), null);
  const server = await start(dir.path, { source });
  assert.deepEqual(await findEmbeddedPostgres(dir.path), server.endpoint);
  await server.stop();
  assert.equal(await findEmbeddedPostgres(dir.path), null);
});

async function stopped(dataDir: string): Promise<{ version: string }> {
  const server = await start(dataDir, { source });
  await server.stop();
  return server;
}

async function unfinished(dataDir: string): Promise<boolean> {
  try {
    for await (const { name } of Deno.readDir(`${dataDir}/postgres`)) {
      if (!name.startsWith("new-data-")) continue;
      return (await Array.fromAsync(Deno.readDir(`${dataDir}/postgres/${name}`))).length > 5;
    }
    return false;
  } catch {
    return false;
  }
}
