import { exampleToml } from "../config/describe/example.ts";
import { jsonSchema } from "../config/describe/json_schema.ts";
import { configurationMarkdown } from "../config/describe/markdown.ts";

/** Files that are made from the configuration schema, by their path in the repository. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ["config.toml.example", exampleToml()],
    ["docs/configuration.md", configurationMarkdown()],
    ["docs/config.schema.json", `${JSON.stringify(jsonSchema(), null, 2)}\n`],
  ]);
}

/** `deno task docs`: writes them, below the working folder. */
if (import.meta.main) {
  for (const [path, text] of generatedFiles()) await Deno.writeTextFile(path, text);
}
