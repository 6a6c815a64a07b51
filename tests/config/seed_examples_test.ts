import assert from "node:assert/strict";
import { loadConfig } from "../../src/config/load.ts";
import { renderProblem } from "../../src/config/problem.ts";

const text = await Deno.readTextFile(new URL("seed_examples.txt", import.meta.url));

/** What `loadConfig` says, as the golden file writes it. */
function outcome(toml: string): string {
  const loaded = loadConfig(toml, "config.toml");
  if ("problems" in loaded) return loaded.problems.map(renderProblem).join("\n");
  const servers = loaded.config.servers.map(({ name, addr }) =>
    `${name} on ${addr.host}:${addr.port}`
  );
  const warnings = loaded.warnings.map((warning) => `warning ${renderProblem(warning)}`);
  return [...warnings, `starts ${servers.join(", ")}`].join("\n");
}

for (const example of text.split(/^={8} /m).slice(1)) {
  const [name = "", ...lines] = example.trimEnd().split("\n");
  const [toml = "", expected = ""] = lines.join("\n").split(/^-{8}\n/m);
  Deno.test(`seed example ${name} starts or names what is missing`, () => {
    assert.notEqual(expected, "");
    assert.equal(outcome(toml), expected.trimEnd());
  });
}
