import { join } from "node:path";
import { chooseOwner, obstacle, type Owner, statOrNull } from "./owner.ts";

/** Where a server's folder goes when root's data folder cannot be reached by an ordinary user. */
const ELSEWHERE = "/var/lib/sora";
/** In the data folder: the path of a server folder that had to go elsewhere. */
const POINTER = "postgres.elsewhere";

/** The folder that holds one private server, and who owns it. */
export interface Place {
  /**
   * Holds `data/`, `log/`, `socket/` (0700, of `owner`) and `server.json`. It is Sora's own: when
   * Sora is root, what root reads, executes or changes the owner of is never PostgreSQL's to write.
   */
  readonly folder: string;
  /** PostgreSQL's own data folder inside it. */
  readonly data: string;
  /** Undefined when Sora is not root: then everything belongs to Sora's user. */
  readonly owner: Owner | undefined;
  /** The folder that kept `owner` out of Sora's data folder; null when there was none. */
  readonly avoided: string | null;
}

/**
 * Finds or makes the server's folder: `<dataDir>/postgres`. PostgreSQL refuses to run as root, so
 * when Sora is root and a parent folder (say /root) lets no one else pass, the server's folder is
 * made under /var/lib/sora and the data folder points to it.
 */
export async function openPlace(dataDir: string): Promise<Place> {
  await Deno.mkdir(dataDir, { recursive: true, mode: Deno.uid() === 0 ? 0o711 : 0o700 });
  const root = await Deno.realPath(dataDir);
  const inside = join(root, "postgres");
  const owner = await chooseOwner(join(inside, "data"));
  if (owner) await letPass(root);
  const pointed = await readPointer(root);
  const avoided = pointed ? null : await obstacle(inside, owner);
  if (avoided && await statOrNull(join(inside, "data"))) {
    throw new Error(`Cannot start PostgreSQL: uid ${owner?.uid} may not pass through ${avoided}`);
  }
  const folder = pointed ?? (avoided ? await goElsewhere(root) : inside);
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const data = join(folder, "data");
  if (!owner) return { folder, data, owner, avoided };
  await letPass(folder);
  return { folder, data, owner: await chooseOwner(data), avoided };
}

/** The server's folder if there is one, without making anything. */
export async function findPlace(dataDir: string): Promise<string | null> {
  const folder = await readPointer(dataDir) ?? join(dataDir, "postgres");
  return await statOrNull(folder) ? folder : null;
}

/** Makes a folder that only the server's user may enter: mode 0700. */
export async function makeFolder(path: string, owner: Owner | undefined): Promise<void> {
  await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  const { uid, mode } = await Deno.stat(path);
  if (owner && uid !== owner.uid) await Deno.chown(path, owner.uid, owner.gid);
  if (((mode ?? 0) & 0o777) !== 0o700) await Deno.chmod(path, 0o700);
}

/** WHY: the right to pass (not to list) through Sora's own folder; what is in it is 0700 and 0600. */
async function letPass(folder: string): Promise<void> {
  const { mode, uid } = await Deno.stat(folder);
  if (uid === 0 && mode !== null && !(mode & 0o001)) await Deno.chmod(folder, mode & 0o777 | 0o011);
}

async function readPointer(dataDir: string): Promise<string | null> {
  const path = await Deno.readTextFile(join(dataDir, POINTER)).catch(() => "");
  return path.trim() || null;
}

async function goElsewhere(dataDir: string): Promise<string> {
  const folder = join(ELSEWHERE, crypto.randomUUID());
  await Deno.mkdir(ELSEWHERE, { recursive: true, mode: 0o711 });
  await Deno.writeTextFile(join(dataDir, POINTER), `${folder}\n`, { mode: 0o600 });
  return folder;
}
