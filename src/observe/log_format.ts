import type { LogEntry, Plain } from "./log_entry.ts";

/** How log lines look: `console` for people, `json` for machines. */
export type LogFormat = "console" | "json";

/** One entry as text with its line end. JSON is one line; console adds stacks on lines of their own. */
export function formatEntry(entry: LogEntry, format: LogFormat): string {
  return format === "json" ? formatJson(entry) : formatConsole(entry);
}

/** WHY: the entry's own keys come last: a field of the same name must not forge them. */
function formatJson({ time, level, category, event, fields }: LogEntry): string {
  const { time: _time, level: _level, category: _category, event: _event, ...rest } = fields;
  const line = { time: new Date(time).toISOString(), level, category, event };
  return `${JSON.stringify({ ...line, ...rest })}\n`;
}

function formatConsole({ time, level, category, event, fields }: LogEntry): string {
  const head = `${new Date(time).toISOString()} ${level.toUpperCase().padEnd(7)} ${category}`;
  const words: string[] = [];
  const stacks: string[] = [];
  for (const [key, value] of Object.entries(fields)) {
    const error = asError(value);
    if (!error) words.push(`${key}=${word(value)}`);
    else {
      words.push(`${key}=${word(errorWords(error))}`);
      if (level === "error") stacks.push(...stackLines(error));
    }
  }
  return [[head, clean(event), ...words].join(" "), ...stacks, ""].join("\n");
}

/** An error as `log_entry.ts` writes it. */
interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: Plain;
}

function asError(value: Plain | undefined): PlainError | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  if (!("name" in value && "message" in value)) return undefined;
  return value as unknown as PlainError;
}

function errorWords(error: PlainError): string {
  const cause = asError(error.cause);
  const own = error.message === "" ? error.name : `${error.name}: ${error.message}`;
  return cause ? `${own}: ${errorWords(cause)}` : own;
}

function stackLines(error: PlainError): string[] {
  const own = (error.stack ?? "").split("\n").slice(1).map((line) => `    ${clean(line.trim())}`);
  const cause = asError(error.cause);
  return cause ? [...own, `  caused by ${clean(errorWords(cause))}`, ...stackLines(cause)] : own;
}

/** Bare when nothing in it could be mistaken for another field, quoted otherwise. */
function word(value: Plain): string {
  if (typeof value === "string" && /^[\w.:@/+*<>[\]-]+$/.test(value)) return value;
  return clean(JSON.stringify(value));
}

/** WHY: what a stranger sent must not move the cursor or forge a line on a terminal. */
function clean(text: string): string {
  return text.replaceAll(CONTROLS, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

// deno-lint-ignore no-control-regex
const CONTROLS = /[\x00-\x1f\x7f-\x9f\u2028\u2029]/g;
