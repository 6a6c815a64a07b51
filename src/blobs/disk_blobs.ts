import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import type { Hash } from "../lib/ids.ts";
import { Refused, unavailable } from "../lib/refused.ts";
import { type Log, logger } from "../observe/log.ts";
import { type Blobs, hashOf, type ObjectKey } from "./blobs.ts";
import { FolderSync } from "./folder_sync.ts";
import type { Spooled } from "./spool.ts";

/** WHY: the longest file name of every usual file system. */
const FILE_NAME_MAX = 255;
/** Larger bodies are hashed off the event loop, which a hash of this size holds for half a millisecond. */
const HASH_HERE_BYTES = 1024 * 1024;
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
  readonly #made = new Map<string, Promise<void>>();
  readonly #putting = new Map<ObjectKey, Promise<void>>();

  constructor(directory: string, options: { readonly log?: Log } = {}) {
    this.#directory = directory;
    this.#log = options.log ?? logger("blobs");
  }

  async put(key: ObjectKey, body: Spooled): Promise<void> {
    const waiting = this.#putting.get(key);
    if (waiting) return await waiting;
    const putting = this.#guard("put", key, () => this.#put(key, body));
    this.#putting.set(key, putting);
    try {
      await putting;
    } finally {
      this.#putting.delete(key);
    }
  }

  copy(from: ObjectKey, to: ObjectKey): Promise<void> {
    return this.#guard("copy", to, () =>
      this.#place(to, async (temporary) => {
        try {
          // WHY: a body is never changed, and goes when its last name does.
          await Deno.link(this.#path(from), temporary);
        } catch (error) {
          if (error instanceof Deno.errors.NotFound) throw error;
          await Deno.copyFile(this.#path(from), temporary);
        }
        return await Deno.open(temporary, { read: true, write: true });
      }, { mayBeLink: true }));
  }

  get(key: ObjectKey): Promise<Uint8Array | null> {
    return this.#guard("get", key, async () => {
      const bytes = await orNull(Deno.readFile(this.#path(key)));
      if (bytes && await sha256(bytes) !== hashOf(key)) {
        throw new Error(`Cannot use a body of ${bytes.length} octets: its hash is wrong`);
      }
      return bytes;
    });
  }

  range(key: ObjectKey, start: number, end: number): Promise<Uint8Array | null> {
    return this.#guard("range", key, async () => {
      using file = await orNull(Deno.open(this.#path(key)));
      if (!file) return null;
      const bytes = new Uint8Array(Math.max(0, end - start));
      if (start > 0) await file.seek(start, Deno.SeekMode.Start);
      for (let at = 0; at < bytes.length;) {
        const n = await file.read(bytes.subarray(at));
        if (n === null) throw new Error(`Cannot read octet ${start + at} of a shorter body`);
        at += n;
      }
      return bytes;
    });
  }

  size(key: ObjectKey): Promise<number | null> {
    return this.#guard("size", key, async () => {
      const info = await orNull(Deno.stat(this.#path(key)));
      return info === null ? null : info.size;
    });
  }

  delete(key: ObjectKey): Promise<void> {
    return this.#guard("delete", key, async () => {
      await orNull(Deno.remove(this.#path(key)));
    });
  }

  async exists(key: ObjectKey): Promise<boolean> {
    return await this.size(key) !== null;
  }

  #put(key: ObjectKey, body: Spooled): Promise<void> {
    return this.#place(
      key,
      async (temporary) => await linked(body, temporary) ?? await written(body, temporary),
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
    const hash = hashOf(key);
    const account = encodeURIComponent(key.slice(0, -(hash.length + 1)));
    const name = `${hash}.${account}`;
    const short = name.length <= FILE_NAME_MAX
      ? name
      : `${hash}.${createHash("sha256").update(account).digest("hex")}`;
    return `${this.#directory}/${hash.slice(0, 2)}/${short}`;
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

async function written(body: Spooled, path: string): Promise<Deno.FsFile> {
  const file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  try {
    let length = 0;
    for await (const chunk of body.bytes ? [body.bytes] : body.chunks()) {
      await writeAll(file, chunk);
      length += chunk.length;
    }
    if (length !== body.sizeBytes) throw new Error("Cannot store a body of another size");
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

/** The spool file itself under another name, where the two folders share a file system. */
async function linked(body: Spooled, path: string): Promise<Deno.FsFile | null> {
  if (body.path === null) return null;
  try {
    await Deno.link(body.path, path);
  } catch {
    return null;
  }
  const file = await Deno.open(path, { read: true, write: true });
  if (file.statSync().size === body.sizeBytes) return file;
  file.close();
  throw new Error("Cannot store a body of another size");
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Hash> {
  const hex = bytes.length <= HASH_HERE_BYTES
    ? createHash("sha256").update(bytes).digest("hex")
    : Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex");
  return hex as Hash;
}

async function orNull<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
