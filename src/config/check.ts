import { z } from "zod";
import { nearest } from "../lib/nearest.ts";
import { endpointAliases, rootAliases, serverAliases, serverGroups } from "./aliases.ts";
import type { KeyPath } from "./position_index.ts";
import type { Report } from "./report.ts";
import { isTable } from "./schema/later.ts";
import { rootSchema } from "./schema/schema.ts";
import { fillSecrets } from "./secrets.ts";
import { type SettingFacts, settings } from "./setting.ts";
import type { Sources } from "./load.ts";

/** Longest piece of a wrong value that a message repeats. */
const SHOWN_MAX = 60;
/** Longest list of known keys that a message repeats. */
const KEYS_SHOWN_MAX = 12;

/**
 * Checks a table against its schema: every problem and warning goes to the report. Undefined when
 * there was a problem. Secrets from files and the environment are put into `value` first.
 */
export function check<T extends z.ZodType>(
  schema: T,
  value: unknown,
  { path, report, sources }: {
    readonly path: KeyPath;
    readonly report: Report;
    readonly sources: Sources;
  },
): z.output<T> | undefined {
  fillSecrets(schema, value, { path, report, sources });
  reportLater(schema, value, { path, report });
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    const at = [...path, ...issue.path.filter((name) => typeof name !== "symbol")];
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys) {
        const known = keysAt(schema, issue.path);
        report.problem([...at, key], unknownKey(key, [...known, ...otherNames(schema, at)], known));
      }
    } else {
      const facts = factsAt(schema, issue.path);
      report.problem(at, wrongValue(facts, valueAt(value, issue.path)));
    }
  }
  return undefined;
}

/** The schema without its wrappers for "may be missing". */
export function unwrapped(schema: unknown): unknown {
  let inner = schema;
  while (inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional) inner = inner.unwrap();
  return inner;
}

/** The settings of a table's schema; empty for anything else. */
export function shapeOf(schema: unknown): Readonly<Record<string, z.ZodType>> {
  const inner = unwrapped(schema);
  return inner instanceof z.ZodObject ? inner.shape : {};
}

/** Settings of later versions that the table asks for. */
function reportLater(
  schema: unknown,
  value: unknown,
  { path, report }: { readonly path: KeyPath; readonly report: Report },
): void {
  const inner = unwrapped(schema);
  if (inner instanceof z.ZodArray && Array.isArray(value)) {
    for (const [i, element] of value.entries()) {
      reportLater(inner.element, element, { path: [...path, i], report });
    }
  }
  if (!isTable(value)) return;
  for (const [name, setting] of Object.entries(shapeOf(inner))) {
    if (!Object.hasOwn(value, name)) continue;
    const at = [...path, name];
    const { later, unused } = settings.get(setting) ?? {};
    if (unused) report.warn(at, NO_EFFECT);
    else if (!later) reportLater(setting, value[name], { path: at, report });
    else if (later.asks(value[name]) && later.verdict === "problem") {
      const remedy = later.remedy ? `remove it or ${later.remedy}` : "remove it";
      report.problem(at, `${later.what} is not part of this version of Sora; ${remedy}`);
    } else if (later.asks(value[name])) report.warn(at, NO_EFFECT);
  }
}

const NO_EFFECT = "has no effect in this version of Sora";

function unknownKey(key: string, candidates: readonly string[], known: readonly string[]): string {
  const guess = nearest(key, candidates);
  if (guess !== undefined) return `unknown key (did you mean "${guess}"?)`;
  if (known.length > KEYS_SHOWN_MAX) {
    return "unknown key; docs/configuration.md lists the known ones";
  }
  return `unknown key; expected one of ${known.join(", ")}`;
}

function wrongValue(facts: SettingFacts | undefined, value: unknown): string {
  const expected = facts?.expected ?? "a table of settings";
  if (value === undefined) {
    const elsewhere = facts?.secret?.env ? ` (or set ${facts.secret.env})` : "";
    return `is missing; expected ${expected}${elsewhere}`;
  }
  return `expected ${expected}, got ${facts?.secret ? kindOf(value) : shown(value)}`;
}

function shown(value: unknown): string {
  if (isTable(value)) return "a table";
  const text = typeof value === "number" || value instanceof Date
    ? String(value)
    : JSON.stringify(value);
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}…`;
}

/** WHY: of a wrong secret, not even a part is shown. */
function kindOf(value: unknown): string {
  if (typeof value === "string") return `${value.length} characters`;
  return Array.isArray(value) ? "a list" : isTable(value) ? "a table" : `a ${typeof value}`;
}

function factsAt(schema: unknown, path: readonly PropertyKey[]): SettingFacts | undefined {
  let current = schema;
  for (const name of path) {
    const facts = current instanceof z.ZodType ? settings.get(current) : undefined;
    if (facts) return facts;
    current = step(current, name);
  }
  return current instanceof z.ZodType ? settings.get(current) : undefined;
}

function keysAt(schema: unknown, path: readonly PropertyKey[]): readonly string[] {
  return Object.keys(shapeOf(path.reduce(step, schema)));
}

function step(schema: unknown, name: PropertyKey): unknown {
  const inner = unwrapped(schema);
  if (inner instanceof z.ZodArray) return inner.element;
  const shape = shapeOf(inner);
  return Object.hasOwn(shape, name) ? shape[String(name)] : undefined;
}

/** Other names that are understood in this place, for the guess. */
function otherNames(schema: unknown, path: KeyPath): readonly string[] {
  if (schema !== rootSchema) return [...serverAliases.map(({ from }) => from), ...serverGroups];
  if (path[0] === "database" && path.length > 1) return endpointAliases.map(({ from }) => from);
  const prefix = path.length === 0 ? "" : `${path.join(".")}.`;
  const names = rootAliases.filter(({ from }) => from.startsWith(prefix))
    .map(({ from }) => from.slice(prefix.length)).filter((name) => !name.includes("."));
  return path.length === 0 ? [...names, "servers"] : names;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let current = value;
  for (const name of path) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, name)) {
      return undefined;
    }
    current = (current as Record<PropertyKey, unknown>)[name];
  }
  return current;
}
