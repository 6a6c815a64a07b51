import { readConfig, readEmbeddedConfig } from "../app/read_config.ts";
import type { Config } from "../config/config.ts";
import type { Problem } from "../config/problem.ts";
import type { OptionValues } from "./command.ts";
import { wrongConfiguration } from "./failure.ts";

/** Looked for when neither `--config` nor `--data` is given. */
const DEFAULT_CONFIG = "config.toml";
const DEFAULT_DATA = "./sora-data";

/** What a command works on. */
export interface Setup {
  readonly config: Config;
  readonly warnings: readonly Problem[];
  /** The configuration file; null in embedded mode without one. */
  readonly file: string | null;
}

/**
 * `--config FILE`, `--data DIR` (embedded mode), both (the file with another data folder), or
 * neither: ./config.toml if it exists, else embedded mode in ./sora-data. Throws `Failure`.
 */
export function readSetup(options: OptionValues): Setup {
  const dataDir = options.text("data");
  const file = options.text("config") ?? (dataDir === undefined ? defaultFile() : null);
  if (file === null) {
    return { config: readEmbeddedConfig(dataDir ?? DEFAULT_DATA), warnings: [], file: null };
  }
  const loaded = readConfig(file);
  if ("problems" in loaded) throw wrongConfiguration(loaded.problems);
  const config = dataDir === undefined ? loaded.config : { ...loaded.config, dataDir };
  return { config, warnings: loaded.warnings, file };
}

function defaultFile(): string | null {
  try {
    return Deno.statSync(DEFAULT_CONFIG).isFile ? DEFAULT_CONFIG : null;
  } catch {
    return null;
  }
}
