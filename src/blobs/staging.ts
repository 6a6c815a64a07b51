import { createHash } from "node:crypto";
import { Refused } from "../lib/refused.ts";
import { SharedCounts } from "../lib/shared_counts.ts";
import { type Log, logger } from "../observe/log.ts";
import { AsideFolder } from "./aside_folder.ts";
import { hashOf, type ObjectKey } from "./blobs.ts";
import { DiskBlobs } from "./disk_blobs.ts";
import { DiskNames } from "./disk_names.ts";
import { FolderSync } from "./folder_sync.ts";
import { hashOfFile } from "./hash_of_file.ts";
import { orNull } from "./or_null.ts";
import type { Spooled } from "./spool.ts";
import { MemorySpooled, readFrom } from "./spooled.ts";

/** What is counted of a staging folder by all who use it. */
export const STAGING_COUNTS = ["bytes"] as const;
export type StagingCounts = SharedCounts<typeof STAGING_COUNTS[number]>;

/** Staged bodies up to this size are in memory while they are uploaded. */
const MEMORY_MAX_BYTES = 1024 * 1024;
/** Where files are while it is made sure that they may go, in folders of each process's own. */
const LEAVING_FOLDER = "leaving";

export interface StagingOptions {
  readonly directory: string;
  /** Octets of all files; 0 = no limit. */
  readonly maxBytes: number;
  readonly counts?: StagingCounts;
  readonly log?: Log;
}

/** A staged body. */
export interface StagedFile {
  readonly key: ObjectKey;
  readonly path: string;
  readonly sizeBytes: number;
  /** When it was put for the last time, in milliseconds since 1970. */
  readonly putAt: number;
}

/** Bodies on their way to the object store, durable on this machine's disk. */
export class Staging {
  readonly directory: string;
  readonly counts: StagingCounts;
  readonly #disk: DiskBlobs;
  readonly #names: DiskNames;
  readonly #maxBytes: number;
  /** WHY of our own: what another has taken aside at the same time must not be taken for what we have. */
  readonly #leavingFolder: string;
  readonly #leaving = new Set<ObjectKey>();
  readonly #folders = new FolderSync();

  constructor({ directory, maxBytes, counts, log }: StagingOptions) {
    this.directory = directory;
    this.counts = counts ?? new SharedCounts(STAGING_COUNTS);
    this.#maxBytes = maxBytes;
    this.#leavingFolder = `${directory}/${LEAVING_FOLDER}/${crypto.randomUUID()}`;
    this.#disk = new DiskBlobs(directory, { log: log ?? logger("staging") });
    this.#names = new DiskNames(directory);
  }

