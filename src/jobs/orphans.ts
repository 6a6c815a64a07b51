import type { Blobs, ObjectKey } from "../blobs/blobs.ts";
import { ownerAddress } from "../blobs/manifest_key.ts";
import { storageTime } from "../blobs/storage_time.ts";
import { readBodyDescription } from "../lib/body_description.ts";
import { Refused } from "../lib/refused.ts";
import type { Database, Reader } from "../store/database.ts";
import { tryObjectLocks } from "../store/object_lock.ts";
import { whichAreOfThisDatabase } from "../store/orphan_sweeps.ts";
import { whichAreKnown, whichAreNeeded, whichArePending } from "../store/stored_bodies.ts";

/**
 * Younger objects are nobody's orphans. WHY a day: a body is put before the transaction that names it, and
 * imports may take long.
 */
const SETTLED_MS = 24 * 3_600_000;
/** Objects of one transaction, which holds their locks while they are removed. */
const BATCH = 200;
const TIMEOUT_MS = 60_000;
/** Objects that are asked for at once what they say of themselves. */
const INFOS_AT_ONCE = 8;

export interface OrphansOptions {
  readonly database: Database;
  /** Where bodies are for good. */
  readonly blobs: Blobs;
  /** What was put later stays. */
  readonly putBefore: Date;
}

/** Removes objects that no message needs. */
export class Orphans {
  readonly #options: OrphansOptions;

  constructor(options: OrphansOptions) {
    this.#options = options;
  }

  /**
   * Which of these may be removed without anybody having said so. WHY not all: those of accounts that the
   * database does not have, and those that say they are of messages that it never had (and then the silent ones
   * of the same account), may be all that is left of another database, or of a later state of this one.
   */
  async ours(keys: readonly ObjectKey[]): Promise<ObjectKey[]> {
    const { database } = this.#options;
    const owners = new Map(keys.map((key) => [key, ownerAddress(key)]));
    const addresses = new Set([...owners.values()].filter((address) => address !== null));
    const known = await whichAreKnown(database, [...addresses]);
    const described = await this.#describe(keys.filter((key) => known.has(owners.get(key) ?? "")));
    const silent = described.filter(({ says }) => says === null).map(({ key }) => key);
    const saying = described.flatMap(({ key, says }) => says ? [{ ...says, key }] : []);
    if (saying.length === 0) return silent;
    const own = await whichAreOfThisDatabase(database, saying);
    const strange = saying.filter(({ key }) => !own.has(key)).map(({ key }) => owners.get(key));
    return [
      ...silent.filter((key) => !strange.includes(owners.get(key))),
      ...saying.map(({ key }) => key).filter((key) => own.has(key)),
    ];
  }

  /**
   * Removes those of these that nobody needs, uploads, or has locked; answers which. Looked at and removed
   * under the lock of each object, like whatever the cleaner removes.
   */
  async remove(keys: readonly ObjectKey[]): Promise<ObjectKey[]> {
    const { database, blobs, putBefore } = this.#options;
    const removed: ObjectKey[] = [];
    for (let at = 0; at < keys.length; at += BATCH) {
      const some = keys.slice(at, at + BATCH);
      removed.push(
        ...await database.transaction(async (tx) => {
          const locked = await tryObjectLocks(tx, some);
          const orphans = await whichAreUnneeded(tx, some.filter((key) => locked.has(key)));
          if (orphans.length > 0) await blobs.deleteMany(orphans, { putBefore });
          return orphans;
        }, { timeoutMs: TIMEOUT_MS }),
      );
    }
    return removed;
  }

  /** Without those that cannot be asked now. */
  async #describe(keys: readonly ObjectKey[]) {
    const found: { key: ObjectKey; says: ReturnType<typeof readBodyDescription> }[] = [];
    for (let at = 0; at < keys.length; at += INFOS_AT_ONCE) {
      await Promise.all(
        keys.slice(at, at + INFOS_AT_ONCE).map(async (key) => {
          const info = await this.#options.blobs.info(key).catch(orNull);
          if (info) found.push({ key, says: readBodyDescription(info.metadata) });
        }),
      );
    }
    return found;
  }
}

/** What was put later may be on its message's way. null: the storage's clock is not asked. Throws `unavailable`. */
export async function settledBefore(blobs: Blobs | null, now: Date): Promise<Date> {
  // WHY the earlier one: of two clocks one may be ahead, and to that one everything is old.
  const time = Math.min(now.getTime(), blobs ? (await storageTime(blobs)).getTime() : Infinity);
  return new Date(time - SETTLED_MS);
}

/** Which of these objects no message needs, and nobody is about to upload. */
export async function whichAreUnneeded(
  db: Pick<Reader, "query">,
  keys: readonly ObjectKey[],
): Promise<ObjectKey[]> {
  const [needed, pending] = [await whichAreNeeded(db, keys), await whichArePending(db, keys)];
  return keys.filter((key) => !needed.has(key) && !pending.has(key));
}

function orNull(error: unknown): null {
  if (error instanceof Refused) return null;
  throw error;
}
