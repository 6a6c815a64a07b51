import { type Blobs, isBodyKey, type Listed, type ObjectKey } from "../blobs/blobs.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Database } from "../store/database.ts";
import type { OrphanSweepStore } from "../store/orphan_sweeps.ts";
import { whichAreNeeded } from "../store/stored_bodies.ts";
import { Orphans, settledBefore } from "./orphans.ts";

/** Pages of the listing in one round of the cleaner; the next one goes on. WHY: mail is to be purged, too. */
const PAGES_MAX = 500;
/**
 * A page of which more than half, and at least so many objects would go, is left to somebody who looks at it.
 * WHY: a crash leaves a few; so many are what another database has had.
 */
const SUSPECT_MIN = 50;

export interface OrphanSweepOptions {
  readonly database: Database;
  readonly sweeps: OrphanSweepStore;
  /** Where bodies are for good. */
  readonly permanent: Blobs;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** What one round has done. */
export interface Swept {
  objects: number;
  removed: number;
  /** Nobody needs them, and they may be what is left of another database. */
  strange: number;
}

/**
 * Goes through the listing of the storage, page by page, and removes what no message needs: what a crash has
 * left between a PUT and the commit. To be run by one node at a time.
 */
export class OrphanSweep {
  readonly #options: OrphanSweepOptions;
  readonly #pause: () => Promise<void>;

  /** `pause`: between two pages; throws when it has to end. */
  constructor(options: OrphanSweepOptions, pause: () => Promise<void>) {
    this.#options = options;
    this.#pause = pause;
  }

  /** Does nothing when the last one ended less than `intervalMs` ago. Throws `unavailable`. */
  async run(intervalMs: number, now: Date): Promise<Swept> {
    const { database, sweeps, permanent: blobs, log, metrics } = this.#options;
    const swept = { objects: 0, removed: 0, strange: 0 };
    const place = await sweeps.due(intervalMs);
    if (place === null) return swept;
    const putBefore = await settledBefore(blobs, now);
    const orphans = new Orphans({ database, blobs, putBefore });
    let pages = 0;
    let isDone = true;
    for await (const page of blobs.list("", place)) {
      await this.#pause();
      await this.#page(page, { orphans, putBefore, swept });
      const last = page.at(-1);
      if (last) await sweeps.advance(last.key);
      isDone = ++pages < PAGES_MAX;
      if (!isDone) break;
    }
    if (isDone) {
      await sweeps.finish();
      metrics.cleanupOrphansLastSweep.set(Date.now() / 1000);
    }
    log.info("orphans-looked-for", { ...swept, isDone });
    return swept;
  }

  async #page(
    page: readonly Listed[],
    { orphans, putBefore, swept }: {
      readonly orphans: Orphans;
      readonly putBefore: Date;
      readonly swept: Swept;
    },
  ): Promise<void> {
    const { database, log, metrics } = this.#options;
    const old = page.filter(({ key, modifiedAt }) => isBodyKey(key) && modifiedAt < putBefore)
      .map(({ key }) => key as ObjectKey);
    swept.objects += page.length;
    if (old.length === 0) return;
    const needed = await whichAreNeeded(database, old);
    const unneeded = old.filter((key) => !needed.has(key));
    if (unneeded.length === 0) return;
    const ours = await orphans.ours(unneeded);
    const isSuspect = ours.length >= SUSPECT_MIN && ours.length > old.length / 2;
    if (isSuspect) log.warning("orphans-too-many", { objects: ours.length, of: old.length });
    const removed = isSuspect ? [] : await orphans.remove(ours);
    swept.strange += unneeded.length - (isSuspect ? 0 : ours.length);
    swept.removed += removed.length;
    metrics.cleanupRemovedTotal.inc({ kind: "orphan" }, removed.length);
    for (const key of removed) log.debug("orphan-removed", { key });
  }
}
