import { Buffer } from "node:buffer";

/** As the protocol takes it: text, octets or null. */
export type Parameter = string | Buffer | null;

/**
 * A value of a statement: null, boolean, number, bigint, string, octets, a Date, or an array of these.
 * Throws for anything else, and for a Date that is none.
 */
export function parameter(value: unknown): Parameter {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }
  return Array.isArray(value) ? arrayText(value) : scalarText(value);
}

/** PostgreSQL's documentation, "Array Input and Output Syntax". */
function arrayText(values: readonly unknown[]): string {
  let text = "{";
  for (const [at, value] of values.entries()) {
    if (at > 0) text += ",";
    text += elementText(value);
  }
  return text + "}";
}

function elementText(value: unknown): string {
  if (value === null || value === undefined) return "NULL";
  if (typeof value === "string") return quoted(value);
  if (value instanceof Uint8Array) return `"\\\\x${value.toHex()}"`;
  if (Array.isArray(value)) return arrayText(value);
  return value instanceof Date ? quoted(scalarText(value)) : scalarText(value);
}

function quoted(text: string): string {
  const escaped = /["\\]/.test(text) ? text.replace(/["\\]/g, "\\$&") : text;
  return `"${escaped}"`;
}

function scalarText(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") {
    return String(value);
  }
  if (value instanceof Date) return value.toISOString();
  throw new TypeError(`Cannot make a parameter of ${typeof value}`);
}
