import { parseArgs } from "node:util";

/** What the command line of `sora` asks for. */
export type CommandLine =
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | { readonly kind: "usage-error"; readonly message: string }
  | RunRequest;

export interface RunRequest {
  readonly kind: "run" | "check-config";
  /** Configuration file; undefined: embedded mode. */
  readonly config: string | undefined;
  /** Data folder; undefined: the configuration's, or DEFAULT_DATA_DIR. */
  readonly data: string | undefined;
  readonly imapPort: number | undefined;
  readonly lmtpPort: number | undefined;
}

/** Where embedded mode keeps everything unless `--data` says otherwise. */
export const DEFAULT_DATA_DIR = "./sora-data";

/** Reads the arguments after the program's name; never throws. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  try {
    return interpret(parse(args));
  } catch (error) {
    // WHY: node:util explains in a second sentence how to quote; one line is enough here.
    const [message = ""] = (error instanceof Error ? error.message : String(error)).split(". ");
    return { kind: "usage-error", message };
  }
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    strict: true,
    allowPositionals: false,
    options: {
      config: { type: "string", short: "c" },
      data: { type: "string" },
      "check-config": { type: "boolean" },
      "imap-port": { type: "string" },
      "lmtp-port": { type: "string" },
      help: { type: "boolean", short: "h" },
      version: { type: "boolean", short: "V" },
    },
  }).values;
}

function interpret(values: ReturnType<typeof parse>): CommandLine {
  if (values.help) return { kind: "help" };
  if (values.version) return { kind: "version" };
  const { config, data } = values;
  const imapPort = port("--imap-port", values["imap-port"]);
  const lmtpPort = port("--lmtp-port", values["lmtp-port"]);
  if (config === "") throw new Error("--config needs the name of a file");
  if (data === "") throw new Error("--data needs the name of a folder");
  if (config !== undefined && (imapPort ?? lmtpPort) !== undefined) {
    throw new Error("--imap-port and --lmtp-port do not go with --config: set addr in the file");
  }
  const kind = values["check-config"] ? "check-config" : "run";
  return { kind, config, data, imapPort, lmtpPort };
}

function port(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (!(number <= 65535)) {
    throw new Error(`${option} needs a number from 0 to 65535, not "${text}"`);
  }
  return number;
}
