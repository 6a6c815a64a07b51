import { nearest } from "../lib/nearest.ts";
import { typeAliases } from "./aliases.ts";
import type { Table } from "./dialect.ts";
import type { KeyPath } from "./position_index.ts";
import { dotted, type Report } from "./report.ts";
import { isTable } from "./schema/later.ts";
import { laterServers } from "./schema/later_sections.ts";
import { serverSchemas } from "./schema/schema.ts";

/** A server type of this version. */
export type ServerType = keyof typeof serverSchemas;

/** A server to start, its settings not checked yet. */
export interface ServerEntry {
  readonly type: ServerType;
  readonly table: Table;
  /** Its place in the report. */
  readonly path: KeyPath;
  /** Name of its table in the `[servers.name]` dialect. */
  readonly label: string;
}

/** A server as it stands in the file. */
interface Written {
  readonly value: unknown;
  readonly path: KeyPath;
  /** The key of its table; undefined in the `[[servers]]` dialect. */
  readonly label: string | undefined;
}

/**
 * Takes the servers out of the document, of either dialect: `[servers.imap]`, `[[servers.imap]]`,
 * `[[servers]]` with `type`, `[[server]]`. Says which belong to a later version.
 */
export function readServers(
  root: Table,
  report: Report,
): { readonly servers: readonly ServerEntry[]; readonly namesServers: boolean } {
  const servers: ServerEntry[] = [];
  // WHY: an empty list says that nothing is to be started, as a dump does.
  let namesServers = Array.isArray(root["servers"]) && root["servers"].length === 0;
  for (const { value, path, label } of writtenServers(root, report)) {
    if (!isTable(value)) {
      report.problem(path, "expected a table of settings");
      continue;
    }
    const type = typeOf(value, { path, label, report });
    if (type === undefined) continue;
    const { start = true } = value;
    namesServers ||= isServerType(type);
    // WHY also when it is no boolean: then its schema says so, together with all else that is wrong.
    if (start !== false && !isServerType(type)) {
      const what = laterServers[type] ?? type;
      report.problem(path, `${what} is not part of this version of Sora; ${REMEDY}`);
    } else if (start !== false && isServerType(type)) {
      servers.push({ type, table: value, path, label: label ?? type });
      mergeMixed(value, type, { path, report });
    }
    delete value["type"];
  }
  return { servers, namesServers };
}

const REMEDY = "remove it or set start = false";

function* writtenServers(root: Table, report: Report): Generator<Written> {
  for (const key of ["servers", "server"]) {
    const servers = root[key];
    delete root[key];
    if (servers === undefined) continue;
    if (Array.isArray(servers)) {
      for (const [i, value] of servers.entries()) {
        yield { value, path: [key, i], label: undefined };
      }
    } else if (!isTable(servers) || key === "server") {
      report.problem(
        [key],
        'expected tables such as [servers.imap], or [[servers]] with type = "imap"',
      );
    } else yield* tables(servers, root, report);
  }
}

/** The `[servers.imap]` dialect. */
function* tables(servers: Table, root: Table, report: Report): Generator<Written> {
  for (const [label, value] of Object.entries(servers)) {
    const path = ["servers", label];
    if (label === "trusted_networks") {
      if (Object.hasOwn(root, label)) {
        report.problem(
          path,
          `is another name of ${report.mention([label])}; give only one of them`,
        );
      } else {
        root[label] = value;
        report.moved([label], path);
      }
    } else if (Array.isArray(value)) {
      for (const [i, one] of value.entries()) yield { value: one, path: [...path, i], label };
    } else yield { value, path, label };
  }
}

function typeOf(
  table: Table,
  { path, label, report }: {
    readonly path: KeyPath;
    readonly label: string | undefined;
    readonly report: Report;
  },
): string | undefined {
  const written = table["type"] ?? label;
  if (written === undefined) {
    report.problem([...path, "type"], `is missing; expected one of ${TYPES.join(", ")}`);
    return undefined;
  }
  const name = typeof written === "string" ? written.trim().toLowerCase() : "";
  const type = Object.hasOwn(typeAliases, name) ? typeAliases[name] ?? name : name;
  if (isServerType(type) || Object.hasOwn(laterServers, type)) return type;
  const guess = nearest(name, [...TYPES, ...Object.keys(typeAliases)]);
  const hint = guess === undefined
    ? `expected one of ${TYPES.join(", ")}`
    : `did you mean "${guess}"?`;
  const isLabel = table["type"] === undefined;
  report.problem(
    isLabel ? path : [...path, "type"],
    `unknown server type ${JSON.stringify(written)} (${hint})`,
  );
  return undefined;
}

/**
 * In TOML, `[servers.imap.auth_rate_limit]` after `[[servers]]` stands in the last of these, as
 * `imap.auth_rate_limit`. It means the settings of that server if it is one.
 */
function mergeMixed(
  table: Table,
  type: string,
  { path, report }: { readonly path: KeyPath; readonly report: Report },
): void {
  for (const other of TYPES) {
    const nested = table[other];
    if (!isTable(nested) || path.length !== 2 || typeof path[1] !== "number") continue;
    if (other === type) {
      for (const [name, value] of Object.entries(nested)) {
        if (Object.hasOwn(table, name)) {
          const first = report.mention([...path, name]);
          report.problem([...path, other, name], `is given twice, also as ${first}`);
          continue;
        }
        table[name] = value;
        report.moved([...path, name], [...path, other, name]);
      }
    } else {
      const here = dotted(path.slice(0, 1));
      report.problem(
        [...path, other],
        `belongs in TOML to the last [[${here}]] before it, which is of type "${type}"; ` +
          `move it directly below the [[${here}]] of type "${other}"`,
      );
    }
    delete table[other];
  }
}

function isServerType(type: string): type is ServerType {
  return Object.hasOwn(serverSchemas, type);
}

/** Every type, those of later versions too. */
const TYPES: readonly string[] = [...Object.keys(serverSchemas), ...Object.keys(laterServers)];
