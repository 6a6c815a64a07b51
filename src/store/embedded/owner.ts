import { dirname, resolve } from "node:path";

/** The unprivileged user that PostgreSQL runs as; it refuses to run as root. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** `nobody` on every Linux; what is left where there is no user `postgres`. */
const NOBODY: Owner = { uid: 65534, gid: 65534 };
/** macOS numbers `nobody` -2. */
const NOBODY_DARWIN: Owner = { uid: 4_294_967_294, gid: 4_294_967_294 };

/**
 * Whom PostgreSQL must become: undefined when Sora is an ordinary user and PostgreSQL simply
 * inherits it. As root: the owner of an existing `data` folder, else user `postgres`, else nobody.
 *
 * @throws {Error} when the existing folder belongs to a user that Sora cannot become
 */
export async function chooseOwner(data: string): Promise<Owner | undefined> {
  const made = await statOrNull(data);
  const me = Deno.uid();
  if (me !== 0) {
    if (made && made.uid !== me) {
      throw new Error(
        `Cannot use ${data}: it belongs to uid ${made.uid} and Sora runs as uid ${me}`,
      );
    }
    return undefined;
  }
  if (made?.uid) return { uid: made.uid, gid: made.gid ?? made.uid };
  return await userPostgres() ?? (Deno.build.os === "darwin" ? NOBODY_DARWIN : NOBODY);
}

/** The first folder on the way to `path` that `owner` may not pass through, or null. */
export async function obstacle(path: string, owner: Owner | undefined): Promise<string | null> {
  if (!owner) return null;
  const way: string[] = [];
  for (let at = dirname(resolve(path)); way.at(-1) !== at; at = dirname(at)) way.push(at);
  for (const folder of way.toReversed()) {
    const found = await statOrNull(folder);
    if (!found) continue;
    const mode = found.mode ?? 0o777;
    const search = found.uid === owner.uid ? 0o100 : found.gid === owner.gid ? 0o010 : 0o001;
    if (!(mode & search)) return folder;
  }
  return null;
}

/** `Deno.stat`, or null when there is nothing. */
export async function statOrNull(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function userPostgres(): Promise<Owner | undefined> {
  const users = await Deno.readTextFile("/etc/passwd").catch(() => "");
  const [, uid, gid] = /^_?postgres:[^:]*:(\d+):(\d+):/m.exec(users) ?? [];
  return uid && gid && uid !== "0" ? { uid: Number(uid), gid: Number(gid) } : undefined;
}
