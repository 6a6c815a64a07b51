import assert from "node:assert/strict";
import { commands } from "../../src/admin/registry.ts";
import { readHidden } from "../../src/admin/terminal.ts";
import { run } from "./played_terminal.ts";

Deno.test("sora-admin help is there at every level", async () => {
  for (const args of [[], ["help"], ["--help"], ["-h"]]) {
    const { code, out } = await run(args);
    assert.equal(code, 0);
    for (const { name } of commands) assert.ok(out.includes(name), name);
    assert.match(out, /Exit codes:/);
  }
  const group = await run(["accounts", "--help"]);
  assert.match(group.out, /accounts restore/);
  assert.doesNotMatch(group.out, /migrate/);
  for (const { name, options } of commands) {
    for (const args of [[...name.split(" "), "--help"], ["help", ...name.split(" ")]]) {
      const { code, out } = await run(args);
      assert.equal(code, 0);
      for (const option of ["config", "data", "json", ...Object.keys(options)]) {
        assert.ok(out.includes(`--${option}`), `${name} ${option}`);
      }
    }
  }
});

const wrong: readonly (readonly [args: string, message: string])[] = [
  ["health --detailed", '"health" is not part of this version of Sora'],
  ["help stats", '"stats" is not part of this version of Sora'],
  [
    "accounts credentials add --email a@example.org --alias b@example.org",
    '"accounts credentials" is not part of this version of Sora',
  ],
  ["acounts list", 'unknown command "acounts list" (did you mean "accounts list"?)'],
  ["help acounts", 'unknown command "acounts" (did you mean "accounts"?)'],
  ["accounts", "accounts what? one of create, list, show, update, delete, restore"],
  ["migrate up now", 'migrate up takes no argument "now"'],
  ["accounts list --domian x", 'accounts list: unknown option --domian (did you mean "--domain"?)'],
  ["accounts create", "accounts create: give --email ADDRESS"],
  ["accounts create --email", "accounts create: --email needs a value: --email ADDRESS"],
  ["accounts create --email --password x", "--email needs a value"],
  ["accounts show --email a@b.c --email a@b.c", "accounts show: --email is given twice"],
  ["accounts show --email nonsense", '--email: "nonsense" is no mail address'],
  ["accounts show --email a+x@b.c", '--email: an account\'s address has no "+detail": a@b.c'],
  ["accounts list --all=yes", "accounts list: --all takes no value"],
  [
    "accounts create --email a@b.c --hash md5",
    'accounts create: --hash: unknown "md5" (one of bcrypt, ssha512, sha512)',
  ],
  [
    "accounts create --email a@b.c --password x --password-stdin",
    "give only one of --password and --password-stdin",
  ],
  [
    "accounts create --email a@b.c --password-hash x",
    "--password-hash: the hash has no form that Sora knows",
  ],
  [
    "accounts create --email a@b.c",
    "give --password, --password-stdin or --password-hash (there is no terminal to ask)",
  ],
];

for (const [args, message] of wrong) {
  Deno.test(`sora-admin ${args} is refused with a hint`, async () => {
    const { code, out, err } = await run(args.split(" "));
    assert.equal(err, `sora-admin: ${message} (sora-admin help)\n`);
    assert.equal(code, 64);
    assert.equal(out, "");
  });
}

Deno.test("sora-admin config check names every problem and exits with 78", async () => {
  const file = await Deno.makeTempFile({ suffix: ".toml" });
  try {
    await Deno.writeTextFile(file, "bcrypt_cost = 1\n[servers.pop3]\nstart = true\n");
    const { code, out, err } = await run(["config", "check", "--config", file]);
    assert.deepEqual(err.split("\n"), [
      `${file}:1:1: bcrypt_cost: expected a whole number from 10 to 14, got 1`,
      `${file}:2:1: servers.pop3: POP3 is not part of this version of Sora; ` +
      "remove it or set start = false",
      "",
    ]);
    assert.equal(code, 78);
    assert.equal(out, "");
    await Deno.writeTextFile(file, "[servers.imap]\n[health]\nenabled = true\n");
    const good = await run(["config", "check", "--config", file]);
    assert.equal(good.code, 0);
    assert.equal(
      good.out,
      `${file}:2:1: warning: health: has no effect in this version of Sora\n${file}: ok\n`,
    );
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("sora-admin config check says that a file is missing", async () => {
  const { code, err } = await run(["config", "check", "--config", "/nowhere/config.toml"]);
  assert.equal(err, "/nowhere/config.toml: cannot read: there is no such file\n");
  assert.equal(code, 78);
});

Deno.test("sora-admin config dump masks secrets, in TOML and in JSON", async () => {
  const file = await Deno.makeTempFile({ suffix: ".toml" });
  try {
    await Deno.writeTextFile(`${file}.secret`, "hunter2\n");
    await Deno.writeTextFile(file, `[database]\npassword_file = "${file}.secret"\n`);
    for (const more of [[], ["--json"], ["--format", "json"]]) {
      const { code, out } = await run(["config", "dump", "--config", file, ...more]);
      assert.equal(code, 0);
      assert.match(out, /\*{8}/);
      assert.doesNotMatch(out, /hunter2/);
    }
    const shown = await run(["config", "dump", "--config", file, "--show-secrets"]);
    assert.match(shown.out, /password = "hunter2"/);
  } finally {
    await Deno.remove(file);
    await Deno.remove(`${file}.secret`);
  }
});

Deno.test("sora-admin version speaks JSON too", async () => {
  assert.match((await run(["version"])).out, /^sora-admin \d+\.\d+\.\d+\n$/);
  const { version } = JSON.parse((await run(["--json", "version"])).out);
  assert.match(version, /^\d+\.\d+\.\d+$/);
});

Deno.test("sora-admin answers failures in JSON with --json", async () => {
  const { code, err } = await run(["accounts", "show", "--json"]);
  assert.deepEqual(JSON.parse(err), {
    error: ["accounts show: give --email ADDRESS"],
    exitCode: 64,
  });
  assert.equal(code, 64);
});

Deno.test("readHidden() reads a line key by key", async () => {
  const cases: readonly (readonly [keys: string, typed: string | null])[] = [
    ["secret\r", "secret"],
    ["secret\nmore", "secret"],
    ["secx\x7fret\r", "secret"],
    ["é\x7fe\r", "e"],
    ["\x7f\x7fx\r", "x"],
    ["wrong\x15right\r", "right"],
    ["abc\x03", null],
    ["abc", null],
    ["\r", ""],
  ];
  for (const [keys, typed] of cases) {
    const octets = new TextEncoder().encode(keys);
    let at = 0;
    const read = () => Promise.resolve(at < octets.length ? octets.subarray(at, ++at) : null);
    assert.equal(await readHidden(read), typed, JSON.stringify(keys));
  }
});
