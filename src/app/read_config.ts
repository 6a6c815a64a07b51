import type { Config } from "../config/config.ts";
import { loadConfig, type Loaded, type NotLoaded, type Sources } from "../config/load.ts";
import { embeddedConfig } from "../config/embedded.ts";

/** Reads and checks a configuration file, with its `*_file` secrets and environment variables. */
export function readConfig(file: string): Loaded | NotLoaded {
  let text: string;
  try {
    text = Deno.readTextFileSync(file);
  } catch (error) {
    return { problems: [{ file, line: 0, column: 0, key: "", message: unreadable(error) }] };
  }
  return loadConfig(text, file, sources());
}

/** The configuration of embedded mode: `sora` or `sora-admin` with `--data DIR` or nothing. */
export function readEmbeddedConfig(dataDir: string): Config {
  return embeddedConfig(dataDir, { hostname: hostname() });
}

function sources(): Sources {
  return { env: Deno.env.toObject(), readSecret: Deno.readTextFileSync, hostname: hostname() };
}

/** The system's name for this machine; "localhost" where it has none. */
function hostname(): string {
  try {
    return Deno.hostname() || "localhost";
  } catch {
    return "localhost";
  }
}

function unreadable(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "cannot read: there is no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "cannot read: permission denied";
  return `cannot read: ${error instanceof Error ? error.message : String(error)}`;
}
