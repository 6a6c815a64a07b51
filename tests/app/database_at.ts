import type { DatabaseConfig } from "../../src/config/config.ts";
import { defaultDatabase } from "../../src/config/embedded.ts";

/** A configured database that nobody connects to. */
export function databaseAt(hosts: readonly string[]): DatabaseConfig {
  return defaultDatabase({
    hosts,
    port: 5432,
    user: "u",
    password: "p",
    name: "n",
    tls: false,
    maxConnections: 4,
    minConnections: 0,
    maxConnLifetimeMs: 0,
    maxConnIdleMs: 0,
  });
}
