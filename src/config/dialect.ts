import { type Alias, endpointAliases, rootAliases, serverAliases } from "./aliases.ts";
import { serverGroups, valueAliases } from "./aliases.ts";
import type { KeyPath } from "./position_index.ts";
import type { Report } from "./report.ts";
import { isTable } from "./schema/later.ts";
import { readServers, type ServerEntry } from "./servers_dialect.ts";

/** A TOML table as plain data without a prototype. */
export type Table = Record<string, unknown>;

/** The document in the names of the schema. */
export interface Normalised {
  /** Everything but the servers. */
  readonly root: Table;
  /** The servers to start that this version has. */
  readonly servers: readonly ServerEntry[];
  /** The file says something about a server of this version, started or not. */
  readonly namesServers: boolean;
}

/** Brings both dialects and all old names to the one form that the schema checks. */
export function normalise(document: Table, report: Report): Normalised {
  const root = copyTable(document, [], report);
  const { servers, namesServers } = readServers(root, report);
  rename(root, rootAliases, { base: [], report });
  const database = root["database"];
  if (isTable(database)) {
    if (isTable(database["read"])) {
      database["read"] = [database["read"]];
      report.moved(["database", "read", 0], report.written(["database", "read"]));
    }
    for (const [path, endpoint] of endpoints(database)) {
      rename(endpoint, endpointAliases, { base: path, report });
    }
  }
  for (const { table, path } of servers) {
    for (const group of serverGroups) ungroup(table, group, { path, report });
    rename(table, serverAliases, { base: path, report });
  }
  respell(root);
  return { root, servers, namesServers };
}

function* endpoints(database: Table): Generator<[KeyPath, Table]> {
  if (isTable(database["write"])) yield [["database", "write"], database["write"]];
  const read = database["read"];
  if (!Array.isArray(read)) return;
  for (const [i, endpoint] of read.entries()) {
    if (isTable(endpoint)) yield [["database", "read", i], endpoint];
  }
}

/** Moves values from their other names to the schema's. */
function rename(
  root: Table,
  aliases: readonly Alias[],
  { base, report }: { readonly base: KeyPath; readonly report: Report },
): void {
  for (const { from, to, convert } of aliases) {
    const fromPath = from.split(".");
    const toPath = to.split(".");
    const source = tableAt(root, fromPath.slice(0, -1));
    const fromName = fromPath.at(-1) ?? "";
    if (!source || !Object.hasOwn(source, fromName)) continue;
    const value = source[fromName];
    const target = tableAt(root, toPath.slice(0, -1), { create: true });
    const toName = toPath.at(-1) ?? "";
    if (!target) continue; // WHY: something else stands there; the schema says what is wrong with it.
    if (Object.hasOwn(target, toName)) {
      const other = report.mention([...base, ...toPath]);
      report.problem([...base, ...fromPath], `is another name of ${other}; give only one of them`);
    } else {
      target[toName] = convert ? convert(value) : value;
      report.moved([...base, ...toPath], report.written([...base, ...fromPath]));
    }
    delete source[fromName];
  }
}

/** `limits.max_x` and `[servers.imap.timeouts]`: the nested forms of settings of a server. */
function ungroup(
  table: Table,
  group: string,
  { path, report }: { readonly path: KeyPath; readonly report: Report },
): void {
  const nested = table[group];
  if (!isTable(nested)) return;
  const aliases = Object.keys(nested).filter((name) => !name.includes("."));
  rename(table, aliases.map((name) => ({ from: `${group}.${name}`, to: name })), {
    base: path,
    report,
  });
  if (Object.keys(nested).length === 0) delete table[group];
}

function respell(root: Table): void {
  for (const [key, spellings] of Object.entries(valueAliases)) {
    const path = key.split(".");
    const table = tableAt(root, path.slice(0, -1));
    const value = table?.[path.at(-1) ?? ""];
    if (!table || typeof value !== "string") continue;
    const word = value.trim().toLowerCase();
    table[path.at(-1) ?? ""] = Object.hasOwn(spellings, word) ? spellings[word] : word;
  }
}

function tableAt(
  root: Table,
  path: readonly string[],
  { create = false }: { create?: boolean } = {},
): Table | undefined {
  let table = root;
  for (const name of path) {
    if (create && !Object.hasOwn(table, name)) table[name] = emptyTable();
    const next = table[name];
    if (!isTable(next)) return undefined;
    table = next;
  }
  return table;
}

function emptyTable(): Table {
  return Object.create(null);
}

/** A copy that may be changed. `__proto__` is left out, because every object would understand it. */
function copyTable(table: Table, path: KeyPath, report: Report): Table {
  const copy = emptyTable();
  for (const [name, value] of Object.entries(table)) {
    const key = [...path, name];
    if (name === "__proto__") report.problem(key, "unknown key");
    else copy[name] = copyValue(value, key, report);
  }
  return copy;
}

function copyValue(value: unknown, path: KeyPath, report: Report): unknown {
  if (Array.isArray(value)) return value.map((one, i) => copyValue(one, [...path, i], report));
  return isTable(value) ? copyTable(value, path, report) : value;
}
