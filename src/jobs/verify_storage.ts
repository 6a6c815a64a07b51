import { type Blobs, isBodyKey, type Listed, type ObjectKey } from "../blobs/blobs.ts";
import { Fingerprints } from "../lib/fingerprints.ts";
import type { MailboxId, Uid } from "../lib/ids.ts";
import type { Database } from "../store/database.ts";
import { tryObjectLocks } from "../store/object_lock.ts";
import type { Damage, ScrubStore } from "../store/scrubs.ts";
import {
  type BodyPlace,
  neededBodies,
  type NeededBody,
  whichAreNeeded,
  whichArePending,
} from "../store/stored_bodies.ts";
import { type LocalBodies, localBody } from "./local_body.ts";
import { Orphans, settledBefore, whichAreUnneeded } from "./orphans.ts";
import { readBody } from "./read_body.ts";

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
  /** Orphans are removed, damaged bodies are put back where `local` has them, and noted otherwise. */
  readonly fix: boolean;
  /** What this machine has of the bodies; null: nothing else than `blobs`. */
  readonly local?: LocalBodies | null;
  /** What an object that is put back is to say of itself. */
  readonly describe?: (key: string) => Promise<Readonly<Record<string, string>>>;
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
  /** It is gone: an orphan was removed, a body was put back. */
  readonly isFixed: boolean;
}

export interface Verified {
  readonly objects: number;
  readonly messages: number;
  /** By kind. */
  readonly counts: Readonly<Record<StorageProblem["problem"], number>>;
  /** At most a thousand. */
  readonly problems: readonly StorageProblem[];
  readonly orphansRemoved: number;
  readonly bodiesPutBack: number;
}

/**
 * Compares the storage of bodies with the messages: what is missing, what nobody needs, what has another
 * size, and, reading it, what has another hash. Objects of the last day are nobody's orphans.
 *
 * @throws {Refused} `unavailable` where the storage or the database cannot be asked
 */
export async function verifyStorage(options: VerifyOptions): Promise<Verified> {
  const { blobs, fix, now = () => new Date() } = options;
  // WHY only with a fix: else nothing is written into the storage.
  const putBefore = await settledBefore(fix ? blobs : null, now());
  const run = new Run(options, putBefore);
  for await (const page of options.blobs.list("")) await run.objects(page);
  await run.missing();
  return run.result();
}

class Run {
  readonly #options: VerifyOptions;
  readonly #seen = new Fingerprints();
  readonly #settled: Date;
  readonly #orphanage: Orphans;
  readonly #counts = { missing: 0, orphan: 0, size: 0, hash: 0, unreadable: 0 };
  readonly #problems: StorageProblem[] = [];
  /** Keys that the listing did not have, and that were looked at. */
  readonly #told = new Set<string>();
  #objects = 0;
  #messages = 0;
  #removed = 0;
  #putBack = 0;

  constructor(options: VerifyOptions, putBefore: Date) {
    this.#options = options;
    this.#settled = putBefore;
    this.#orphanage = new Orphans({ ...options, putBefore });
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
      bodiesPutBack: this.#putBack,
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
    const isFixed = fix && await this.#repair(body);
    if (isFixed) this.#putBack++;
    this.#tell(key, damage, isFixed);
    if (!fix || accountId === null) return;
    await scrubs.report({ objectKey: key, accountId }, isFixed ? null : damage);
  }

  /** Puts a body back that is here. WHY locked: somebody may be about to remove it. */
  async #repair(body: NeededBody): Promise<boolean> {
    const { database, blobs, local, describe } = this.#options;
    const key = body.key as ObjectKey;
    const wanted = { ...body, objectKey: key };
    const found = local ? await localBody(local, { ...wanted, hasBody: true }) : null;
    const here = found?.body;
    if (!here) return false;
    const metadata = await describe?.(key) ?? {};
    return await database.transaction(async (tx) => {
      if (!(await tryObjectLocks(tx, [key])).has(key)) return false;
      if (!(await whichAreNeeded(tx, [key])).has(key)) return false;
      await blobs.put(key, here, { metadata, overwrite: true });
      return await readBody(blobs, wanted) === null;
    });
  }

  async #orphans(keys: readonly ObjectKey[]): Promise<void> {
    const { database, fix, strangers = false } = this.#options;
    if (keys.length === 0) return;
    const removable = new Set(fix ? strangers ? keys : await this.#orphanage.ours(keys) : []);
    const kept = await whichAreUnneeded(database, keys.filter((key) => !removable.has(key)));
    const removed = await this.#orphanage.remove([...removable]);
    this.#removed += removed.length;
    for (const key of kept) this.#tell(key, "orphan", false);
    for (const key of removed) this.#tell(key, "orphan", true);
  }

  #tell(key: string, problem: StorageProblem["problem"], isFixed: boolean): void {
    this.#counts[problem]++;
    if (this.#problems.length < LISTED_MAX) this.#problems.push({ key, problem, isFixed });
  }

  async #each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
    const waiting = [...items];
    const worker = async () => {
      for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
    };
    await Promise.all(Array.from({ length: this.#options.concurrency }, worker));
  }
}
