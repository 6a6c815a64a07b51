import type { Config } from "../config/config.ts";
import type { Loaded, NotLoaded } from "../config/load.ts";
import { renderProblem, renderWarning } from "../config/problem.ts";
import { VERSION } from "../lib/version.ts";
import type { Log } from "../observe/log.ts";
import { DEFAULT_DATA_DIR, parseCommandLine, type RunRequest } from "./command_line.ts";
import { type ExitCode, exitCodes, StartFailure } from "./exit_codes.ts";
import { HELP } from "./help.ts";
import { readConfig, readEmbeddedConfig } from "./read_config.ts";
import { summary } from "./summary.ts";

/** The program `sora`: runs until it is told to end; returns its exit code. */
export async function sora(args: readonly string[]): Promise<ExitCode> {
  const request = parseCommandLine(args);
  switch (request.kind) {
    case "help":
      print(HELP);
      return exitCodes.ok;
    case "version":
      print(`sora ${VERSION}\n`);
      return exitCodes.ok;
    case "usage-error":
      complain(`sora: ${request.message}\nTry: sora --help\n`);
      return exitCodes.usage;
    case "check-config":
      return checkConfig(request);
    case "run":
      return await run(request);
  }
}

function checkConfig(request: RunRequest): ExitCode {
  if (!configFor(request)) return exitCodes.config;
  print(request.config === undefined ? "ok: no configuration file\n" : `ok: ${request.config}\n`);
  return exitCodes.ok;
}

async function run(request: RunRequest): Promise<ExitCode> {
  const config = configFor(request);
  if (!config) return exitCodes.config;
  const embedded = request.config === undefined;
  try {
    // WHY: --help, --version and a wrong configuration need not wait for what runs the server.
    const { runSupervisor } = await import("./supervisor.ts");
    return await runSupervisor({
      config,
      embedded,
      postgresSource: Deno.env.get("SORA_PG") ?? "auto",
      hostname: Deno.hostname(),
      onReady: (ready) => {
        if (embedded || Deno.stdout.isTerminal()) print(summary(ready));
      },
      reread: (log) => reread(request, log),
    });
  } catch (error) {
    if (!(error instanceof StartFailure)) throw error;
    complain(`sora: ${error.message}\n`);
    return error.exitCode;
  }
}

/** The configuration to run with; undefined when it cannot be used, which has been said then. */
function configFor(request: RunRequest): Config | undefined {
  const loaded = load(request);
  if ("problems" in loaded) {
    for (const problem of loaded.problems) complain(`${renderProblem(problem)}\n`);
    return undefined;
  }
  for (const warning of loaded.warnings) complain(`${renderWarning(warning)}\n`);
  return loaded.config;
}

/** The same after SIGHUP, when problems belong in the log. */
function reread(request: RunRequest, log: Log): Config | null {
  const loaded = load(request);
  if (!("problems" in loaded)) return loaded.config;
  for (const problem of loaded.problems) {
    log.error("config-problem", { problem: renderProblem(problem) });
  }
  return null;
}

/** The file, or what embedded mode has instead, with what the command line says about it. */
function load(request: RunRequest): Loaded | NotLoaded {
  const { config: file, data } = request;
  if (file === undefined) {
    const embedded = readEmbeddedConfig(data ?? DEFAULT_DATA_DIR);
    return { config: withWorkers(withPorts(embedded, request)), warnings: [] };
  }
  const loaded = readConfig(file);
  if ("problems" in loaded) return loaded;
  const config = data === undefined ? loaded.config : { ...loaded.config, dataDir: data };
  return { ...loaded, config: withWorkers(config) };
}

function withPorts(config: Config, { imapPort, lmtpPort }: RunRequest): Config {
  const ports = { imap: imapPort, lmtp: lmtpPort, metrics: undefined };
  const servers = config.servers.map((server) => {
    const port = ports[server.type];
    return port === undefined ? server : { ...server, addr: { ...server.addr, port } };
  });
  return { ...config, servers };
}

/** What `runtime.workers = 0` stands for here: one beside a private database, else one per core. */
function withWorkers(config: Config): Config {
  const workers = config.runtime.workers ||
    (config.database ? navigator.hardwareConcurrency : 1);
  return { ...config, runtime: { ...config.runtime, workers } };
}

function print(text: string): void {
  write(Deno.stdout, text);
}

function complain(text: string): void {
  write(Deno.stderr, text);
}

function write(to: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
}
