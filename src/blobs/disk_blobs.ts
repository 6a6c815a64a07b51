import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import type { Hash } from "../lib/ids.ts";
import { Refused, unavailable } from "../lib/refused.ts";
import { type Log, logger } from "../observe/log.ts";
import { AsideFolder } from "./aside_folder.ts";
import {
  type Blobs,
  type DeleteOptions,
  hashOf,
  type Listed,
  type ObjectInfo,
  type ObjectKey,
} from "./blobs.ts";
import { DiskNames } from "./disk_names.ts";
import { FolderSync } from "./folder_sync.ts";
import { orNull } from "./or_null.ts";
import { readRange } from "./read_range.ts";
import type { Spooled } from "./spool.ts";
import { writeBody } from "./write_body.ts";

/** Larger bodies are hashed off the event loop, which a hash of this size holds for half a millisecond. */
const HASH_HERE_BYTES = 1024 * 1024;
/** Files of a page of a listing. */
const PAGE_FILES = 500;
/** Files that are removed at once. */
const DELETES_AT_ONCE = 16;
/** Where bodies are written before they get their name; below the folder of the bodies. */
export const TEMPORARY_FOLDER = "tmp";

/**
 * Message bodies as files, `<directory>/<first two digits of the hash>/<hash>.<account>`: 256
 * folders, made once. A file has its name only after its content is on the disk, so what is there is
 * whole; what is read is checked against the hash all the same.
 */
export class DiskBlobs implements Blobs {
  readonly #directory: string;
  readonly #log: Log;
  readonly #folders = new FolderSync();
  readonly #aside: AsideFolder;
  readonly #names: DiskNames;
  readonly #made = new Map<string, Promise<void>>();
  readonly #deleting = new Map<ObjectKey, Promise<void>>();
  readonly #putting = new Map<ObjectKey, Promise<void>>();
  #recovered: Promise<void> | undefined;

  constructor(directory: string, options: { readonly log?: Log } = {}) {
    this.#directory = directory;
    this.#aside = new AsideFolder(`${directory}/${TEMPORARY_FOLDER}`, this.#folders);
    this.#names = new DiskNames(directory);
    this.#log = options.log ?? logger("blobs");
  }

  async put(key: ObjectKey, body: Spooled): Promise<null> {
    const putting = this.#putting.get(key) ?? this.#begin(key, body);
    await putting;
    return null;
  }

