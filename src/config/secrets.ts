import { z } from "zod";
import type { Sources } from "./load.ts";
import type { KeyPath } from "./position_index.ts";
import type { Report } from "./report.ts";
import { isTable } from "./schema/later.ts";
import { settings } from "./setting.ts";

/**
 * Puts secrets from `*_file` keys and environment variables into the table, so that they are
 * checked like any other. The environment wins over the file; a missing section stays missing.
 */
export function fillSecrets(
  schema: unknown,
  value: unknown,
  { path, report, sources }: {
    readonly path: KeyPath;
    readonly report: Report;
    readonly sources: Sources;
  },
): void {
  let inner = schema;
  while (inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional) inner = inner.unwrap();
  if (inner instanceof z.ZodArray && Array.isArray(value)) {
    for (const [i, element] of value.entries()) {
      fillSecrets(inner.element, element, { path: [...path, i], report, sources });
    }
  }
  if (!(inner instanceof z.ZodObject) || !isTable(value)) return;
  for (const [name, setting] of Object.entries(inner.shape)) {
    const at = [...path, name];
    const secret = setting instanceof z.ZodType ? settings.get(setting)?.secret : undefined;
    if (secret) fillOne(value, name, { at, env: secret.env, report, sources });
    else if (Object.hasOwn(value, name)) {
      fillSecrets(setting, value[name], { path: at, report, sources });
    }
  }
}

function fillOne(
  table: Record<string, unknown>,
  name: string,
  { at, env, report, sources }: {
    readonly at: KeyPath;
    readonly env: string | null;
    readonly report: Report;
    readonly sources: Sources;
  },
): void {
  const fromEnv = env === null ? undefined : sources.env?.[env];
  const fileName = `${name}_file`;
  const file = table[fileName];
  const filePath = [...at.slice(0, -1), fileName];
  if (fromEnv !== undefined && fromEnv !== "") {
    table[name] = fromEnv;
    delete table[fileName];
  } else if (typeof file === "string" && file !== "" && Object.hasOwn(table, name)) {
    report.problem(filePath, `is given beside ${name}; give only one of them`);
  } else if (typeof file === "string" && file !== "") {
    try {
      if (!sources.readSecret) throw new Error("files are not read here");
      table[name] = sources.readSecret(file).trim();
      report.moved(at, filePath);
    } catch (error) {
      report.problem(filePath, `cannot read ${JSON.stringify(file)}: ${reason(error)}`);
      table[name] = UNREAD;
    }
  }
}

/**
 * WHY: stands in for a secret that could not be read, so that it is not reported as missing or malformed,
 * too: every secret may look like this.
 */
const UNREAD = "0".repeat(64);

function reason(error: unknown): string {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotFound") return "there is no such file";
  if (name === "PermissionDenied" || name === "NotCapable") return "permission denied";
  return error instanceof Error ? error.message : String(error);
}
