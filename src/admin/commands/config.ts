import { dumpConfig, dumpToml } from "../../config/dump.ts";
import { renderWarning } from "../../config/problem.ts";
import type { Command } from "../command.ts";

/** Checks a configuration without touching anything else. */
export const configCheck: Command = {
  name: "config check",
  summary: "check a configuration; every problem is one line, exit code 78",
  options: {},
  example: "sora-admin config check --config config.toml",
  async run({ setup }) {
    const { config, warnings, file } = setup();
    const lines = warnings.map((warning) => `${renderWarning(warning)}\n`).join("");
    const name = file ?? "No configuration file: embedded mode";
    const servers = config.servers.map((server) => server.name);
    return { text: `${lines}${name}: ok\n`, json: { ok: true, file, warnings, servers } };
  },
};

/** Prints the configuration in force. */
export const configDump: Command = {
  name: "config dump",
  summary: "print every setting in force, secrets masked",
  options: {
    format: { value: "FORMAT", choices: ["toml", "json"], text: "toml unless --json is given" },
    "show-secrets": { text: "do not mask passwords and keys" },
  },
  example: "sora-admin config dump --config config.toml",
  async run({ setup, options }) {
    const { config } = setup();
    const secrets = options.has("show-secrets");
    const json = dumpConfig(config, { secrets });
    const asJson = options.text("format") === "json";
    const text = asJson ? `${JSON.stringify(json, null, 2)}\n` : dumpToml(config, { secrets });
    return { text, json };
  },
};