  async #begin(key: ObjectKey, body: Spooled): Promise<void> {
    const putting = this.#guard("put", key, () => this.#put(key, body));
    this.#putting.set(key, putting);
    try {
      await putting;
    } finally {
      this.#putting.delete(key);
    }
  }

  async copy(from: ObjectKey, to: ObjectKey): Promise<null> {
    await this.#guard("copy", to, () =>
      this.#place(to, async (temporary) => {
        try {
          // WHY: a body is never changed, and goes when its last name does.
          await Deno.link(this.#path(from), temporary);
        } catch (error) {
          if (error instanceof Deno.errors.NotFound) throw error;
          await Deno.copyFile(this.#path(from), temporary);
        }
        const file = await Deno.open(temporary, { read: true, write: true });
        await file.utime(new Date(), new Date()); // WHY: put now, and not to be taken for old.
        return file;
      }, { mayBeLink: true }));
    return null;
  }

  get(key: ObjectKey): Promise<Uint8Array | null> {
    return this.#guard("get", key, async () => {
      const bytes = await this.#found(key, (path) => Deno.readFile(path));
      if (bytes && await sha256(bytes) !== hashOf(key)) {
        throw new Error(`Cannot use a body of ${bytes.length} octets: its hash is wrong`);
      }
      return bytes;
    });
  }

  range(
    key: ObjectKey,
    start: number,
    end: number,
    into?: Uint8Array,
  ): Promise<Uint8Array | null> {
    return this.#guard("range", key, async () => {
      using file = await this.#found(key, (path) => Deno.open(path));
      return file && await readRange(file, { start, end, into });
    });
  }

  size(key: ObjectKey): Promise<number | null> {
    return this.#guard("size", key, async () => {
      const info = await this.#found(key, (path) => Deno.stat(path));
      return info === null ? null : info.size;
    });
  }

  /** WHY again: it may just be aside, see `#deleteOld`. */
  async #found<T>(key: ObjectKey, look: (path: string) => Promise<T>): Promise<T | null> {
    const path = this.#path(key);
    return await orNull(look(path)) ??
      (await this.#aside.putBack(path) ? await orNull(look(path)) : null);
  }

  /** Files keep no metadata. */
  info(key: ObjectKey): Promise<ObjectInfo | null> {
    return this.#guard("info", key, async () => {
      const info = await orNull(Deno.stat(this.#path(key)));
      if (info === null) return null;
      return { sizeBytes: info.size, modifiedAt: info.mtime ?? new Date(0), metadata: {} };
    });
  }

  delete(key: ObjectKey): Promise<void> {
    return this.#guard("delete", key, async () => {
      await orNull(Deno.remove(this.#path(key)));
    });
  }

  async deleteMany(
    keys: readonly ObjectKey[],
    { putBefore }: DeleteOptions = {},
  ): Promise<void> {
    const remove = (key: ObjectKey) =>
      putBefore ? this.#deleteOld(key, putBefore) : this.delete(key);
    for (let at = 0; at < keys.length; at += DELETES_AT_ONCE) {
      const some = keys.slice(at, at + DELETES_AT_ONCE);
      const results = await Promise.allSettled(some.map(remove));
      for (const result of results) if (result.status === "rejected") throw result.reason;
    }
  }

  /**
   * WHY one at a time for each body: there is one place aside. Other processes are kept apart by the object's
   * lock.
   */
  #deleteOld(key: ObjectKey, putBefore: Date): Promise<void> {
    return this.#guard("delete", key, () =>
      this.#alone(key, async () => {
        await (this.#recovered ??= this.#recover());
        const path = this.#path(key);
        const info = await orNull(Deno.stat(path));
        if (info?.mtime && info.mtime < putBefore) {
          await this.#aside.removeOld(path, putBefore.getTime());
        }
      }));
  }

  async #alone(key: ObjectKey, work: () => Promise<void>): Promise<void> {
    const before = this.#deleting.get(key) ?? Promise.resolve();
    const running = before.catch(() => {}).then(work);
    this.#deleting.set(key, running);
    try {
      await running;
    } finally {
      if (this.#deleting.get(key) === running) this.#deleting.delete(key);
    }
  }

  async #recover(): Promise<void> {
    await this.#make(`${this.#directory}/${TEMPORARY_FOLDER}`);
    await this.#aside.recover(this.#directory);
  }

  /** Files without the name of a body are passed over: nothing here has put them. */
  async *list(prefix: string, after?: string): AsyncGenerator<readonly Listed[]> {
    try {
      yield* this.#pages(prefix, after);
    } catch (error) {
      this.#log.error("body storage failed", { operation: "list", error });
      throw unavailable("bodies", error);
    }
  }

  async *#pages(prefix: string, after?: string): AsyncGenerator<readonly Listed[]> {
    let page: Listed[] = [];
    for await (const { key, path } of this.#names.all(after)) {
      if (!key.startsWith(prefix)) continue;
      const info = await orNull(Deno.stat(path));
      if (!info) continue;
      page.push({ key, sizeBytes: info.size, modifiedAt: info.mtime ?? new Date(0) });
      if (page.length < PAGE_FILES) continue;
      yield page;
      page = [];
    }
    if (page.length > 0) yield page;
  }

  async exists(key: ObjectKey): Promise<boolean> {
    return await this.size(key) !== null;
  }

  #put(key: ObjectKey, body: Spooled): Promise<void> {
    return this.#place(
      key,
      (temporary) => writeBody(body, temporary),
      { mayBeLink: body.path !== null },
    );
  }

  /** Write, fsync, rename, fsync the folder: the name is given to a body that is on the disk. */
  async #place(
    key: ObjectKey,
    write: (temporary: string) => Promise<Deno.FsFile>,
    { mayBeLink }: { readonly mayBeLink: boolean },
  ): Promise<void> {
    const path = this.#path(key);
    const folder = path.slice(0, path.lastIndexOf("/"));
    await this.#names.remember(key);
    await Promise.all([this.#make(folder), this.#make(`${this.#directory}/${TEMPORARY_FOLDER}`)]);
    const temporary = `${this.#directory}/${TEMPORARY_FOLDER}/${crypto.randomUUID()}`;
    try {
      using file = await write(temporary);
      await file.syncData();
      // WHY: also when there is one: to look costs each new body more than the rare second copy,
      // and one that was damaged on the disk is whole again.
      await Deno.rename(temporary, path);
    } catch (error) {
      await Deno.remove(temporary).catch(() => {});
      throw error;
    }
    // WHY: rename does nothing when both names are links to one file already.
    if (mayBeLink) await orNull(Deno.remove(temporary));
    await this.#folders.sync(folder);
  }

  /** Makes a folder durably, once per process, and the folder of the bodies before it. */
  #make(folder: string): Promise<void> {
    const made = this.#made.get(folder);
    if (made) return made;
    const making = (async () => {
      const isRoot = folder === this.#directory;
      if (!isRoot) await this.#make(this.#directory);
      await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
      // WHY: also when it was there: a crash may have come between mkdir and fsync. What is above
      // the folder of the bodies is app/'s to make durable: a worker may not open it.
      if (!isRoot) await this.#folders.sync(this.#directory);
    })();
    this.#made.set(folder, making);
    making.catch(() => this.#made.delete(folder));
    return making;
  }

  #path(key: ObjectKey): string {
    return this.#names.path(key);
  }

  async #guard<T>(operation: string, key: ObjectKey, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#log.error("body storage failed", { operation, hash: hashOf(key), error });
      throw error instanceof Refused ? error : unavailable("bodies", error);
    }
  }
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Hash> {
  const hex = bytes.length <= HASH_HERE_BYTES
    ? createHash("sha256").update(bytes).digest("hex")
    : Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex");
  return hex as Hash;
}
