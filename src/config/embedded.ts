import type { Config, DatabaseConfig, DatabaseEndpoint } from "./config.ts";
import { loadConfig, type Sources } from "./load.ts";

/**
 * What `sora` runs without a configuration file: a private PostgreSQL and bodies on disk in
 * `dataDir`, one worker, IMAP on 127.0.0.1:1143 and LMTP on 127.0.0.1:2424.
 */
export function embeddedConfig(dataDir: string, sources: Sources = {}): Config {
  const loaded = loadConfig("", "built-in configuration", sources);
  if ("problems" in loaded) throw new Error("Cannot load the built-in configuration");
  return { ...loaded.config, dataDir };
}

/** The database settings of embedded mode around an endpoint: every timeout as by default. */
export function defaultDatabase(write: DatabaseEndpoint): DatabaseConfig {
  const loaded = loadConfig("[database]", "built-in configuration");
  if ("problems" in loaded || !loaded.config.database) {
    throw new Error("Cannot load the built-in configuration");
  }
  return { ...loaded.config.database, write };
}
