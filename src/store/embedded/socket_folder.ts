import { basename, join } from "node:path";
import { type Owner, statOrNull } from "./owner.ts";
import { makeFolder, type Place } from "./place.ts";
import { PORT } from "./settings.ts";

/** sun_path of a unix socket address: 108 octets on Linux, 104 on macOS, with the closing NUL. */
const SOCKET_PATH_MAX = Deno.build.os === "linux" ? 107 : 103;
/** Short, and on every system. */
const SHORT_BASE = "/tmp";
const SHORT_PREFIX = "sora-socket-";

/**
 * Where the socket goes: `socket/` in the server's folder, or, when that path is too long for a
 * socket address, a new private folder in /tmp whose name no one can guess beforehand.
 */
export async function makeSocketFolder(place: Place): Promise<string> {
  const inside = join(place.folder, "socket");
  if (new TextEncoder().encode(join(inside, `.s.PGSQL.${PORT}.lock`)).length <= SOCKET_PATH_MAX) {
    await makeFolder(inside, place.owner);
    return inside;
  }
  const short = await Deno.makeTempDir({ dir: SHORT_BASE, prefix: SHORT_PREFIX });
  await makeFolder(short, place.owner);
  return short;
}

/** Removes a folder in /tmp that no server uses any more; one inside the server's folder stays. */
export async function dropSocketFolder(path: string, owner: Owner | undefined): Promise<void> {
  if (join(SHORT_BASE, basename(path)) !== path || !basename(path).startsWith(SHORT_PREFIX)) return;
  const found = await statOrNull(path);
  const mine = found?.isDirectory && found.uid === (owner?.uid ?? Deno.uid());
  if (mine) await Deno.remove(path, { recursive: true });
}
