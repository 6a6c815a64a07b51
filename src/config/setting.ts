import { z } from "zod";

/** What the messages and the generated files say about one setting. */
export interface SettingFacts {
  /** Short word for the documentation: "duration", "size", "text" … */
  readonly kind: string;
  /** Completes "expected …". */
  readonly expected: string;
  /** One sentence for operators. */
  readonly text: string;
  /** The default as TOML; undefined when there is none. */
  readonly fallback?: string;
  /** A value as TOML, for the example file, where there is no default. */
  readonly example?: string;
  /** Values are never shown; `<name>_file` and, if given, `env` may hold them instead. */
  readonly secret?: { readonly env: string | null };
  /** A setting that this version knows and does not obey. */
  readonly later?: Later;
  /** A setting that is checked and kept, but that nothing in this version uses yet. */
  readonly unused?: boolean;
}

/** How a setting that belongs to a later version is treated. */
export interface Later {
  /** A problem stops the start, a warning is printed. */
  readonly verdict: "problem" | "warning";
  /** What is missing: "TLS", "The PROXY protocol". */
  readonly what: string;
  /** True when the value asks for it. */
  readonly asks: (value: unknown) => boolean;
  /** How to switch it off: "set tls = false". */
  readonly remedy?: string;
}

/** The facts of every setting, by its schema. */
export const settings = z.registry<SettingFacts>();

/** What a section is for, by its schema. */
export const sections = z.registry<{ readonly text: string }>();

/** A table with these settings and no others. A missing table is an empty one. */
export function section<T extends z.core.$ZodLooseShape>(text: string, shape: T) {
  return optionalSection(text, shape).unwrap().prefault({} as never).register(sections, { text });
}

/** A table that changes what Sora does by being there at all. */
export function optionalSection<T extends z.core.$ZodLooseShape>(text: string, shape: T) {
  return z.strictObject(shape).describe(text).optional().register(sections, { text });
}

/** Gives a schema its facts; must be the last step, because zod schemas are immutable. */
export function setting<T extends z.ZodType>(schema: T, facts: SettingFacts): T {
  const described = schema.describe(facts.text);
  settings.add(described, facts);
  return described;
}

/** The same setting, left undefined where it is missing; `text` says what that means. */
export function withoutDefault<T extends z.ZodType>(schema: z.ZodPrefault<T>, text: string) {
  const { fallback, ...facts } = factsOf(schema);
  const example = facts.example ?? fallback;
  return setting(schema.unwrap().optional(), { ...facts, text, ...(example ? { example } : {}) });
}

/** Says that nothing in this version uses the setting yet: whoever gives it is warned. */
export function unused<T extends z.ZodType>(schema: T): T {
  settings.add(schema, { ...factsOf(schema), unused: true });
  return schema;
}

/** The facts of a schema that one of the functions of this file made. */
export function factsOf(schema: z.ZodType): SettingFacts {
  const facts = settings.get(schema);
  if (!facts) throw new Error("Cannot describe a setting without facts");
  return facts;
}

/** A setting or section that this version knows by name only. */
export function later(facts: Omit<SettingFacts, "expected" | "later">, how: Later) {
  return setting(z.unknown().optional(), { ...facts, expected: "nothing", later: how });
}
