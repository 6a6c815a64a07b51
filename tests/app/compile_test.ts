import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { workerEntries } from "../../src/app/worker_entries.ts";
import { compile } from "../support/compile.ts";

const root = new URL("../../", import.meta.url);

Deno.test("deno compile embeds every worker's entry point and every migration", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sora-compile-" });
  const before = Deno.env.get("DENORT_BIN");
  // WHY: the real base is downloaded from where not every machine can; what is embedded is the same.
  Deno.env.set("DENORT_BIN", "/bin/true");
  try {
    await compile(folder);
    const migrations = (await Array.fromAsync(
      Deno.readDir(new URL("src/store/migrations", root)),
      ({ name }) => `src/store/migrations/${name}`,
    )).filter((path) => path.endsWith(".sql"));
    assert.ok(migrations.length > 1);
    await assertEmbedded(`${folder}/sora`, [...Object.values(workerEntries), ...migrations]);
    await assertEmbedded(`${folder}/sora-admin`, migrations);
  } finally {
    if (before === undefined) Deno.env.delete("DENORT_BIN");
    else Deno.env.set("DENORT_BIN", before);
    await Deno.remove(folder, { recursive: true });
  }
});

/** An executable contains the text of these files as it is. */
async function assertEmbedded(executable: string, paths: readonly string[]): Promise<void> {
  const program = Buffer.from(await Deno.readFile(executable));
  for (const path of paths) {
    const text = await Deno.readFile(new URL(path, root));
    assert.ok(program.includes(Buffer.from(text)), `${path} is not in ${executable}`);
  }
}
