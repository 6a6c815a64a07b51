import { decodeUtf8, fromBinary } from "../lib/bytes.ts";

/** What a client says it is: RFC 2971 §3.3, fields with a value only. Trusted for nothing. */
export type ClientId = Readonly<Partial<Record<ClientIdField, string>>>;

export type ClientIdField = (typeof FIELDS)[number];

/** WHY: the known fields that say something; a client must not choose what our log lines are called. */
const FIELDS = ["name", "version", "vendor", "os", "os-version"] as const;
/** Characters of one value: enough to tell clients apart in a list. */
const VALUE_LENGTH_MAX = 100;

/** From the pairs as they came, binary strings: bounded, and fit for a log and a terminal. */
export function clientIdFrom(
  pairs: readonly (readonly [name: string, value: string | null])[],
): ClientId {
  const id: Partial<Record<ClientIdField, string>> = {};
  for (const field of FIELDS) {
    const value = pairs.find(([name]) => name.toLowerCase() === field)?.[1];
    const clean = value ? cleaned(value) : "";
    if (clean !== "") id[field] = clean;
  }
  return id;
}

/** For the log: `client_name` and so on. */
export function clientIdFields(id: ClientId): Record<string, string> {
  return Object.fromEntries(
    Object.entries(id).map(([field, value]) => [`client_${field.replace("-", "_")}`, value]),
  );
}

function cleaned(value: string): string {
  const text = decodeUtf8(fromBinary(value)).replace(UNPRINTABLE, " ").trim();
  return Array.from(text).slice(0, VALUE_LENGTH_MAX).join("");
}

/** Controls, line and paragraph separators, and what changes the direction of a line. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;
