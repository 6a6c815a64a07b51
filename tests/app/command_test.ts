import assert from "node:assert/strict";
import { join } from "node:path";
import { exitCodes } from "../../src/app/exit_codes.ts";
import { HELP } from "../../src/app/help.ts";
import { VERSION } from "../../src/lib/version.ts";
import { freePort } from "../support/server.ts";
import { inDataFolder, runSora } from "./program.ts";

Deno.test("sora --help, --version and mistakes on the command line", async () => {
  const [help, version, mistake] = await Promise.all([
    runSora("--help"),
    runSora("--version"),
    runSora("--confg", "x"),
  ]);
  assert.deepEqual(help, { code: 0, stdout: HELP, stderr: "" });
  assert.deepEqual(version, { code: 0, stdout: `sora ${VERSION}\n`, stderr: "" });
  assert.equal(mistake.code, 64);
  assert.equal(mistake.stdout, "");
  assert.match(mistake.stderr, /^sora: .*--confg.*\nTry: sora --help\n$/);
});

Deno.test("sora --help tells every exit code", () => {
  for (const code of Object.values(exitCodes)) {
    assert.match(HELP, new RegExp(`^ +${code}  `, "m"), String(code));
  }
});

Deno.test("sora names every problem of a configuration and exits with 78", async () => {
  await inDataFolder(async (folder) => {
    const file = join(folder, "bad.toml");
    await Deno.writeTextFile(
      file,
      `data_dir = 7\n[servers.imap]\nstart = true\naddr = "nowhere"\nmax_conections = 3\n`,
    );
    for (const args of [[], ["--check-config"]]) {
      const { code, stdout, stderr } = await runSora("--config", file, ...args);
      assert.equal(code, 78);
      assert.equal(stdout, "");
      const lines = stderr.trimEnd().split("\n");
      assert.equal(lines.length, 3, stderr);
      for (const line of lines) assert.match(line, /bad\.toml:\d+:\d+: /);
    }
    const missing = await runSora("--config", join(folder, "missing.toml"));
    assert.equal(missing.code, 78);
    assert.match(missing.stderr, /missing\.toml/);
  });
});

Deno.test("sora --check-config says ok and starts nothing", async () => {
  await inDataFolder(async (folder) => {
    const file = join(folder, "good.toml");
    const dataDir = join(folder, "data");
    await Deno.writeTextFile(file, `data_dir = ${JSON.stringify(dataDir)}\n`);
    const { code, stdout, stderr } = await runSora("--config", file, "--check-config");
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: `ok: ${file}\n`, stderr: "" });
    await assert.rejects(Deno.stat(dataDir), Deno.errors.NotFound);
  });
});

Deno.test("sora says which database it cannot use and exits with 69", async () => {
  await inDataFolder(async (folder) => {
    const file = join(folder, "config.toml");
    const port = freePort();
    await Deno.writeTextFile(
      file,
      `data_dir = ${JSON.stringify(join(folder, "data"))}
[database.write]
hosts = ["127.0.0.1"]
port = ${port}
user = "sora"
password = "s3cret-word"
name = "sora"
[servers.imap]
start = true
addr = "127.0.0.1:0"
`,
    );
    const { code, stderr } = await runSora("--config", file);
    assert.equal(code, 69, stderr);
    assert.match(
      stderr,
      new RegExp(`sora: The database at 127\\.0\\.0\\.1:${port} cannot be used: .*ECONNREFUSED`),
    );
    assert.ok(!stderr.includes("s3cret-word"));
  });
});

Deno.test("sora says that its data folder cannot be made and exits with 73", async () => {
  await inDataFolder(async (folder) => {
    const file = join(folder, "file");
    await Deno.writeTextFile(file, "");
    const { code, stderr } = await runSora("--data", join(file, "data"), "--imap-port", "0");
    assert.equal(code, 73);
    assert.match(stderr, /^sora: data_dir: .*file\/data/);
  });
});
