import { later } from "../setting.ts";

/** A setting without effect in this version: a value that asks for something is warned about. */
export function withoutEffect(kind: string, text: string) {
  return later({ kind, text }, { verdict: "warning", what: "", asks: isFilled });
}

/** A switch (`true`, or a table with `enabled = true`) without effect in this version. */
export function switchWithoutEffect(kind: string, text: string) {
  return later({ kind, text }, { verdict: "warning", what: "", asks: isEnabled });
}

/** Details of a setting that is reported itself, so that one line is enough. */
export function detail(kind: string, text: string) {
  return later({ kind, text }, { verdict: "warning", what: "", asks: () => false });
}

/** A switch that would change what Sora does so much that it must not be passed over. */
export function refusedSwitch(
  kind: string,
  text: string,
  { what, remedy }: { readonly what: string; readonly remedy: string },
) {
  return later({ kind, text }, { verdict: "problem", what, asks: isEnabled, remedy });
}

/** A key → value table of TOML. */
export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Date);
}

/** `true`, or a table that says `enabled = true`. */
export function isEnabled(value: unknown): boolean {
  return value === true || (isTable(value) && value["enabled"] === true);
}

/** Anything but nothing: not "", 0, false, "0", an empty list or table, or one with `enabled = false`. */
export function isFilled(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isTable(value)) return value["enabled"] !== false && Object.keys(value).length > 0;
  return typeof value === "string" ? !["", "0"].includes(value.trim()) : Boolean(value);
}
