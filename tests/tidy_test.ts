import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const documents = ["README.md", ...filesIn("docs"), ...filesIn("docs/adr")]
  .filter((path) => path.endsWith(".md"));

Deno.test("deno.lock names no host: it was made against the default registry", () => {
  assert.doesNotMatch(read("deno.lock"), /:\/\/|"tarball"/);
});

Deno.test("dependencies have exact versions", () => {
  const { imports } = JSON.parse(read("deno.json")) as { imports: Record<string, string> };
  for (const specifier of Object.values(imports)) {
    assert.match(specifier, /^npm:(@[\w.-]+\/)?[\w.-]+@\d+\.\d+\.\d+$/);
  }
});

Deno.test("README and CI ask for the Deno that the code was written for", () => {
  const versions = new Set(read("README.md").match(/(?<=deno@)\d+\.\d+\.\d+/g));
  assert.deepEqual([...versions], ["2.9.6"]);
});

for (const path of documents) {
  Deno.test(`links in ${path} lead somewhere`, () => {
    for (const [, target = ""] of read(path).matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      assert.ok(exists(join(dirname(path), target)), `${path} links to ${target}`);
    }
  });
}

Deno.test("docs/rfc.md: every standard has a status and an existing folder, once", () => {
  const rows = [
    ...read("docs/rfc.md").matchAll(/^\| (\d[^|]*) \| [^|]+ \| (\w+)[^|]* \| (\w*) ?\|$/gm),
  ];
  assert.ok(rows.length > 20);
  const seen = new Set<string>();
  for (const [, rfc = "", status = "", folder = ""] of rows) {
    assert.ok(!seen.has(rfc), `RFC ${rfc} twice`);
    seen.add(rfc);
    assert.match(status, /^(full|partial|not)$/, `RFC ${rfc}`);
    assert.ok(status === "not" || exists(`src/${folder}`), `RFC ${rfc}: folder ${folder}`);
  }
});

Deno.test("decisions are numbered without a gap", () => {
  const numbers = filesIn("docs/adr").map((path) => Number(/\/(\d{4})-/.exec(path)?.[1]))
    .sort((a, b) => a - b);
  assert.deepEqual(numbers, numbers.map((_, i) => i + 1));
});

function filesIn(folder: string): string[] {
  return [...Deno.readDirSync(join(root, folder))].filter((e) => e.isFile).map((e) =>
    `${folder}/${e.name}`
  );
}

function read(path: string): string {
  return Deno.readTextFileSync(join(root, path));
}

function exists(path: string): boolean {
  try {
    Deno.statSync(join(root, path));
    return true;
  } catch {
    return false;
  }
}
