import { join } from "node:path";
import type { Log } from "../../observe/log.ts";
import type { Binaries } from "./binaries.ts";
import { statOrNull } from "./owner.ts";
import { makeFolder, type Place } from "./place.ts";
import { command, run } from "./process.ts";

/** The superuser and the database of a private server. */
export const NAME = "sora";
/** Files flushed at the same time after `initdb`. */
const SYNC_PARALLEL = 16;
/** The first release with a collation of its own: C.UTF-8 without the system's help. */
const BUILTIN_LOCALE_MAJOR = 17;

/** A data folder in the making. */
const UNFINISHED = "new-data-";

/** The major version that made a data folder; null when there is none yet. */
export async function majorOfData(data: string): Promise<number | null> {
  const text = await Deno.readTextFile(join(data, "PG_VERSION")).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  });
  if (text !== null) return Number.parseInt(text, 10);
  if (!await statOrNull(data)) return null;
  for await (const entry of Deno.readDir(data)) {
    throw new Error(`Cannot use ${data}: it holds ${entry.name} but no PostgreSQL data`);
  }
  await Deno.remove(data);
  return null;
}

/**
 * Makes a new data folder. It gets its name only when it is complete and on the disk, so one that
 * was interrupted is simply made again.
 */
export async function initCluster(
  place: Place,
  binaries: Binaries,
  { fsync, log }: { fsync: boolean; log: Log },
): Promise<void> {
  await dropUnfinished(place);
  let failure: unknown;
  for (const locale of localesFor(binaries.major)) {
    const fresh = join(place.folder, `${UNFINISHED}${crypto.randomUUID()}`);
    await makeFolder(fresh, place.owner);
    const args = ["-D", fresh, "-U", NAME, "-A", "trust", "-E", "UTF8", "--no-sync", ...locale];
    try {
      // WHY trust: the socket is in a folder of mode 0700, and who can enter it can read the files.
      await run(...command({ binaries, owner: place.owner, cwd: place.folder }, "initdb", args));
      if (fsync) await syncTree(fresh);
      await Deno.rename(fresh, place.data);
      if (fsync) await syncPath(place.folder);
      return;
    } catch (error) {
      failure = error;
      log.debug("initdb-failed", { locale, error });
      if (!(error instanceof Error) || !/locale/.test(error.message)) break;
    }
  }
  const why = failure instanceof Error ? failure.message : String(failure);
  throw new Error(`Cannot make the database in ${place.data}: ${why}`, { cause: failure });
}

/**
 * WHY best effort, and never the same name again: when a Sora was killed, its `initdb` lives on for a
 * second and may still be writing there.
 */
async function dropUnfinished({ folder }: Place): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.startsWith(UNFINISHED)) continue;
    await Deno.remove(join(folder, name), { recursive: true }).catch(() => {});
  }
}

/**
 * WHY: with plain C, lower('Ä'), ILIKE and pg_trgm ignore every letter that is not ASCII.
 * QUIRK: macOS before 15 has no C.UTF-8.
 */
function localesFor(major: number): string[][] {
  if (major >= BUILTIN_LOCALE_MAJOR) {
    return [["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]];
  }
  return [["--locale=C.UTF-8"], ["--locale=en_US.UTF-8"]];
}

/** What `initdb` without --no-sync does, with many files in flight: several times as fast. */
async function syncTree(folder: string): Promise<void> {
  const paths: string[] = [folder];
  for (const path of paths) {
    if (!(await Deno.stat(path)).isDirectory) continue;
    for await (const entry of Deno.readDir(path)) paths.push(join(path, entry.name));
  }
  let next = 0;
  const work = async () => {
    for (let path = paths[next++]; path !== undefined; path = paths[next++]) await syncPath(path);
  };
  await Promise.all(Array.from({ length: SYNC_PARALLEL }, work));
}

async function syncPath(path: string): Promise<void> {
  using file = await Deno.open(path);
  await file.sync();
}
