import assert from "node:assert/strict";
import fc from "fast-check";
import { parse, stringify } from "smol-toml";
import { loadConfig } from "../../src/config/load.ts";
import { type KeyPath, PositionIndex } from "../../src/config/position_index.ts";
import { renderProblem } from "../../src/config/problem.ts";

const TEXT = `# comment with [brackets] and a = 1
top = "x"
  indented = [1, "two", { three = 3 }, # comment
    [4],
  ]
multi = """
[not.a.table]
key = \\"""" # end
'quoted key' = 1
"esc\\u0041ped" = 2
dotted . key.deep = 3
[table] # comment
a = 1
[ table . sub ]
b = 2
literal = '''
[nor.this]
'''
c = { d = 1, e.f = [ { g = 1 } ] }
[[list]]
x = 1
[list.inner]
y = 2
[[list]]
x = 3
[[list.nested]]
z = 4
[list.nested.deep]
w = 5
tricky = """a \\"""b
[wrong]
"""
last = 6`;

const places: readonly (readonly [path: KeyPath, line: number, column: number])[] = [
  [["top"], 2, 1],
  [["indented"], 3, 3],
  [["indented", 1], 3, 18],
  [["indented", 2, "three"], 3, 27],
  [["indented", 3, 0], 4, 6],
  [["multi"], 6, 1],
  [["quoted key"], 9, 1],
  [["escAped"], 10, 1],
  [["dotted", "key", "deep"], 11, 1],
  [["dotted"], 11, 1],
  [["table"], 12, 1],
  [["table", "a"], 13, 1],
  [["table", "sub"], 14, 1],
  [["table", "sub", "b"], 15, 1],
  [["table", "sub", "literal"], 16, 1],
  [["table", "sub", "c", "d"], 19, 7],
  [["table", "sub", "c", "e", "f", 0, "g"], 19, 24],
  [["list"], 20, 1],
  [["list", 0], 20, 1],
  [["list", 0, "x"], 21, 1],
  [["list", 0, "inner", "y"], 23, 1],
  [["list", 1], 24, 1],
  [["list", 1, "x"], 25, 1],
  [["list", 1, "nested", 0, "z"], 27, 1],
  [["list", 1, "nested", 0, "deep", "w"], 29, 1],
  [["list", 1, "nested", 0, "deep", "last"], 33, 1],
  [["list", 1, "missing", "more"], 24, 1],
  [["missing"], 1, 1],
  [[], 1, 1],
];

Deno.test("PositionIndex finds every kind of key", () => {
  parse(TEXT); // it is TOML
  for (const text of [TEXT, TEXT.replaceAll("\n", "\r\n")]) {
    const index = new PositionIndex(text);
    for (const [path, line, column] of places) {
      assert.deepEqual(index.at(path), { line, column }, JSON.stringify(path));
    }
    assert.equal(
      index.has(["wrong"]) || index.has(["not", "a"]) || index.has(["nor"]) || index.has(["key"]),
      false,
    );
  }
});

const key = fc.oneof(fc.stringMatching(/^[a-z]{1,3}$/), fc.string({ maxLength: 4 }))
  .filter((name) => name !== "__proto__");
const leaf = fc.oneof(
  fc.integer({ min: -9, max: 9 }),
  fc.boolean(),
  fc.string(),
  fc.constantFrom('"', "'", '"""', "'''", "\\", "]", "}", "#", "=", "[a]\nb = 1", "\r\n"),
);
const { table } = fc.letrec<{ table: Record<string, unknown>; value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    leaf,
    fc.array(leaf, { maxLength: 3 }),
    fc.array(tie("table"), { minLength: 1, maxLength: 3 }),
    tie("table"),
  ),
  table: fc.dictionary(key, tie("value"), { maxKeys: 4 }),
}));

function* paths(value: unknown, path: KeyPath = []): Generator<KeyPath> {
  if (path.length > 0) yield path;
  if (Array.isArray(value)) {
    for (const [i, one] of value.entries()) yield* paths(one, [...path, i]);
  } else if (typeof value === "object" && value !== null && !(value instanceof Date)) {
    for (const [name, one] of Object.entries(value)) yield* paths(one, [...path, name]);
  }
}

Deno.test("PositionIndex knows every key of any document", () => {
  fc.assert(
    fc.property(table, (document) => {
      const text = stringify(document);
      const index = new PositionIndex(text);
      for (const path of paths(parse(text))) {
        // WHY: an empty table that only has tables below it is not written itself.
        if (path.length < 30) assert.ok(index.has(path), `${JSON.stringify(path)} in ${text}`);
      }
    }),
    { numRuns: 500 },
  );
});

const pieces = fc.constantFrom(
  ...[
    "[",
    "]",
    "[[",
    "]]",
    "=",
    ".",
    ",",
    "{",
    "}",
    '"',
    "'",
    '"""',
    "'''",
    "\\",
    "#",
    "\n",
    "\r\n",
  ],
  ...[
    " ",
    "\t",
    "a",
    "servers",
    "imap",
    "type",
    "__proto__",
    "1",
    "true",
    "\0",
    "\u2028",
    "\ud800",
  ],
);
const soup = fc.oneof(fc.string(), fc.array(pieces, { maxLength: 60 }).map((all) => all.join("")));

Deno.test("PositionIndex and loadConfig() are total", () => {
  fc.assert(
    fc.property(soup, (text) => {
      const { line, column } = new PositionIndex(text).at(["servers", 0, "a"]);
      assert.ok(line >= 1 && column >= 1);
      const loaded = loadConfig(text, "f");
      const lines = "problems" in loaded ? loaded.problems : loaded.warnings;
      if ("problems" in loaded) assert.ok(lines.length > 0);
      for (const problem of lines) {
        assert.match(renderProblem(problem), /^f:\d+:\d+: [^\n\r]+$/);
      }
    }),
    { numRuns: 3000 },
  );
});

Deno.test("PositionIndex and loadConfig() take linear time", () => {
  const hostile = ["[", "[[", "{a=", "a.", '"', "'''", "a=[", "[a.", 'a="\\', "a=1\n", "[[a]]\n"];
  for (const piece of hostile) {
    const text = piece.repeat(50_000);
    new PositionIndex(text).at(["a"]);
    loadConfig(text, "f");
  }
});