  /** Stages a body, also one that is there: its age begins anew. Throws `storage-full`, `unavailable`. */
  async put(key: ObjectKey, body: Spooled): Promise<void> {
    this.#makeSureOfRoom(body.sizeBytes);
    // WHY: the file itself may be linked, and be as old as a slow client made it.
    if (body.path !== null) await touch(body.path);
    await orFull(this.#disk.put(key, body));
    this.counts.add("bytes", body.sizeBytes);
  }

  get(key: ObjectKey): Promise<Uint8Array | null> {
    return this.#disk.get(key);
  }

  range(
    key: ObjectKey,
    start: number,
    end: number,
    into?: Uint8Array,
  ): Promise<Uint8Array | null> {
    return this.#disk.range(key, start, end, into);
  }

  size(key: ObjectKey): Promise<number | null> {
    return this.#disk.size(key);
  }

  /**
   * A staged body to be uploaded, after its size and hash were looked at; null when there is none.
   * It stays when it is discarded. Throws when it is not the body that it should be.
   */
  async open(key: ObjectKey, sizeBytes: number): Promise<Spooled | null> {
    const path = this.#names.path(key);
    const found = await this.#disk.size(key);
    if (found === null) return null;
    const hash = hashOf(key);
    if (found !== sizeBytes) throw damaged(`${found} octets instead of ${sizeBytes}`);
    if (sizeBytes <= MEMORY_MAX_BYTES) {
      const bytes = await Deno.readFile(path);
      const actual = createHash("sha256").update(bytes).digest("hex");
      if (actual !== hash || bytes.length !== sizeBytes) throw damaged("another hash");
      return new MemorySpooled({ hash, receivedHash: hash, bytes, prefixBytes: 0 });
    }
    if (await hashOfFile(path, sizeBytes) !== hash) throw damaged("another hash");
    return {
      hash,
      receivedHash: hash,
      sizeBytes,
      bytes: null,
      path: null, // WHY: whoever stores it must not link a file that others read.
      chunks: () => readFrom(path, 0, sizeBytes),
      withPrefix: () => Promise.reject(new Error("Cannot put a prefix in front of a staged body")),
      discard: async () => {},
    };
  }

  /** Every staged body. */
  async *files(): AsyncGenerator<StagedFile> {
    for await (const { key, path } of this.#names.all()) {
      const info = await orNull(Deno.stat(path));
      if (!info) continue;
      // WHY: without a time it cannot be old.
      const putAt = info.mtime?.getTime() ?? Infinity;
      yield { key, path, sizeBytes: info.size, putAt };
    }
  }

  /**
   * Removes a body that was put before `limit` for the last time, or lets `adopt` move its file away;
   * true when it is gone. A body that is put meanwhile stays, whatever happens to us, and whoever else
   * removes it.
   */
  async removeOld(
    file: Pick<StagedFile, "key" | "sizeBytes">,
    limit: number,
    adopt?: (path: string) => Promise<boolean>,
  ): Promise<boolean> {
    if (this.#leaving.has(file.key)) return false;
    this.#leaving.add(file.key);
    try {
      return await this.#removeOld(file, limit, adopt);
    } finally {
      this.#leaving.delete(file.key);
      if (this.#leaving.size === 0) await Deno.remove(this.#leavingFolder).catch(() => {});
    }
  }

  async #removeOld(
    { key, sizeBytes }: Pick<StagedFile, "key" | "sizeBytes">,
    limit: number,
    adopt: ((path: string) => Promise<boolean>) | undefined,
  ): Promise<boolean> {
    await Deno.mkdir(this.#leavingFolder, { recursive: true, mode: 0o700 });
    const aside = new AsideFolder(this.#leavingFolder, this.#folders);
    const isGone = await aside.removeOld(this.#names.path(key), limit, adopt);
    if (isGone) this.counts.add("bytes", -sizeBytes);
    return isGone;
  }

  /** Puts back what was taken aside when a process was killed. To be called before `removeOld`. */
  async recover(): Promise<void> {
    const leaving = `${this.directory}/${LEAVING_FOLDER}`;
    const processes = await orNull(Array.fromAsync(Deno.readDir(leaving))) ?? [];
    for (const { name } of processes) {
      const folder = `${leaving}/${name}`;
      // WHY: whoever has taken it aside may live, and be done with it, or just put something there.
      await new AsideFolder(folder, this.#folders).recover(this.directory);
      await Deno.remove(folder).catch(() => {});
    }
  }

  #makeSureOfRoom(sizeBytes: number): void {
    if (this.#maxBytes === 0 || this.counts.get("bytes") + sizeBytes <= this.#maxBytes) return;
    throw new Refused({ kind: "storage-full" });
  }
}

function damaged(what: string): Error {
  return new Error(`Cannot upload a damaged file: ${what}`);
}

async function touch(path: string): Promise<void> {
  const now = new Date();
  await Deno.utime(path, now, now);
}

async function orFull(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw asFull(error);
  }
}

/** A disk without room is no trouble that anybody has to look into. */
function asFull(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : null;
  const code = cause instanceof Error && "code" in cause ? cause.code : null;
  return code === "ENOSPC" || code === "EDQUOT"
    ? new Refused({ kind: "storage-full" }, { cause: error })
    : error;
}
