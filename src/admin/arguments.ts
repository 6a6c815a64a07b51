import { parseArgs } from "node:util";
import { nearest } from "../lib/nearest.ts";
import { type Command, type Option, OptionValues } from "./command.ts";
import { usage } from "./failure.ts";
import { commands } from "./registry.ts";

/** What the command line asks for. */
export type Invocation =
  | { readonly kind: "help"; readonly topic: string }
  | {
    readonly kind: "run";
    readonly command: Command;
    readonly options: OptionValues;
    readonly json: boolean;
  };

/** Options that every command takes. */
export const commonOptions: Readonly<Record<string, Option>> = {
  config: { value: "FILE", text: "configuration file; ./config.toml if there is one" },
  data: { value: "DIR", text: "data folder of embedded mode; ./sora-data" },
  json: { text: "answer in JSON" },
  help: { text: "say how the command is used" },
};

/** Short forms. */
const SHORT: Readonly<Record<string, string>> = { c: "config", h: "help", V: "version" };

/** Commands, and groups of them, that belong to a later version. */
const LATER = [
  "accounts credentials",
  "connections",
  "credentials",
  "health",
  "stats",
];

/** Reads the arguments behind the program's name. Throws `Failure` (usage). */
export function readArguments(args: readonly string[]): Invocation {
  const { words: written, given } = split(args);
  const words = withoutAlias(written);
  refuseLater((words[0] === "help" ? words.slice(1) : words).join(" "));
  refuseUnknown(words.join(" "), given);
  const json = given.some(({ name }) => name === "json");
  const asksHelp = words[0] === "help" || given.some(({ name }) => name === "help");
  if (given.some(({ name }) => name === "version") && words.length === 0) words.push("version");
  if (words[0] === "help") words.shift();
  if (words.length === 0 || asksHelp) return { kind: "help", topic: topicOf(words) };
  const command = findCommand(words);
  return { kind: "run", command, options: check(command, given), json };
}

interface Given {
  readonly name: string;
  /** As it was written: `--name` or `-c`. */
  readonly written: string;
  readonly value: string | undefined;
  readonly isInline: boolean;
}

/** Words and options, in any order; knows the options of every command, so that values are found. */
function split(args: readonly string[]): { words: string[]; given: Given[] } {
  const options: Record<string, { type: "string" | "boolean"; short?: string }> = {};
  for (const table of [commonOptions, ...commands.map(({ options }) => options)]) {
    for (const [name, { value }] of Object.entries(table)) {
      options[name] = { type: value === undefined ? "boolean" : "string" };
    }
  }
  for (const [short, name] of Object.entries(SHORT)) {
    options[name] = { ...(options[name] ?? { type: "boolean" }), short };
  }
  const { tokens } = parseArgs({
    args: [...args],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const words: string[] = [];
  const given: Given[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const { name, rawName: written, value, inlineValue: isInline = false } = token;
    given.push({ name, written, value, isInline });
  }
  return { words, given };
}

/** The command's own name where another one was given. */
function withoutAlias(words: readonly string[]): string[] {
  const [help, ...rest] = words[0] === "help" ? words : ["", ...words];
  const name = rest.join(" ");
  const meant = commands.find(({ aliases = [] }) => aliases.includes(name));
  return [help ?? "", ...(meant ? meant.name.split(" ") : rest)].filter((word) => word !== "");
}

/** WHY before their options, which nothing here knows. */
function refuseLater(words: string): void {
  const later = LATER.find((name) => words === name || words.startsWith(`${name} `));
  if (later) throw usage(`"${later}" is not part of this version of Sora`);
}

/** WHY first: the value of a misspelled option looks like a word that is too many. */
function refuseUnknown(words: string, given: readonly Given[]): void {
  const command = commands.find(({ name }) => words === name || words.startsWith(`${name} `));
  const tables = command ? [command.options] : commands.map(({ options }) => options);
  const known = [commonOptions, ...tables].flatMap(Object.keys);
  for (const { name, written } of given) {
    if (known.includes(name) || name === "version") continue;
    const hint = guess(name, known, "--");
    throw usage(`${command ? `${command.name}: ` : ""}unknown option ${written}${hint}`);
  }
  // WHY: "--email --password x" means that the address was forgotten, not that it is "--password".
  const forgotten = given.find(({ value, isInline }) => !isInline && value?.startsWith("--"));
  if (forgotten) throw usage(`${forgotten.written} needs a value`);
}

/** The command that the words name, all of them. */
function findCommand(words: readonly string[]): Command {
  const name = words.join(" ");
  const found = commands.find((command) => command.name === name);
  if (found) return found;
  const beginning = commands.find((command) => name.startsWith(`${command.name} `));
  if (beginning) {
    const extra = words.slice(beginning.name.split(" ").length).join(" ");
    throw usage(`${beginning.name} takes no argument ${JSON.stringify(extra)}`);
  }
  const group = commands.filter((command) => command.name.startsWith(`${name} `));
  if (group.length > 0) {
    const list = group.map((command) => command.name.slice(name.length + 1)).join(", ");
    throw usage(`${name} what? one of ${list}`);
  }
  throw usage(`unknown command ${JSON.stringify(name)}${guess(name, commandNames())}`);
}

/** The commands' names and the names of their groups. */
function commandNames(): string[] {
  return [...new Set(commands.flatMap(({ name }) => [name, name.split(" ")[0] ?? name])), "help"];
}

function topicOf(words: readonly string[]): string {
  const topic = words.join(" ");
  const known = topic === "" || commandNames().includes(topic);
  if (!known) {
    throw usage(`unknown command ${JSON.stringify(topic)}${guess(topic, commandNames())}`);
  }
  return topic;
}

function check(command: Command, given: readonly Given[]): OptionValues {
  const table = { ...commonOptions, ...command.options };
  const values = new Map<string, string | true>();
  for (const { name, written, value, isInline } of given) {
    const option = Object.hasOwn(table, name) ? table[name] : undefined;
    if (!option && name === "version" && command.name === "version") continue;
    if (!option) throw usage(`${command.name}: unknown option ${written}`);
    if (values.has(name)) throw usage(`${command.name}: ${written} is given twice`);
    if (option.value === undefined) {
      if (isInline) throw usage(`${command.name}: ${written} takes no value`);
      values.set(name, true);
    } else values.set(name, valueOf(command, option, { name, written, value, isInline }));
  }
  for (const [name, { required, value }] of Object.entries(command.options)) {
    if (required && !values.has(name)) throw usage(`${command.name}: give --${name} ${value}`);
  }
  return new OptionValues(values);
}

function valueOf(command: Command, option: Option, given: Given): string {
  const { written, value } = given;
  if (value === undefined || value === "") {
    throw usage(`${command.name}: ${written} needs a value: ${written} ${option.value}`);
  }
  if (option.choices && !option.choices.includes(value)) {
    const hint = guess(value, option.choices) || ` (one of ${option.choices.join(", ")})`;
    throw usage(`${command.name}: ${written}: unknown ${JSON.stringify(value)}${hint}`);
  }
  return value;
}

function guess(word: string, candidates: readonly string[], prefix = ""): string {
  const near = nearest(word, candidates);
  return near === undefined ? "" : ` (did you mean "${prefix}${near}"?)`;
}
