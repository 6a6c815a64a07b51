import type { MailboxId, Modseq, Uid } from "../../lib/ids.ts";
import { Refused } from "../../lib/refused.ts";
import type { Change, MessageState, MessageStore } from "../../store/messages.ts";
import { FlagRing } from "./flag_ring.ts";
import { lastUid, type UidList } from "./uid_list.ts";

/** What a map asks the store; both throw `gone` when the mailbox has been deleted. */
export type MapSource = Pick<MessageStore, "uids" | "changes">;

/** A mailbox as it was at `modseq`: everything up to there and nothing later. */
export interface Snapshot extends UidList {
  readonly modseq: Modseq;
}

/** WHY: so many rows are read, and applied, without holding the event loop. */
const CHANGES_PER_PAGE = 2_000;

/**
 * WHY: a notice needs a few ms and can be lost; a session that asks later than this after the last
 * look gets a look of its own, one for all sessions.
 */
const TRUST_MS = 1_000;

/** Room for new mail, so that most arrivals cost no copy: a few, or a sixteenth of the mailbox. */
const SPARE_MIN = 16;
const SPARE_SHARE = 16;

/**
 * The UIDs of one mailbox, shared by all sessions of a worker that have it open. It follows the
 * store by change notices; each session (`View`) keeps what it has told its client.
 */
export class UidMap {
  readonly #source: MapSource;
  readonly #listeners = new Set<() => void>();
  readonly #ring: FlagRing;
  #now: Snapshot;
  #gone = false;
  /** The next refresh asks, whatever has been heard. */
  #distrusted = false;
  /** Something happened up to here, according to a notice. */
  #noticed = 0;
  #lookedAtMs = performance.now();
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  private constructor(readonly mailbox: MailboxId, source: MapSource, first: Snapshot) {
    this.#source = source;
    this.#now = first;
    this.#ring = new FlagRing(first.modseq);
  }

  /** Reads the whole list of UIDs. */
  static async load(mailbox: MailboxId, source: MapSource): Promise<UidMap> {
    const { uids, modseq } = await source.uids(mailbox);
    return new UidMap(mailbox, source, { uids, count: uids.length, generation: 1, modseq });
  }

  /** The mailbox as of the last refresh. The same object until something changes. */
  get now(): Snapshot {
    return this.#now;
  }

  /** True once the mailbox has been deleted by somebody. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Memory held by the list. */
  get bytes(): number {
    return this.#now.uids.byteLength;
  }

  /** Flag changes after `modseq`; null when that is too long ago and the store must be asked. */
  flagsSince(modseq: Modseq): ReturnType<FlagRing["since"]> {
    return this.#ring.since(modseq);
  }

