import type { Config } from "../config/config.ts";

/**
 * Where two configurations differ, as dotted keys: what an operator changed and a running server
 * cannot take over. The names of values only, never the values: some are secret.
 */
export function changedKeys(before: Config, after: Config): string[] {
  return differences(before, after, "");
}

function differences(before: unknown, after: unknown, path: string): string[] {
  if (Object.is(before, after)) return [];
  if (!isTable(before) || !isTable(after)) return [path];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) =>
    differences(before[key], after[key], path === "" ? key : `${path}.${key}`)
  );
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
