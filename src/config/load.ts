import { parse, TomlError } from "smol-toml";
import { assembleRoot } from "./assemble.ts";
import { assembleServers } from "./assemble_servers.ts";
import { check } from "./check.ts";
import type { Config } from "./config.ts";
import { normalise, type Table } from "./dialect.ts";
import type { Problem } from "./problem.ts";
import { inFileOrder, Report } from "./report.ts";
import { rootSchema } from "./schema/schema.ts";
import type { ServerEntry } from "./servers_dialect.ts";

/** What the loader may ask of the outside world; app/ answers, tests pretend. */
export interface Sources {
  /** Environment variables; only the names that the schema gives are looked at. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The text of a file that a `*_file` key names; throws when it cannot be read. */
  readonly readSecret?: (path: string) => string;
  /** Name of this machine: the default of `hostname`. */
  readonly hostname?: string;
}

/** A configuration that can run, with what should be said at the start. */
export interface Loaded {
  readonly config: Config;
  readonly warnings: readonly Problem[];
}

/** Everything that stops the start, in the order of the file. */
export interface NotLoaded {
  readonly problems: readonly Problem[];
}

/**
 * Reads the TOML text of a configuration: syntax, both dialects, every check. Pure; `file` is only
 * used in messages. Never throws for any text.
 */
export function loadConfig(text: string, file: string, sources: Sources = {}): Loaded | NotLoaded {
  const source = text.startsWith("\ufeff") ? text.slice(1) : text;
  if (source.length > TEXT_MAX) return broken(file, `longer than ${TEXT_MAX} characters`);
  let document: Table;
  try {
    document = parse(source);
  } catch (error) {
    return { problems: [syntaxProblem(error, source, file)] };
  }
  const report = new Report(file, source);
  const { root, servers, namesServers } = normalise(document, report);
  const checked = check(rootSchema, root, { path: [], report, sources });
  const base = checked && assembleRoot(checked, report);
  const trustedNetworks = base?.trustedNetworks ?? [];
  const durability = base?.uploader.durability ?? "spool";
  const started = assembleServers(servers, { trustedNetworks, durability, report, sources });
  if (!base || report.problems.length > 0) return { problems: inFileOrder(report.problems) };
  if (namesServers && started.length === 0) report.warn(["servers"], "no server is started");
  const config: Config = {
    ...base,
    runtime: { ...base.runtime, workers: workersOf(base) },
    servers: namesServers
      ? started
      : assembleServers(defaultServers(), { trustedNetworks, durability, report, sources }),
  };
  return { config, warnings: inFileOrder(report.warnings) };
}

/** WHY: no configuration is this long; it is some other file. */
const TEXT_MAX = 4 * 1024 * 1024;

/** IMAP and LMTP on their default addresses: what runs when the file names no server. */
function defaultServers(): ServerEntry[] {
  return (["imap", "lmtp"] as const).map((type) => ({
    type,
    table: {},
    path: ["servers", type],
    label: type,
  }));
}

/** WHY: the private PostgreSQL shares the machine, so one worker is enough unless asked for more. */
function workersOf({ database, runtime }: Omit<Config, "servers">): number {
  return database === null && runtime.workers === 0 ? 1 : runtime.workers;
}

function syntaxProblem(error: unknown, text: string, file: string): Problem {
  if (!(error instanceof TomlError)) {
    const message = error instanceof Error ? error.message : String(error);
    return { file, line: 1, column: 1, key: "", message: `not TOML: ${message}` };
  }
  const { line, column } = error;
  const [first = ""] = error.message.split("\n");
  const message = `not TOML: ${first.replace(/^Invalid TOML document: /, "")}`;
  return { file, line, column, key: "", message: message + syntaxHint(error, text) };
}

/** What most likely happened where TOML's own words are no help. */
function syntaxHint({ line, message }: TomlError, text: string): string {
  if (!message.includes("redefine")) return "";
  const written = text.split("\n")[line - 1]?.trim() ?? "";
  if (/^\[+\s*servers?\b/.test(written)) {
    return "; [servers.imap] tables and [[servers]] arrays cannot be mixed like this: " +
      "use one form for all servers";
  }
  return "; it is given twice";
}

function broken(file: string, message: string): NotLoaded {
  return { problems: [{ file, line: 1, column: 1, key: "", message }] };
}
