import { z } from "zod";
import { shapeOf, unwrapped } from "../check.ts";
import { rootSettings, serverSettingsByType } from "../schema/schema.ts";
import { sections, type SettingFacts, settings } from "../setting.ts";

/** One setting as the generated files tell of it. */
export interface SettingRow {
  readonly name: string;
  readonly facts: SettingFacts;
}

/** One table of the configuration. */
export interface SectionRow {
  /** Dotted name; "" for the top level. */
  readonly name: string;
  readonly text: string;
  /** Being there changes what Sora does, so the example keeps it commented out. */
  readonly optional: boolean;
  /** May be given several times, as `[[name]]`. */
  readonly repeated: boolean;
  readonly settings: readonly SettingRow[];
  /** Names that this version knows and does not obey. */
  readonly later: readonly SettingRow[];
}

const SERVER_TEXTS: Readonly<Record<string, string>> = {
  imap: "Mail is read here.",
  lmtp: "Mail is delivered here.",
  metrics: "Prometheus reads here.",
};

/** Every table of this version, in the order of the generated files. */
export function sectionRows(): readonly SectionRow[] {
  return [
    ...rowsOf({ name: "", text: "", shape: rootSettings, optional: false, repeated: false }),
    ...serverRows(),
  ];
}

/** Top-level tables of later versions. */
export function laterSectionRows(): readonly SettingRow[] {
  return Object.entries(rootSettings).flatMap(([name, schema]) => {
    const facts = settings.get(schema);
    return facts?.later ? [{ name, facts }] : [];
  });
}

function serverRows(): SectionRow[] {
  return Object.entries(serverSettingsByType).map(([type, shape]) => ({
    name: `servers.${type}`,
    text: SERVER_TEXTS[type] ?? "",
    optional: type === "metrics",
    repeated: false,
    ...splitSettings(shape),
  }));
}

/** A table of the schema on its way to the rows. */
interface Table {
  readonly name: string;
  readonly text: string;
  readonly shape: Readonly<Record<string, z.ZodType>>;
  readonly optional: boolean;
  readonly repeated: boolean;
}

function* rowsOf({ name, text, shape, optional, repeated }: Table): Generator<SectionRow> {
  const own = splitSettings(shape);
  yield { name, text, optional, repeated, ...own, later: name === "" ? [] : own.later };
  for (const [key, schema] of Object.entries(shape)) {
    if (settings.has(schema)) continue;
    const inner = unwrapped(schema);
    const repeated = inner instanceof z.ZodArray;
    yield* rowsOf({
      name: name === "" ? key : `${name}.${key}`,
      text: sections.get(schema)?.text ?? "",
      shape: shapeOf(repeated ? inner.element : inner),
      optional: optional || repeated || schema instanceof z.ZodOptional,
      repeated,
    });
  }
}

function splitSettings(
  shape: Readonly<Record<string, z.ZodType>>,
): Pick<SectionRow, "settings" | "later"> {
  const rows = Object.entries(shape).flatMap(([name, schema]) => {
    const facts = settings.get(schema);
    return facts ? [{ name, facts }] : [];
  });
  return {
    settings: rows.filter(({ facts }) => !facts.later),
    later: rows.filter(({ facts }) => facts.later),
  };
}
