import { z } from "zod";
import { type Alias, endpointAliases, rootAliases, serverAliases } from "../aliases.ts";
import { serverGroups, typeAliases } from "../aliases.ts";
import { laterServers } from "../schema/later_sections.ts";
import { rootSettings, serverSchemas, serverSettingsByType } from "../schema/schema.ts";

/** A JSON schema, or a part of one, as plain data. */
type Json = { [key: string]: unknown };

/**
 * `docs/config.schema.json`: JSON Schema 2020-12 of the file as operators write it, both dialects and
 * other names included, for editors that complete and check TOML.
 */
export function jsonSchema(): Json {
  const whole = z.strictObject({ ...rootSettings, servers: servers(), server: serverList() })
    .partial({ servers: true, server: true });
  const schema = z.toJSONSchema(whole, { io: "input", unrepresentable: "any" }) as Json;
  addAliases(schema, rootAliases);
  const database = child(schema, ["database"]);
  addAliases(child(database, ["write"]), endpointAliases);
  const read = child(database, ["read"]);
  const endpoint = read["items"] as Json;
  addAliases(endpoint, endpointAliases);
  // The table dialect: [database.read] is one table instead of a list.
  propertiesOf(database)["read"] = { anyOf: [endpoint, read] };
  return { title: "Configuration of Sora", ...schema };
}

function servers() {
  const tables = Object.fromEntries(
    Object.entries(serverSettingsByType).map(([type, shape]) => [
      type,
      openServer(z.strictObject({ type: z.literal(type).optional(), ...shape })),
    ]),
  );
  const later = Object.fromEntries(laterNames().map((type) => [type, z.unknown().optional()]));
  const named = z.union([...listed()]);
  const table = z.object({ trusted_networks: rootSettings.trusted_networks, ...later, ...tables })
    .partial().catchall(named);
  return z.union([table, serverList()]).describe("Who listens where.");
}

function serverList() {
  return z.array(z.union([...listed()]));
}

function listed() {
  return [
    ...Object.entries(serverSettingsByType).map(([type, shape]) =>
      openServer(z.strictObject({ type: z.literal(type), ...shape }))
    ),
    z.looseObject({ type: z.enum(laterNames()) }),
  ] as const;
}

/** With the other names of a server's settings, which are not worth a schema of their own. */
function openServer<T extends z.ZodObject>(schema: T) {
  const others = [
    ...serverAliases.map(({ from }) => from),
    ...serverGroups,
    ...Object.keys(serverSchemas),
  ];
  return schema.extend(Object.fromEntries(others.map((name) => [name, z.unknown().optional()])));
}

function laterNames(): string[] {
  return [...Object.keys(laterServers), ...Object.keys(typeAliases)];
}

function addAliases(schema: Json, aliases: readonly Alias[]): void {
  for (const { from, to, convert } of aliases) {
    const path = from.split(".");
    const name = path.pop() ?? "";
    const target = convert ? undefined : find(schema, to.split("."));
    const shape = { ...(target ?? {}) };
    delete shape["default"];
    propertiesOf(child(schema, path))[name] = {
      ...shape,
      description: `Other name of ${to}.`,
      deprecated: true,
    };
  }
}

function find(schema: Json, path: readonly string[]): Json | undefined {
  let current: Json | undefined = schema;
  for (const name of path) current = current && propertiesOf(current)[name] as Json | undefined;
  return current;
}

function child(schema: Json, path: readonly string[]): Json {
  const found = find(schema, path);
  if (!found) throw new Error(`Cannot find ${path.join(".")} in the schema`);
  return found;
}

function propertiesOf(schema: Json): Json {
  return (schema["properties"] ?? {}) as Json;
}