  /** The mailbox has just been seen at `modseq`. */
  confirm(modseq: Modseq): void {
    if (modseq <= this.#now.modseq) this.#lookedAtMs = performance.now();
    else this.notice(modseq);
  }

  /**
   * Something may have happened up to `modseq`; null means anything. `arrived`: all that happened at
   * it, so that nobody has to be asked if that is the only news. Tells the listeners.
   */
  notice(modseq: Modseq | null, arrived?: readonly Uid[]): void {
    if (modseq !== null && modseq <= this.#now.modseq) return;
    if (modseq === null) this.#distrusted = true;
    else if (arrived && modseq === this.#now.modseq + 1) {
      const state = { flags: 0, keywords: [], modseq, expunged: false };
      this.#apply(arrived.map((uid) => ({ ...state, uid })), modseq);
    } else this.#noticed = Math.max(this.#noticed, modseq);
    for (const listener of this.#listeners) listener();
  }

  /** The mailbox has been deleted: there is nothing to follow any more. */
  markGone(): void {
    this.#gone = true;
    for (const listener of this.#listeners) listener();
  }

  /** The next `refresh` asks the store even when no notice has come. */
  distrust(): void {
    this.#distrusted = true;
  }

  /**
   * What a session of this worker has just changed, all of it, at `modseq`. If nothing else has
   * happened since the last refresh, the map is up to date without asking.
   */
  absorb(modseq: Modseq, changes: readonly Change[]): void {
    if (modseq === this.#now.modseq + 1) this.#apply(changes, modseq);
    else this.notice(modseq);
  }

  /** The same for a STORE, which may be of very many messages: no UID comes or goes. */
  absorbFlags(modseq: Modseq, states: readonly MessageState[]): void {
    if (modseq !== this.#now.modseq + 1) return this.notice(modseq);
    this.#ring.push(FlagRing.last(states).map((state) => ({ ...state, expunged: false })));
    this.#now = { ...this.#now, modseq };
  }

  /** Calls `listener` after each notice that brings news, until the returned function is called. */
  onNotice(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Catches up with the store; free when nothing has happened. One query for all who wait. */
  refresh(): Promise<void> {
    if (this.#gone || !this.#isStale) return this.#running ?? Promise.resolve();
    // WHY: a query that is under way may have begun before the change that made the map stale.
    if (this.#running) return this.#next ??= this.#afterRunning(this.#running);
    return this.#running = this.#load().finally(() => this.#running = undefined);
  }

  get #isStale(): boolean {
    return this.#distrusted || this.#noticed > this.#now.modseq ||
      performance.now() - this.#lookedAtMs >= TRUST_MS;
  }

  async #afterRunning(running: Promise<void>): Promise<void> {
    await running.catch(() => {}); // WHY: its own waiters are told; this one tries again.
    this.#next = undefined;
    await this.refresh();
  }

  async #load(): Promise<void> {
    const noticed = this.#noticed;
    this.#distrusted = false;
    this.#lookedAtMs = performance.now();
    try {
      const latest = new Map<Uid, Change>();
      for await (const page of changesSince(this.#source, this.mailbox, this.#now.modseq)) {
        // WHY: a message may change again while pages are read, and only its last state is true.
        for (const change of page) latest.delete(change.uid), latest.set(change.uid, change);
      }
      const changes = [...latest.values()];
      // WHY: all at once, as an older message that changed again comes on a later page.
      if (changes.length > 0) this.#apply(changes, changes.at(-1)?.modseq ?? this.#now.modseq);
      // WHY: some notices come without any change here, as that of another user's \Seen; what they
      // announced was committed before this look.
      if (noticed > this.#now.modseq) this.#now = { ...this.#now, modseq: noticed as Modseq };
      if (this.#noticed === noticed) this.#noticed = 0;
    } catch (error) {
      this.#gone = error instanceof Refused && error.refusal.kind === "gone";
      this.#distrusted = !this.#gone;
      if (!this.#gone) throw error;
    }
  }

  /** `changes` are all that happened up to `modseq` since some earlier moment. */
  #apply(changes: readonly Change[], modseq: Modseq): void {
    const before = this.#now;
    // WHY: what a session has told us already may come again with a query that was under way.
    if (modseq <= before.modseq) return;
    const last = lastUid(before);
    const gone = new Set<number>();
    const added: number[] = [];
    const changed: Change[] = [];
    for (const change of changes) {
      if (change.modseq <= before.modseq) continue;
      if (change.uid <= last) change.expunged ? gone.add(change.uid) : changed.push(change);
      else if (!change.expunged) added.push(change.uid);
    }
    const kept = gone.size === 0 ? before : without(before, gone);
    this.#now = { ...withMore(kept, added.sort((a, b) => a - b)), modseq };
    this.#ring.push(changed);
  }
}

/** All changes after `since`, in pages that each end where a MODSEQ ends. */
export async function* changesSince(
  source: Pick<MessageStore, "changes">,
  mailbox: MailboxId,
  since: Modseq,
): AsyncGenerator<readonly Change[]> {
  for (let at = since;;) {
    const page = await source.changes(mailbox, at, CHANGES_PER_PAGE);
    const last = page.at(-1);
    if (!last) return;
    yield page;
    if (page.length < CHANGES_PER_PAGE) return;
    at = last.modseq;
  }
}

/** A new list, as the old one belongs to every session that has not told its client yet. */
function without(list: UidList, gone: ReadonlySet<number>): UidList {
  const uids = new Uint32Array(list.count + spareFor(list.count));
  let count = 0;
  for (let i = 0; i < list.count; i++) {
    const uid = list.uids[i] ?? 0;
    if (!gone.has(uid)) uids[count++] = uid;
  }
  return count === list.count ? list : { uids, count, generation: list.generation + 1 };
}

/** In place where there is room: nobody looks behind the count of an older list. */
function withMore(list: UidList, added: readonly number[]): UidList {
  if (added.length === 0) return list;
  let { uids } = list;
  const count = list.count + added.length;
  if (count > uids.length) {
    uids = new Uint32Array(count + spareFor(count));
    uids.set(list.uids.subarray(0, list.count));
  }
  uids.set(added, list.count);
  return { uids, count, generation: list.generation };
}

function spareFor(count: number): number {
  return SPARE_MIN + Math.floor(count / SPARE_SHARE);
}
