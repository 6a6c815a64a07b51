import { exitCodes } from "../app/exit_codes.ts";
import { type Invocation, readArguments } from "./arguments.ts";
import type { Answer } from "./command.ts";
import { explain, type Failure } from "./failure.ts";
import { helpText } from "./help.ts";
import { readSetup, type Setup } from "./setup.ts";
import type { Terminal } from "./terminal.ts";

/** Runs one command of sora-admin; the exit code. Never throws. */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const invocation = readArguments(args);
    if (invocation.kind === "help") {
      terminal.out(helpText(invocation.topic));
      return exitCodes.ok;
    }
    const { text, json, exitCode = exitCodes.ok } = await run(invocation, terminal);
    terminal.out(invocation.json ? `${JSON.stringify(json, null, 2)}\n` : text);
    return exitCode;
  } catch (error) {
    const failure = explain(error);
    terminal.err(args.includes("--json") ? inJson(failure) : inWords(failure));
    return failure.exitCode;
  }
}

function run(
  { command, options }: Extract<Invocation, { kind: "run" }>,
  terminal: Terminal,
): Promise<Answer> {
  let setup: Setup | undefined;
  return command.run({ options, terminal, setup: () => setup ??= readSetup(options) });
}

/** One line for each problem; problems of a configuration carry the place they stand at already. */
function inWords({ message, exitCode }: Failure): string {
  const hint = exitCode === exitCodes.usage ? " (sora-admin help)" : "";
  return exitCode === exitCodes.config ? `${message}\n` : `sora-admin: ${message}${hint}\n`;
}

function inJson({ message, exitCode }: Failure): string {
  return `${JSON.stringify({ error: message.split("\n"), exitCode })}\n`;
}
