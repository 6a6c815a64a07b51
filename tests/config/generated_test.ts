import assert from "node:assert/strict";
import { parse } from "smol-toml";
import { z } from "zod";
import { generatedFiles } from "../../src/admin/docs.ts";
import { exampleToml } from "../../src/config/describe/example.ts";
import { jsonSchema } from "../../src/config/describe/json_schema.ts";
import { dumpConfig, dumpToml, MASK } from "../../src/config/dump.ts";
import { defaultDatabase, embeddedConfig } from "../../src/config/embedded.ts";
import { loadConfig } from "../../src/config/load.ts";
import { renderProblem } from "../../src/config/problem.ts";

const root = new URL("../../", import.meta.url);

/** Every line of the example that is a setting, taken out of its comment. */
const uncommented = exampleToml().replaceAll(/^#(?=[\w[])/gm, "");

function load(text: string) {
  const loaded = loadConfig(text, "config.toml");
  if ("problems" in loaded) assert.fail(loaded.problems.map(renderProblem).join("\n"));
  return loaded;
}

for (const [path, text] of generatedFiles()) {
  Deno.test(`${path} is what \`deno task docs\` writes`, async () => {
    assert.equal(await Deno.readTextFile(new URL(path, root)), text);
  });
}

Deno.test("the example configuration starts as it is", () => {
  const { config, warnings } = load(exampleToml());
  assert.deepEqual(config, load("").config);
  assert.deepEqual(warnings, []);
});

Deno.test("the example configuration starts with every line taken out of its comment", () => {
  const { config } = load(uncommented);
  assert.deepEqual(config.servers.map(({ type }) => type), ["imap", "lmtp", "metrics"]);
  assert.ok(config.database && config.s3);
  const defaults = load("[database]\n[servers.imap]\n[servers.lmtp]\n").config;
  assert.deepEqual(config.logging, defaults.logging);
  assert.deepEqual(config.cleanup, defaults.cleanup);
});

Deno.test("dumpToml() is read back as the same configuration", () => {
  const { config } = load(uncommented);
  const again = load(dumpToml(config, { secrets: true })).config;
  assert.deepEqual(again, config);
  const embedded = embeddedConfig("/data");
  assert.deepEqual(load(dumpToml(embedded)).config, embedded);
});

Deno.test("dumpConfig() masks every secret", () => {
  const secret = "hunter2".repeat(4);
  const { config } = load(`
    [database.write]
    password = "${secret}1"
    [database.read]
    hosts = ["db2"]
    password = "${secret}2"
    [s3]
    endpoint = "s3"
    bucket = "b"
    access_key = "${secret}3"
    secret_key = "${secret}4"
    encryption_key = "${"ab".repeat(32)}"
    [servers.metrics]
    api_key = "${secret}5"`);
  const text = JSON.stringify(dumpConfig(config)) + dumpToml(config);
  assert.equal(text.includes("hunter2"), false);
  assert.equal(text.includes("abab"), false);
  assert.equal(text.split(MASK).length - 1, 12);
});

Deno.test("defaultDatabase() puts default timeouts around an endpoint", () => {
  const { database } = load('[database]\nhost = "/run/pg"').config;
  assert.ok(database);
  assert.deepEqual(defaultDatabase(database.write), database);
});

const schema = z.fromJSONSchema(jsonSchema() as Parameters<typeof z.fromJSONSchema>[0]);

Deno.test("the JSON schema accepts both dialects and the example, and refuses misspellings", () => {
  const plain = (text: string) => JSON.parse(JSON.stringify(parse(text)));
  const good = [
    "",
    uncommented,
    '[servers.imap]\nstart = true\naddr = ":143"',
    '[[servers]]\ntype = "imap"\naddr = ":143"',
    '[database]\nhost = "a"\n[[database.read_endpoints]]\nhost = "b"',
    '[database.read]\nhosts = ["a"]',
    'log_output = "stdout"\n[servers.pop3]\nstart = false',
  ];
  for (const text of good) {
    const result = schema.safeParse(plain(text));
    assert.ok(result.success, `${text}\n${result.error?.message}`);
  }
  const bad = ["dat_dir = 'x'", "bcrypt_cost = 'x'", "[database]\nhots = 'a'", "[logging]\nx = 1"];
  for (const text of bad) assert.equal(schema.safeParse(plain(text)).success, false, text);
});
