import { stringify } from "smol-toml";
import type { Config, Retention } from "./config.ts";
import { formatDuration } from "./duration.ts";
import { formatListenAddress } from "./listen_address.ts";
import { formatSize } from "./size.ts";

/** What stands in a dump instead of a secret. */
export const MASK = "********";

const SECRETS: ReadonlySet<string> = new Set([
  "password",
  "accessKey",
  "secretKey",
  "apiKey",
  "key",
]);

/** Names that are not simply the camel case of the key and its unit. */
const KEYS: Readonly<Record<string, string>> = { maxConnIdleMs: "max_conn_idle_time" };

/**
 * The configuration in the names and units of the file: every setting that is in force. Secrets are
 * masked unless `secrets` says otherwise; empty ones are shown as empty.
 */
export function dumpConfig(
  config: Config,
  { secrets = false }: { readonly secrets?: boolean } = {},
): Record<string, unknown> {
  const { servers, ...root } = config;
  return { ...dumpTable(root, secrets), servers: servers.map((one) => dumpTable(one, secrets)) };
}

/** The dump as TOML that Sora can read again (but for masked secrets). */
export function dumpToml(config: Config, options: { readonly secrets?: boolean } = {}): string {
  return `${stringify(dumpConfig(config, options))}\n`;
}

function dumpTable(table: object, secrets: boolean): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(table)) {
    if (value === null) continue;
    if (name === "addr") result["addr"] = formatListenAddress(value);
    else if (name === "retention") result["retention"] = dumpRetention(value);
    else if (name === "minBytesPerMinute") result["min_bytes_per_minute"] = value || -1;
    else if (SECRETS.has(name) && value !== "" && !secrets) result[keyOf(name)] = MASK;
    else result[keyOf(name)] = dumpValue(name, value, secrets);
  }
  return result;
}

function dumpRetention(retention: readonly Retention[]): Record<string, string> {
  return Object.fromEntries(
    retention.map(({ mailbox, ageMs }) => [mailbox, formatDuration(ageMs)]),
  );
}

function dumpValue(name: string, value: unknown, secrets: boolean): unknown {
  if (typeof value === "number" && name.endsWith("Ms")) return formatDuration(value);
  if (typeof value === "number" && name.endsWith("Bytes")) return formatSize(value);
  if (Array.isArray(value)) {
    return value.map((one) => typeof one === "object" ? dumpTable(one, secrets) : one);
  }
  return typeof value === "object" && value !== null ? dumpTable(value, secrets) : value;
}

function keyOf(name: string): string {
  if (Object.hasOwn(KEYS, name)) return KEYS[name] ?? name;
  return name.replace(/(Ms|Bytes)$/, "").replaceAll(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
}
