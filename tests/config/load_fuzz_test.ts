import assert from "node:assert/strict";
import fc from "fast-check";
import { stringify } from "smol-toml";
import { endpointAliases, rootAliases } from "../../src/config/aliases.ts";
import { shapeOf } from "../../src/config/check.ts";
import { dumpConfig, dumpToml } from "../../src/config/dump.ts";
import { loadConfig } from "../../src/config/load.ts";
import { renderProblem } from "../../src/config/problem.ts";
import { laterServers } from "../../src/config/schema/later_sections.ts";
import { rootSettings, serverSettingsByType } from "../../src/config/schema/schema.ts";

const { database, s3 } = rootSettings;
const { write } = shapeOf(database);
const types = [...Object.keys(serverSettingsByType), ...Object.keys(laterServers), "http_api"];

const name = fc.constantFrom(
  ...Object.keys(rootSettings),
  ...Object.keys(shapeOf(database)),
  ...Object.keys(shapeOf(s3)),
  ...Object.keys(shapeOf(write)),
  ...Object.values(serverSettingsByType).flatMap(Object.keys),
  ...[...rootAliases, ...endpointAliases].flatMap(({ from }) => from.split(".")),
  ...types,
  ...[
    "servers",
    "server",
    "type",
    "limits",
    "timeouts",
    "prelookup",
    "enabled",
    "queue",
    "nonsense",
  ],
  ...["constructor", "toString", "hasOwnProperty", "valueOf"],
);

const leaf = fc.oneof(
  fc.constantFrom(
    true,
    false,
    0,
    1,
    -1,
    143,
    0.5,
    1e300,
    "",
    "0",
    "5m",
    "25mb",
    ":143",
    "localhost",
  ),
  fc.constantFrom(
    "imap",
    "lmtp",
    "pop3",
    "http_api",
    "stdout",
    "10.0.0.0/8",
    "a:1",
    "/run/x",
    "\n",
  ),
  fc.constantFrom(new Date(0), ...types),
  fc.string({ maxLength: 5 }),
);

const { table } = fc.letrec<{ table: Record<string, unknown>; value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    leaf,
    fc.array(leaf, { maxLength: 3 }),
    tie("table"),
    fc.array(tie("table"), { minLength: 1, maxLength: 3 }),
  ),
  table: fc.dictionary(name, tie("value"), { maxKeys: 5 }),
}));

const server = fc.tuple(fc.constantFrom("imap", "lmtp", "metrics"), table).map(
  ([type, settings]) => ({ type, ...settings }),
);

const document = fc.oneof(
  table,
  fc.tuple(table, fc.array(server, { maxLength: 3 })).map(([root, servers]) => ({
    ...root,
    ...(servers.length > 0 ? { servers } : {}),
  })),
  fc.tuple(table, table).map(([servers, database]) => ({ servers, database })),
);

Deno.test("loadConfig() answers every document with a configuration or with problems", () => {
  let loadable = 0;
  fc.assert(
    fc.property(document, (any) => {
      const readSecret = (path: string) => {
        if (path.length > 3) throw new Error("unreadable");
        return "a secret that is long enough";
      };
      const loaded = loadConfig(stringify(any), "f", { readSecret });
      if ("problems" in loaded) {
        assert.ok(loaded.problems.length > 0);
        for (const problem of loaded.problems) {
          assert.match(renderProblem(problem), /^f:\d+:\d+: [^\n]+$/);
        }
        return;
      }
      loadable++;
      for (const warning of loaded.warnings) assert.match(renderProblem(warning), /^f:\d+:\d+: /);
      // What was understood once is understood again.
      const again = loadConfig(dumpToml(loaded.config, { secrets: true }), "f");
      assert.ok("config" in again, JSON.stringify(again));
      assert.deepEqual(dumpConfig(again.config), dumpConfig(loaded.config));
    }),
    { numRuns: 800 },
  );
  assert.ok(loadable > 20, `only ${loadable} documents could be loaded`);
});
