import type { Blobs, ObjectKey } from "../blobs/blobs.ts";
import type { StagedFile } from "../blobs/staging.ts";
import { Refused } from "../lib/refused.ts";
import { Turns } from "../lib/turns.ts";
import type { Log } from "../observe/log.ts";
import type { Database } from "../store/database.ts";
import { tryObjectLocks } from "../store/object_lock.ts";
import { recordPending } from "../store/record_pending.ts";
import { whichAreNeeded, whichArePending } from "../store/stored_bodies.ts";

/** Requests to the object store at once. */
const LOOKS_AT_ONCE = 8;

export interface StagedBodiesOptions {
  readonly db: Database;
  /** Where bodies are for good. */
  readonly remote: Pick<Blobs, "exists">;
  readonly instanceId: string;
  readonly log: Log;
}

/** Knows which staged bodies this machine may forget. */
export class StagedBodies {
  readonly #options: StagedBodiesOptions;

  constructor(options: StagedBodiesOptions) {
    this.#options = options;
  }

  /**
   * Those that the object store has now, and those that no message needs. WHY asked when they are to go: a
   * DELETE that we gave up long ago may have been carried out after the upload. Such a body is uploaded again.
   */
  async mayGo(files: readonly StagedFile[]): Promise<ReadonlySet<ObjectKey>> {
    const pending = await whichArePending(this.#options.db, files.map(({ key }) => key));
    const uploaded = files.filter(({ key }) => !pending.has(key));
    const found = await this.#find(uploaded);
    const gone = uploaded.filter(({ key }) => found.get(key) === false);
    const kept = gone.length > 0 ? await this.#uploadAgain(gone) : new Set<ObjectKey>();
    return new Set(
      uploaded.map(({ key }) => key).filter((key) => found.has(key) && !kept.has(key)),
    );
  }

  /** Whether the object store has them; without those that nobody knows of, as it is in trouble. */
  async #find(files: readonly StagedFile[]): Promise<ReadonlyMap<ObjectKey, boolean>> {
    const found = new Map<ObjectKey, boolean>();
    const turns = new Turns(LOOKS_AT_ONCE);
    let isInTrouble = false;
    await Promise.all(files.map(({ key }) =>
      turns.run(async () => {
        if (isInTrouble) return;
        try {
          found.set(key, await this.#options.remote.exists(key));
        } catch (error) {
          if (!(error instanceof Refused)) throw error;
          isInTrouble = true;
        }
      })
    ));
    return found;
  }

  /** Those that some message needs, or of which nobody can say now whether one does. */
  async #uploadAgain(files: readonly StagedFile[]): Promise<ReadonlySet<ObjectKey>> {
    const { db, instanceId, log } = this.#options;
    return await db.transaction(async (tx) => {
      const keys = files.map(({ key }) => key);
      const locked = await tryObjectLocks(tx, keys);
      const needed = await whichAreNeeded(tx, keys);
      const kept = new Set(keys.filter((key) => needed.has(key) || !locked.has(key)));
      const again = files.filter(({ key }) => locked.has(key) && needed.get(key)?.accountId);
      for (const [account, theirs] of Map.groupBy(again, ({ key }) => needed.get(key)?.accountId)) {
        if (!account) continue;
        const uploads = theirs.map(({ key: objectKey, sizeBytes }) => {
          log.error("uploaded-body-gone", { key: objectKey });
          return { objectKey, sizeBytes, instanceId, body: null };
        });
        await recordPending(tx, account, uploads);
      }
      return kept;
    });
  }
}
