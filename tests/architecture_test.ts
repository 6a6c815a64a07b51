import assert from "node:assert/strict";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { workerEntries } from "../src/app/worker_entries.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** The design's layers, lowest first. A file imports its own folder and lower layers. */
const layers: readonly (readonly string[])[] = [
  ["message", "config", "observe", "lib"],
  ["store", "blobs", "net"],
  ["auth", "delivery", "limits", "jobs", "migration"],
  ["imap", "lmtp", "http"],
  ["app", "admin"],
];

/** Sideways arrows inside a layer that the design says, with their reason. */
const sideways: readonly (readonly [from: string, to: string, why: string])[] = [
  ["message", "lib", "lib is the vocabulary of everything"],
  ["config", "lib", "lib is the vocabulary of everything"],
  ["observe", "lib", "lib is the vocabulary of everything"],
  ["admin", "app/read_config.ts", "both programs read the same configuration in the same way"],
  ["admin", "app/exit_codes.ts", "both programs mean the same by an exit code"],
];

/** Files that no program reaches, and why they are there. */
const unreached: readonly (readonly [file: string, why: string])[] = [
  ["src/auth/local_hasher.ts", "logins without a worker, for tests and benches"],
  ["src/blobs/memory_blobs.ts", "the interface's memory version, for tests"],
];

/** No file is longer. */
const LINES_MAX = 400;
/** main.ts and admin.ts only hand over. */
const ENTRY_LINES_MAX = 30;

/** Who alone may use what of the outside world. */
const owners: readonly (readonly [what: RegExp, folders: readonly string[], why: string])[] = [
  [/\bDeno\.(listen|connect|listenTls|connectTls|startTls)\b/, ["net"], "net/ owns the sockets"],
  [/"node:(net|tls|dgram|http|https|http2)"/, ["net"], "net/ owns the sockets"],
  [/\bDeno\.serve\b/, ["http"], "http/ owns the HTTP server"],
  [/(?<![.\w])fetch\(/, [], "nothing here is an HTTP client"],
  [/from "pg"|import\("pg"\)/, ["store"], "store/ alone speaks SQL"],
  [/"@aws-sdk\//, ["blobs"], "blobs/ alone knows S3"],
  [/"imapflow"/, ["migration"], "migration/ alone is a client of other servers"],
  [/from "hono"/, ["http"], "http/ owns the HTTP server"],
  [/from "prom-client"|from "@logtape\/logtape"/, ["observe"], "observe/ hides its libraries"],
  [/\bDeno\.Command\b/, ["store"], "only the private PostgreSQL is a program we run"],
  [/new Worker\(/, ["app"], "app/ alone starts isolates"],
  [/\bDeno\.(exit|addSignalListener)\b/, ["app", "admin"], "the process belongs to layer 4"],
];

/** What layer 0 never touches. */
const IO =
  /\bDeno\.(?!build\b|errors\b|inspect\b)|"node:(fs|fs\/promises|child_process|net|os|process)"/;

/** What no file contains. */
const banned: readonly (readonly [what: RegExp, why: string])[] = [
  [/(?:[:<|&,(]|\bas)\s*any\b(?!\w|:| [a-z])/, "any"],
  [/\bTODO\b|\bFIXME\b|\bXXX\b/, "an open end"],
  [/^\s*(?:export\s+)?(?:const\s+)?enum\s/m, "an enum"],
  [/\bconsole\./, "console"],
  [/@ts-ignore|@ts-expect-error|@ts-nocheck/, "a silenced compiler"],
  [/[\w\])]!(?:[.;,)\]]|$)/m, "a non-null assertion"],
  [
    /^\s*(?:private|protected|public)\s+(?!constructor|static)\w+\s*[(:=;<]/m,
    "private instead of #",
  ],
  [/(?:\/home|\/root|\/work)\/\w/, "a path of somebody's machine"],
];

interface Module {
  readonly specifier: string;
  readonly dependencies?: readonly Dependency[];
}

interface Dependency {
  readonly code?: { readonly specifier?: string };
  readonly type?: { readonly specifier?: string };
}

/** Every module that an entry point reaches, and what it imports, by paths from the root. */
async function graph(entry: string): Promise<Map<string, Set<string>>> {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", entry],
    cwd: root,
    stderr: "inherit",
  }).output();
  assert.ok(success, `deno info ${entry}`);
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: Module[] };
  return new Map(
    modules.filter(({ specifier }) => specifier.startsWith("file:")).map((module) => [
      path(module.specifier),
      new Set((module.dependencies ?? []).flatMap(specifiers).map(path)),
    ]),
  );
}

function specifiers({ code, type }: Dependency): string[] {
  return [code?.specifier, type?.specifier].filter((each) => each?.startsWith("file:") === true)
    .map(String);
}

function path(specifier: string): string {
  return relative(root, fileURLToPath(specifier)).replaceAll("\\", "/");
}

const entries = ["main.ts", "admin.ts", "src/admin/docs.ts", ...Object.values(workerEntries)];

