import type { LogRecord } from "@logtape/logtape";
import type { LogLevel } from "./log_level.ts";

/** A log line before it is a line: plain data, so that a worker can send it to the supervisor. */
export interface LogEntry {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly level: LogLevel;
  /** "imap", "store" and so on, without the leading "sora". */
  readonly category: string;
  readonly event: string;
  readonly fields: { readonly [key: string]: Plain };
}

/** What a field's value becomes. */
export type Plain =
  | string
  | number
  | boolean
  | null
  | readonly Plain[]
  | { readonly [key: string]: Plain };

/** WHY: a command line is at most 8 KiB of it useful; longer values are somebody's content. */
const TEXT_CHARS_MAX = 2_000;
/** WHY: a V8 stack of ten frames with long paths and a cause. */
const STACK_CHARS_MAX = 8_000;
/** WHY: a line is read by a person; a list of 10,000 UIDs is not. */
const ITEMS_MAX = 32;
const DEPTH_MAX = 4;
/** Digits of a number with a fraction. */
const DIGITS = 4;

/** Whatever is under such a key is a secret or a message, never something to log. */
const SECRET = /pass(word|wd|phrase)|secret|token|credentials?$|authorization|api_?key|cookie/i;
const CONTENT = /^(body|bodies|content|literal|text|data|bytes|header|message_?body)$/i;
const REDACTED = "[redacted]";

/** One LogTape record as plain data: redacted by key, bounded, errors spelled out. */
export function toEntry(record: LogRecord): LogEntry {
  return {
    time: record.timestamp,
    level: level(record.level),
    category: record.category.slice(1).join("."),
    event: typeof record.rawMessage === "string" ? record.rawMessage : record.rawMessage.join(""),
    fields: plainFields(record.properties, 0),
  };
}

function level(name: LogRecord["level"]): LogLevel {
  if (name === "trace") return "debug";
  return name === "fatal" ? "error" : name;
}

function plainFields(fields: object, depth: number): { [key: string]: Plain } {
  const out: { [key: string]: Plain } = {};
  let left = ITEMS_MAX;
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (left-- === 0) break;
    out[key] = isHidden(key, value) ? REDACTED : plain(value, depth);
  }
  return out;
}

/** A number or a boolean under a content key (`bytes: 120`) says nothing of the content. */
function isHidden(key: string, value: unknown): boolean {
  if (SECRET.test(key)) return value !== null;
  return CONTENT.test(key) && typeof value !== "number" && typeof value !== "boolean";
}

function plain(value: unknown, depth: number): Plain {
  switch (typeof value) {
    case "string":
      return cut(value, TEXT_CHARS_MAX);
    case "number":
      return rounded(value);
    case "boolean":
      return value;
    case "bigint":
      return value.toString();
    case "object":
      return value === null ? null : plainObject(value, depth);
    default:
      return `[${typeof value}]`;
  }
}

/** WHY: times are measured, not counted; nobody reads the twelfth digit. */
function rounded(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(DIGITS));
}

function plainObject(value: object, depth: number): Plain {
  if (value instanceof Error) return plainError(value, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} octets]`;
  if (depth >= DEPTH_MAX) return "[…]";
  if (Symbol.iterator in value) return plainList(value as Iterable<unknown>, depth);
  return plainFields(value, depth + 1);
}

function plainList(values: Iterable<unknown>, depth: number): Plain {
  const list: Plain[] = [];
  for (const value of values) {
    if (list.length === ITEMS_MAX) return [...list, "[…]"];
    list.push(plain(value, depth + 1));
  }
  return list;
}

/** WHY: only these properties: a driver's error also carries the row and the query's parameters. */
function plainError(error: Error, depth: number): Plain {
  const code = (error as { code?: unknown }).code;
  return {
    name: error.name,
    message: cut(error.message, TEXT_CHARS_MAX),
    ...(typeof code === "string" ? { code } : {}),
    ...(error.stack === undefined ? {} : { stack: cut(error.stack, STACK_CHARS_MAX) }),
    ...(error.cause === undefined ? {} : {
      cause: depth >= DEPTH_MAX ? "[…]" : plain(error.cause, depth + 1),
    }),
  };
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max)}… (${text.length} characters)`;
}
