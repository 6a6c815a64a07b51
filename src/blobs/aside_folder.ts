import type { FolderSync } from "./folder_sync.ts";
import { orNull } from "./or_null.ts";

/**
 * Where the files of bodies are while it is made sure that they may go. WHY: only what is taken aside can be
 * looked at and removed without anybody putting the body again in between.
 */
export class AsideFolder {
  readonly #folder: string;
  readonly #folders: FolderSync;

  constructor(folder: string, folders: FolderSync) {
    this.#folder = folder;
    this.#folders = folders;
  }

  /**
   * Removes a file that was put before `limit` (milliseconds since 1970), or lets `adopt` move it away; true
   * when it is gone. The folder must be there. One at a time for each file, as it has one place aside.
   */
  async removeOld(
    path: string,
    limit: number,
    adopt: (path: string) => Promise<boolean> = () => Promise.resolve(false),
  ): Promise<boolean> {
    const aside = this.#aside(path);
    const isAside = await orNull(Deno.rename(path, aside).then(() => true));
    if (!isAside) return false;
    const info = await orNull(Deno.stat(aside));
    // WHY: another process that uses this folder has just been started, and put it back.
    if (!info) return false;
    // WHY: without a time it cannot be old.
    if ((info.mtime?.getTime() ?? Infinity) >= limit) {
      await this.putBack(path);
      return false;
    }
    if (!await adopt(aside)) await orNull(Deno.remove(aside));
    return true;
  }

  /** True when it was aside. Where a newer file is in its place already, that one stays. */
  async putBack(path: string): Promise<boolean> {
    const aside = this.#aside(path);
    if (!await orNull(giveName(aside, path).then(() => true))) return false;
    await this.#folders.sync(path.slice(0, path.lastIndexOf("/")));
    await orNull(Deno.remove(aside));
    return true;
  }

  /** Puts back, below the folder of the bodies, what was taken aside when a process was killed. */
  async recover(directory: string): Promise<void> {
    const entries = await orNull(Array.fromAsync(Deno.readDir(this.#folder))) ?? [];
    for (const { name } of entries) {
      if (!/^[0-9a-f]{64}\./.test(name)) continue;
      const place = `${directory}/${name.slice(0, 2)}`;
      await Deno.mkdir(place, { recursive: true, mode: 0o700 });
      await this.putBack(`${place}/${name}`);
    }
  }

  #aside(path: string): string {
    return `${this.#folder}${path.slice(path.lastIndexOf("/"))}`;
  }
}

async function giveName(aside: string, path: string): Promise<void> {
  try {
    await Deno.link(aside, path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw error;
    if (error instanceof Deno.errors.AlreadyExists) return;
    // WHY: a file system without links; and what is there, if anything, is the same body, put later.
    await Deno.rename(aside, path);
    const now = new Date();
    await Deno.utime(path, now, now);
  }
}
