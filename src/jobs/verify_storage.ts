import { type Blobs, isBodyKey, type Listed, type ObjectKey } from "../blobs/blobs.ts";
import { ownerAddress } from "../blobs/manifest_key.ts";
import { Fingerprints } from "../lib/fingerprints.ts";
import type { MailboxId, Uid } from "../lib/ids.ts";
import type { Database, Reader } from "../store/database.ts";
import { tryObjectLocks } from "../store/object_lock.ts";
import type { Damage, ScrubStore } from "../store/scrubs.ts";
import {
  type BodyPlace,
  neededBodies,
  type NeededBody,
  whichAreKnown,
  whichAreNeeded,
  whichArePending,
} from "../store/stored_bodies.ts";
import { readBody } from "./scrubber.ts";

/** WHY: a body is put before the transaction that names it; imports may take long. */
const SETTLED_MS = 24 * 3_600_000;
/** Messages of one statement. */
const PAGE = 1_000;
/** Keys of bodies that are missing; more of them may be counted twice. */
const TOLD_MAX = 100_000;
/** Problems that are listed; more are only counted. */
const LISTED_MAX = 1_000;

export interface VerifyOptions {
  readonly database: Database;
  readonly scrubs: ScrubStore;
  /** Where bodies are for good: no cache and no staging folder. */
  readonly blobs: Blobs;
  /** Whether an object of so many octets may hold a body of so many. */
  readonly maySize: (storedBytes: number, sizeBytes: number) => boolean;
  /** Every body is read. */
  readonly deep: boolean;
  /** Orphans are removed, damaged bodies are noted. */
  readonly fix: boolean;
  /**
   * Orphans of accounts that the database does not know are removed, too. WHY not otherwise: they may be
   * all that is left of a database that was lost.
   */
  readonly strangers?: boolean;
  /** Bodies that are looked at at once. */
  readonly concurrency: number;
  readonly now?: () => Date;
  /** So many more objects are dealt with. */
  readonly onProgress?: (objects: number) => void;
}

export interface StorageProblem {
  readonly key: string;
  readonly problem: Damage | "orphan";
}

export interface Verified {
  readonly objects: number;
  readonly messages: number;
  /** By kind. */
  readonly counts: Readonly<Record<StorageProblem["problem"], number>>;
  /** At most a thousand. */
  readonly problems: readonly StorageProblem[];
  readonly orphansRemoved: number;
}

/**
 * Compares the storage of bodies with the messages: what is missing, what nobody needs, what has another
 * size, and, reading it, what has another hash. Objects of the last day are nobody's orphans.
 *
 * @throws {Refused} `unavailable` where the storage or the database cannot be asked
 */
export async function verifyStorage(options: VerifyOptions): Promise<Verified> {
  const run = new Run(options);
  for await (const page of options.blobs.list("")) await run.objects(page);
  await run.missing();
  return run.result();
}

class Run {
  readonly #options: VerifyOptions;
  readonly #seen = new Fingerprints();
  readonly #settled: Date;
  readonly #counts = { missing: 0, orphan: 0, size: 0, hash: 0, unreadable: 0 };
  readonly #problems: StorageProblem[] = [];
  /** Keys that the listing did not have, and that were looked at. */
  readonly #told = new Set<string>();
  #objects = 0;
  #messages = 0;
  #removed = 0;

  constructor(options: VerifyOptions) {
    this.#options = options;
    const { now = () => new Date() } = options;
    this.#settled = new Date(now().getTime() - SETTLED_MS);
  }

