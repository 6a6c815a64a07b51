import type { Modseq, Uid } from "../../lib/ids.ts";
import { NumberSet } from "../../lib/number_set.ts";
import { Refused } from "../../lib/refused.ts";
import type { UidSet } from "../../store/uid_set.ts";
import type { Replies } from "../replies.ts";
import type { SessionMemory } from "../session_memory.ts";
import { renderQuoted } from "../wire/quote.ts";
import { lastUid } from "./uid_list.ts";
import { changesSince, type Snapshot, type UidMap } from "./uid_map.ts";
import type { View } from "./view.ts";

/** RFC 5267 §4.3.1: at least one. WHY: each is a search of its own whenever something changes. */
const CONTEXTS_MAX = 16;
/** WHY: whoever is told without asking can wait so long for what happens meanwhile. */
const UNASKED_PAUSE_MS = 200;
/** So many times as long as the last look took is the pause before the next one, unless asked. */
const PAUSE_SHARE = 4;
/** RFC 5032 §2: what comes of age is looked for when it is convenient. */
const AGING_MS = 60_000;

/** What may have changed the results of searches since the last look. */
export interface News {
  /** New messages, which the client has just been told of; the range may span others' gaps. */
  readonly arrived: UidSet;
  /** Messages whose flags have changed. */
  readonly changed: UidSet;
}

/** A search whose result the client keeps, and is told the changes of: RFC 5267 §4.3. */
export interface LiveResult {
  readonly tag: string;
  /** What it holds in memory. */
  readonly sizeBytes: number;
  /** Time alone changes it. */
  readonly ages: boolean;
  /** These messages are gone; tells the client, which still has them. */
  remove(gone: UidSet): Promise<void>;
  /** Looks at these messages again; tells the client. Throws `limit` when it cannot go on. */
  update(news: News): Promise<void>;
}

/** What the results of one session are kept with. */
export interface Keeper {
  readonly reply: Replies;
  readonly memory: Pick<SessionMemory, "hold">;
}

/** All results that one client keeps of its selected mailbox; they end with that state. */
export class Contexts implements Disposable {
  readonly #view: View;
  readonly #map: Pick<UidMap, "flagsSince">;
  readonly #live = new Map<string, LiveResult>();
  readonly #listeners = new Set<() => void>();
  #keeper: Keeper | undefined;
  /** Flag changes up to here have been looked at. */
  #since = 0 as Modseq;
  /** New messages up to here have been looked at. */
  #lastUid = 0;
  #lookedAtMs = 0;
  #restsUntilMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(view: View, map: Pick<UidMap, "flagsSince">) {
    this.#view = view;
    this.#map = map;
  }

  get isEmpty(): boolean {
    return this.#live.size === 0;
  }

  has(tag: string): boolean {
    return this.#live.has(tag);
  }

  /**
   * Keeps a result that was found just now. When that cannot be, the client is told so: RFC 5267
   * §4.3.1 NOUPDATE.
   */
  add(live: LiveResult, keeper: Keeper): void {
    this.#keeper = keeper;
    if (this.#live.size >= CONTEXTS_MAX) return this.#refuse(live.tag, "Too many contexts");
    if (this.isEmpty) {
      this.#since = this.#view.highestModseq;
      this.#lastUid = lastUid(this.#view.list);
      this.#lookedAtMs = performance.now();
    }
    this.#live.set(live.tag, live);
    this.#charge(live);
  }

  /** Nothing more is told of the result of this command. */
  cancel(tag: string): void {
    this.#live.delete(tag);
    this.#hold();
  }

  /** Calls `listener` when `tell` has something to say that it put off, until the result is called. */
  onDue(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** RFC 5267 §4.3.4: what is gone is told before its EXPUNGE. */
  async tellGone(gone: UidSet): Promise<void> {
    if (gone.isEmpty) return;
    for (const live of this.#live.values()) await live.remove(gone);
    this.#hold();
  }

  /** Brings the results up to `now`; with `unasked` perhaps only some time later. */
  async tell(now: Snapshot, { unasked }: { readonly unasked: boolean }): Promise<void> {
    const startedAtMs = performance.now();
    if (this.isEmpty || !this.#isBehind(now, startedAtMs)) return;
    if (unasked && startedAtMs < this.#restsUntilMs) {
      return this.#wakeIn(this.#restsUntilMs - startedAtMs);
    }
    const last = Math.max(this.#lastUid, lastUid(this.#view.list));
    const news = {
      arrived: NumberSet.of<Uid>(
        last > this.#lastUid ? [[this.#lastUid + 1 as Uid, last as Uid]] : [],
      ),
      changed: await this.#changed(this.#lastUid),
    };
    for (const live of this.#live.values()) await this.#update(live, news);
    this.#since = now.modseq;
    this.#lastUid = last;
    const endedAtMs = performance.now();
    this.#lookedAtMs = endedAtMs;
    this.#restsUntilMs = endedAtMs +
      Math.max(UNASKED_PAUSE_MS, PAUSE_SHARE * (endedAtMs - startedAtMs));
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#live.clear();
    this.#listeners.clear();
    this.#hold();
  }

  #isBehind(now: Snapshot, nowMs: number): boolean {
    if (now.modseq > this.#since || lastUid(this.#view.list) > this.#lastUid) return true;
    const isLong = nowMs - this.#lookedAtMs >= AGING_MS;
    return isLong && this.#live.values().some(({ ages }) => ages);
  }

  /** Messages up to a UID whose flags have changed since the last look. */
  async #changed(known: number): Promise<UidSet> {
    const { messages, mailbox } = this.#view;
    const recent = this.#map.flagsSince(this.#since);
    const uids = new Set<Uid>();
    for await (const page of recent ? [recent] : changesSince(messages, mailbox.id, this.#since)) {
      for (const { uid } of page) if (uid <= known) uids.add(uid);
    }
    return NumberSet.from(uids);
  }

  async #update(live: LiveResult, news: News): Promise<void> {
    try {
      await live.update(news);
      this.#charge(live);
    } catch (error) {
      if (!(error instanceof Refused && error.refusal.kind === "limit")) throw error;
      this.cancel(live.tag);
      this.#refuse(live.tag, "Too many results");
    }
  }

  #charge({ tag }: LiveResult): void {
    try {
      this.#hold();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.cancel(tag);
      this.#refuse(tag, "Too much to keep");
    }
  }

  #hold(): void {
    let bytes = 0;
    for (const { sizeBytes } of this.#live.values()) bytes += sizeBytes;
    this.#keeper?.memory.hold("contexts", bytes);
  }

  #refuse(tag: string, text: string): void {
    this.#keeper?.reply.untagged(noUpdate(tag, text));
  }

  #wakeIn(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      for (const listener of this.#listeners) listener();
    }, ms);
  }
}

/** `resp-text-code =/ "NOUPDATE" SP quoted`: RFC 5267 §5. */
export function noUpdate(tag: string, text: string): string {
  return `NO [NOUPDATE ${renderQuoted(tag)}] ${text}`;
}
