/**
 * `deno task compile [folder]`: both programs as executables, in `dist/` by default. With
 * DENORT_BIN=/bin/true nothing is downloaded: types, graph and embedded files are checked all the same.
 */
import { workerEntries } from "../../src/app/worker_entries.ts";

/** What each program starts besides its own graph: `deno compile` cannot see workers. */
const programs = {
  "sora": { main: "main.ts", include: Object.values(workerEntries) },
  "sora-admin": { main: "admin.ts", include: [] },
} as const;

/**
 * QUIRK: Deno 2.9.6 parses every file of an embedded package as a script, and the 100,000 numbers in
 * this one (`1\n-2\n…`, one expression 100,000 deep) overflow its stack (denoland/deno#36746). The
 * package comes with prom-client's summaries, which Sora does not use.
 */
const UNPARSABLE = "bintrees/1.0.2/test";

/** Compiles both programs into `folder`; returns what `deno compile` said. Throws when one fails. */
export async function compile(folder: string): Promise<string> {
  const exclude = await unparsable();
  let said = "";
  for (const [name, { main, include }] of Object.entries(programs)) {
    const { success, stderr, stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "compile",
        "--allow-all",
        // WHY: what a worker may not do fails; nobody at the terminal is asked to allow it.
        "--no-prompt",
        ...exclude.flatMap((path) => ["--exclude", path]),
        ...include.flatMap((path) => ["--include", path]),
        "--output",
        `${folder}/${name}`,
        main,
      ],
      cwd: new URL("../../", import.meta.url),
      env: { NO_COLOR: "1" },
    }).output();
    const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    if (!success) throw new Error(`Cannot compile ${name}:\n${text}`);
    said += text;
  }
  return said;
}

/** Where the package cache has that folder, whatever registry it came from. */
async function unparsable(): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { npmCache } = JSON.parse(new TextDecoder().decode(stdout)) as { npmCache: string };
  const registries = await Array.fromAsync(Deno.readDir(npmCache), ({ name }) => name);
  const found: string[] = [];
  for (const registry of registries) {
    const path = `${npmCache}/${registry}/${UNPARSABLE}`;
    if (await Deno.stat(path).then(() => true, () => false)) found.push(path);
  }
  return found;
}

if (import.meta.main) {
  const text = await compile(Deno.args[0] ?? "dist");
  await Deno.stdout.write(new TextEncoder().encode(text));
}
