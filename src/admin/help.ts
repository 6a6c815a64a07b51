import { commonOptions } from "./arguments.ts";
import type { Command, Option } from "./command.ts";
import { commands } from "./registry.ts";

/** Help on everything (""), on a group ("accounts") or on a command ("accounts create"). */
export function helpText(topic: string): string {
  const exact = commands.find(({ name }) => name === topic);
  if (exact) return commandHelp(exact);
  const listed = commands.filter(({ name }) => topic === "" || name.startsWith(`${topic} `));
  const width = Math.max(...listed.map(({ name }) => name.length));
  const lines = listed.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  const head = topic === ""
    ? "sora-admin: manages a Sora mail store\n\nUsage: sora-admin COMMAND [OPTIONS]\n"
    : `Usage: sora-admin ${topic} COMMAND [OPTIONS]\n`;
  return `${head}\nCommands:\n${lines.join("\n")}\n\n` +
    `\`sora-admin ${topic === "" ? "" : `${topic} `}COMMAND --help\` tells more.\n${
      topic === "" ? FOOT : ""
    }`;
}

const FOOT = `
Every command takes --config FILE, --data DIR and --json. Without --config and
--data, ./config.toml is read if there is one; otherwise the embedded mode's data
folder ./sora-data is used. If Sora does not run there, its private PostgreSQL is
started for as long as the command takes.

Exit codes:
   0  done
   1  refused or failed; one line says why
  64  the command line is wrong
  69  the database cannot be reached or used
  78  the configuration is wrong; every problem is named
`;

function commandHelp({ name, summary, details, options, example }: Command): string {
  const required = Object.entries(options).filter(([, { required }]) => required)
    .map(([option, { value }]) => ` --${option} ${value}`).join("");
  return [
    `sora-admin ${name}: ${summary}`,
    "",
    `Usage: sora-admin ${name}${required} [OPTIONS]`,
    "",
    ...(details === undefined ? [] : [details, ""]),
    "Options:",
    ...optionLines({ ...options, ...commonOptions }),
    "",
    "Example:",
    `  ${example}`,
    "",
  ].join("\n");
}

function optionLines(options: Readonly<Record<string, Option>>): string[] {
  const rows = Object.entries(options).map(([name, { value, text, choices }]) =>
    [
      `--${name}${value === undefined ? "" : ` ${value}`}`,
      choices ? `${text}: ${choices.join(", ")}` : text,
    ] as const
  );
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