  /** A page of the storage's listing. */
  async objects(page: readonly Listed[]): Promise<void> {
    const { database, maySize, deep, onProgress } = this.#options;
    const bodies = page.filter(({ key }) => isBodyKey(key));
    for (const { key } of bodies) this.#seen.add(key);
    const needed = await whichAreNeeded(database, bodies.map(({ key }) => key));
    await this.#each(bodies, async ({ key, sizeBytes }) => {
      const body = needed.get(key);
      if (body && (deep || !maySize(sizeBytes, body.sizeBytes))) await this.#look(body);
    });
    await this.#orphans(
      bodies.filter(({ key, modifiedAt }) => !needed.has(key) && modifiedAt < this.#settled)
        .map(({ key }) => key as ObjectKey),
    );
    this.#objects += bodies.length;
    onProgress?.(bodies.length);
  }

  /** Bodies that the listing did not have. */
  async missing(): Promise<void> {
    let place: BodyPlace | null = { mailbox: 0 as MailboxId, uid: 0 as Uid };
    while (place) {
      const { bodies, next } = await neededBodies(this.#options.database, place, PAGE);
      this.#messages += bodies.length;
      const unseen = new Map(
        bodies.filter(({ key }) => !this.#seen.has(key) && !this.#told.has(key))
          .map((body) => [body.key, body]),
      );
      await this.#each([...unseen.values()], (body) => this.#look(body));
      // WHY: a body of several messages is looked at once, as long as that can be remembered.
      if (this.#told.size > TOLD_MAX) this.#told.clear();
      for (const key of unseen.keys()) this.#told.add(key);
      place = next;
    }
  }

  result(): Verified {
    return {
      objects: this.#objects,
      messages: this.#messages,
      counts: this.#counts,
      problems: this.#problems,
      orphansRemoved: this.#removed,
    };
  }

  async #look(body: NeededBody): Promise<void> {
    const { database, blobs, scrubs, fix } = this.#options;
    const { key, accountId } = body;
    const damage = await readBody(blobs, { ...body, objectKey: key });
    if (damage === null) return;
    // WHY again: it may be on its way to the object store, or have been purged meanwhile.
    if ((await whichArePending(database, [key])).size > 0) return;
    if (!(await whichAreNeeded(database, [key])).has(key)) return;
    this.#tell(key, damage);
    if (fix && accountId !== null) await scrubs.report({ objectKey: key, accountId }, damage);
  }

  async #orphans(keys: readonly ObjectKey[]): Promise<void> {
    const { database, fix } = this.#options;
    if (keys.length === 0) return;
    const removable = fix ? await this.#ofKnownAccounts(keys) : new Set<ObjectKey>();
    const kept = await unneeded(database, keys.filter((key) => !removable.has(key)));
    const removed = removable.size > 0
      ? await database.transaction((tx) => this.#remove(tx, [...removable]))
      : [];
    this.#removed += removed.length;
    for (const key of [...kept, ...removed]) this.#tell(key, "orphan");
  }

  async #ofKnownAccounts(keys: readonly ObjectKey[]): Promise<ReadonlySet<ObjectKey>> {
    const { database, strangers = false } = this.#options;
    if (strangers) return new Set(keys);
    const owners = new Map(keys.map((key) => [key, ownerAddress(key)]));
    const addresses = new Set([...owners.values()].filter((address) => address !== null));
    const known = await whichAreKnown(database, [...addresses]);
    return new Set(keys.filter((key) => known.has(owners.get(key) ?? "")));
  }

  /** WHY locked: nobody may upload one meanwhile. */
  async #remove(
    tx: Parameters<typeof tryObjectLocks>[0],
    keys: readonly ObjectKey[],
  ): Promise<ObjectKey[]> {
    const locked = await tryObjectLocks(tx, keys);
    const orphans = await unneeded(tx, keys.filter((key) => locked.has(key)));
    await this.#options.blobs.deleteMany(orphans, { putBefore: this.#settled });
    return orphans;
  }

  #tell(key: string, problem: StorageProblem["problem"]): void {
    this.#counts[problem]++;
    if (this.#problems.length < LISTED_MAX) this.#problems.push({ key, problem });
  }

  async #each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
    const waiting = [...items];
    const worker = async () => {
      for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
    };
    await Promise.all(Array.from({ length: this.#options.concurrency }, worker));
  }
}

async function unneeded(
  db: Pick<Reader, "query">,
  keys: readonly ObjectKey[],
): Promise<ObjectKey[]> {
  const [needed, pending] = [await whichAreNeeded(db, keys), await whichArePending(db, keys)];
  return keys.filter((key) => !needed.has(key) && !pending.has(key));
}