async function wholeGraph(): Promise<Map<string, Set<string>>> {
  const all = new Map<string, Set<string>>();
  for (const each of await Promise.all(entries.map(graph))) {
    for (const [file, imports] of each) all.set(file, imports);
  }
  return all;
}

/** Every source file below src/. */
async function sources(folder = "src"): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${root}${folder}`)) {
    if (isDirectory) files.push(...await sources(`${folder}/${name}`));
    else if (name.endsWith(".ts")) files.push(`${folder}/${name}`);
  }
  return files.sort();
}

function folderOf(file: string): string {
  return file.split("/")[1] ?? "";
}

function layerOf(file: string): number {
  return layers.findIndex((folders) => folders.includes(folderOf(file)));
}

function isAllowed(from: string, to: string): boolean {
  if (folderOf(from) === folderOf(to)) return true;
  const [own, other] = [layerOf(from), layerOf(to)];
  if (own !== other) return own > other;
  return sideways.some(([folder, target]) =>
    folderOf(from) === folder && (folderOf(to) === target || to === `src/${target}`)
  );
}

Deno.test("files import lower layers only, sideways only where the design says", async () => {
  const wrong: string[] = [];
  for (const [file, imports] of await wholeGraph()) {
    if (!file.startsWith("src/")) continue;
    assert.ok(layerOf(file) >= 0, `${file}: its folder is in no layer`);
    for (const to of imports) {
      if (to.endsWith(".ts") && !isAllowed(file, to)) wrong.push(`${file} -> ${to}`);
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("every source file is reached from an entry point", async () => {
  const reached = await wholeGraph();
  const lost = (await sources()).filter((file) => !reached.has(file));
  assert.deepEqual(lost, unreached.map(([file]) => file));
});

Deno.test("nothing imports what only tests may", async () => {
  const reached = [...(await wholeGraph()).keys()];
  assert.deepEqual(reached.filter((file) => file.startsWith("tests/")), []);
});

Deno.test("each part of the outside world has one owner", async () => {
  const wrong: string[] = [];
  for (const file of await sources()) {
    const text = code(await Deno.readTextFile(`${root}${file}`));
    for (const [what, folders, why] of owners) {
      if (what.test(text) && !folders.includes(folderOf(file))) wrong.push(`${file}: ${why}`);
    }
    if (layerOf(file) === 0 && IO.test(text)) wrong.push(`${file}: layer 0 does no I/O`);
  }
  assert.deepEqual(wrong, []);
});

Deno.test("no file is too long, none contains what the style forbids", async () => {
  const wrong: string[] = [];
  for (const file of [...await sources(), "main.ts", "admin.ts"]) {
    const text = await Deno.readTextFile(`${root}${file}`);
    const lines = text.trimEnd().split("\n").length;
    const most = file.startsWith("src/") ? LINES_MAX : ENTRY_LINES_MAX;
    if (lines > most) wrong.push(`${file}: ${lines} lines`);
    for (const [what, name] of banned) {
      const found = what.exec(name === "an open end" ? text : code(text));
      if (found) wrong.push(`${file}: ${name}: ${found[0].trim()}`);
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("the rules above find what they forbid", () => {
  const bad: [name: string, code: string][] = [
    ["any", "const x: any = 1;"],
    ["any", "const x = y as any;"],
    ["any", "let x: Map<string, any>;"],
    ["any", "function f(...args: any[]) {}"],
    ["an open end", "// TODO: later"],
    ["an enum", "export const enum Color { Red }"],
    ["console", "console.log(1);"],
    ["a silenced compiler", "// @ts-ignore: no"],
    ["a non-null assertion", "const x = y!.z;"],
    ["a non-null assertion", "return rows[0]!;"],
    ["private instead of #", "class A {\n  private x = 1;\n}"],
    ["a path of somebody's machine", `const x = "/home/me/sora";`],
  ];
  for (const [name, text] of bad) {
    assert.ok(banned.some(([what, each]) => each === name && what.test(text)), `${name}: ${text}`);
  }
  const good = `
    if (!x) return a !== b;
    const many = "there are any number of them";
    class Private { private constructor(readonly x: number) {} }
    throw new Error("Stop!");
    const company: Company = x;
  `;
  for (const [what, name] of banned) assert.ok(!what.test(good), name);
  assert.ok(!isAllowed("src/store/a.ts", "src/imap/b.ts"));
  assert.ok(!isAllowed("src/imap/a.ts", "src/lmtp/b.ts"));
  assert.ok(isAllowed("src/imap/commands/a.ts", "src/imap/b.ts"));
  assert.ok(isAllowed("src/app/a.ts", "src/lib/b.ts"));
});

/** Without comments, strings that are prose, and regular expressions: what the compiler sees. */
function code(text: string): string {
  return text
    .replaceAll(/\/\*[^]*?\*\//g, "")
    .replaceAll(/(^|[^:"'`\\/])\/\/.*$/gm, "$1");
}
