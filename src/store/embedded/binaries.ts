import { join } from "node:path";
import { bundledBinaries } from "./bundled.ts";
import { statOrNull } from "./owner.ts";
import type { Place } from "./place.ts";
import { command, run } from "./process.ts";
import type { Remembered } from "./remembered.ts";

/** Sora's SQL needs PostgreSQL 14. */
const MAJOR_MIN = 14;
/** The newest that is looked for where versions cannot be listed (Red Hat's /usr/pgsql-N). */
const MAJOR_MAX = 25;
/** Where Debian and Ubuntu keep every installed version. */
const DEBIAN = "/usr/lib/postgresql";
/** Extensions that the schema needs; some systems package them apart. */
const EXTENSIONS = ["pg_trgm", "btree_gin"];

/** Which PostgreSQL to run: `SORA_PG`. Anything but the three words is a folder. */
export type Source = "auto" | "system" | "bundled" | string;

/** One installed PostgreSQL. */
export interface Binaries extends Pick<Remembered, "bin" | "source" | "version" | "modifiedMs"> {
  readonly major: number;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * The PostgreSQL for a data folder of major version `made` (null: a new one): the one remembered,
 * else the newest of the system that fits, else the bundled one.
 *
 * @throws {Error} naming both versions, or everything that was tried
 */
export async function findBinaries(
  { source, made, place, remembered }: {
    source: Source;
    made: number | null;
    place: Place;
    remembered: Remembered | null;
  },
): Promise<Binaries> {
  const known = remembered && await stillThere(remembered, source);
  if (known && (made === null || known.major === made)) return known;
  const refused: string[] = [];
  for await (const found of candidates(source, place, refused)) {
    const why = await unfit(found, made);
    if (!why) return found;
    refused.push(`${found.bin}: ${why}`);
  }
  const wanted = made === null ? "" : ` for the data folder ${place.data} of PostgreSQL ${made}`;
  const help = made === null
    ? `install PostgreSQL ${MAJOR_MIN} or newer, or configure [database]`
    : `install PostgreSQL ${made}, or name its folder in SORA_PG`;
  const tried = refused.length > 0 ? ` (${refused.join("; ")})` : "";
  throw new Error(`Cannot find a PostgreSQL${wanted}, SORA_PG=${source}: ${help}${tried}`);
}

async function unfit(found: Binaries, made: number | null): Promise<string | null> {
  if (found.major < MAJOR_MIN) return `is ${found.version}, at least ${MAJOR_MIN} is needed`;
  if (made !== null && found.major !== made) return `is ${found.version}`;
  return made === null ? await lacksExtension(found) : null;
}

async function stillThere(facts: Remembered, source: Source): Promise<Binaries | null> {
  const fits = source === "auto" || source === facts.source || await realBin(source) === facts.bin;
  const postgres = fits ? await statOrNull(join(facts.bin, "postgres")) : null;
  if (postgres?.mtime?.getTime() !== facts.modifiedMs) return null;
  const { bin, version, modifiedMs, environment } = facts;
  return { bin, source: facts.source, version, modifiedMs, environment, major: majorOf(version) };
}

async function* candidates(
  source: Source,
  place: Place,
  refused: string[],
): AsyncGenerator<Binaries> {
  const folders = source === "bundled"
    ? []
    : source === "auto" || source === "system"
    ? systemFolders()
    : [source, join(source, "bin")];
  const seen = new Set<string>();
  for await (const folder of folders) {
    const bin = await realBin(folder);
    if (!bin || seen.has(bin)) continue;
    seen.add(bin);
    const known = source === "auto" || source === "system" ? "system" : "directory";
    yield await inspect({ bin, source: known, environment: {} }, place);
  }
  if (source !== "auto" && source !== "bundled") return;
  try {
    const { bin, environment } = await bundledBinaries(place);
    yield await inspect({ bin, source: "bundled", environment }, place);
  } catch (error) {
    refused.push(`bundled: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Newest first, then what PATH and `pg_config` say, then the usual places of other systems. */
async function* systemFolders(): AsyncGenerator<string> {
  const majors = (await namesIn(DEBIAN)).filter((name) => /^\d+$/.test(name)).map(Number);
  for (const major of majors.toSorted((a, b) => b - a)) yield `${DEBIAN}/${major}/bin`;
  for (let major = MAJOR_MAX; major >= MAJOR_MIN; major--) yield `/usr/pgsql-${major}/bin`;
  const path = (Deno.env.get("PATH") ?? "").split(":").filter((folder) => folder.startsWith("/"));
  yield* path;
  for (const folder of path) {
    if (!await statOrNull(join(folder, "pg_config")).catch(() => null)) continue;
    const bin = await run(join(folder, "pg_config"), { args: ["--bindir"] }).catch(() => "");
    if (bin) yield bin;
    break;
  }
  yield "/usr/local/pgsql/bin";
  for (const base of ["/opt/homebrew/opt", "/usr/local/opt"]) {
    const names = (await namesIn(base)).filter((name) => /^postgresql(@\d+)?$/.test(name));
    for (const name of names.toSorted().toReversed()) yield `${base}/${name}/bin`;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await Array.fromAsync(Deno.readDir(folder), (entry) => entry.name);
  } catch {
    return [];
  }
}

/** The folder that really holds `postgres` and `initdb`, links followed; null when it does not. */
async function realBin(folder: string): Promise<string | null> {
  try {
    const bin = join(await Deno.realPath(join(folder, "postgres")), "..");
    return await statOrNull(join(bin, "initdb")) ? bin : null;
  } catch {
    return null;
  }
}

async function inspect(
  found: Pick<Binaries, "bin" | "source" | "environment">,
  { owner, folder }: Place,
): Promise<Binaries> {
  const postgres = join(found.bin, "postgres");
  const options = { binaries: found, owner, cwd: folder };
  const said = await run(...command(options, "postgres", ["--version"]));
  const [, version] = /\(PostgreSQL\) (\d+[\w.]*)/.exec(said) ?? [];
  if (!version) throw new Error(`Cannot read the version of ${postgres}: ${said}`);
  const modifiedMs = (await Deno.stat(postgres)).mtime?.getTime() ?? 0;
  return { ...found, version, modifiedMs, major: majorOf(version) };
}

function majorOf(version: string): number {
  return Number.parseInt(version, 10);
}

/** Null when the extensions are there or when this system keeps them where we do not know. */
async function lacksExtension({ bin, major }: Binaries): Promise<string | null> {
  const shares = [
    join(bin, "../share/postgresql/extension"),
    join(bin, `../share/postgresql@${major}/extension`),
    join(bin, "../share/extension"),
    `/usr/share/postgresql/${major}/extension`,
    "/usr/share/pgsql/extension",
  ];
  for (const share of shares) {
    if (!await statOrNull(share)) continue;
    for (const name of EXTENSIONS) {
      if (!await statOrNull(join(share, `${name}.control`))) return `has no extension ${name}`;
    }
    return null;
  }
  return null;
}
