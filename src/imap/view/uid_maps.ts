import type { AccountId, MailboxId, Modseq } from "../../lib/ids.ts";
import type { Log } from "../../observe/log.ts";
import type { MessageStore } from "../../store/messages.ts";
import type { MailboxStore } from "../../store/mailboxes.ts";
import type { Notices } from "../../store/notices.ts";
import { UidMap } from "./uid_map.ts";

/** What the maps of a worker are made from. */
export interface UidMapsOptions {
  readonly messages: Pick<MessageStore, "viewedBy">;
  readonly mailboxes: Pick<MailboxStore, "modseqs">;
  readonly notices: Pick<Notices, "on">;
  readonly log: Log;
  /** Octets of lists that nobody uses at the moment. */
  readonly bytesMax?: number;
}

/** A session's hold on a map: released exactly once. */
export interface Held extends Disposable {
  readonly map: UidMap;
}

/** WHY: 64 MiB are sixteen million messages: everything that a worker's users come back to. */
const BYTES_MAX = 64 * 1024 * 1024;
/** WHY: notices do the work; this only bounds how long a lost one can be missed. */
const POLL_MS = 60_000;
/**
 * WHY: a list that nobody uses hears nothing, and catches up from the rows changed since; expunged
 * rows are purged some day, so that it must not wait long.
 */
const UNUSED_MS = 10 * 60_000;

/** A mailbox and its viewer, as a key. */
type Key = `${number} ${number}`;

interface Entry {
  readonly mailbox: MailboxId;
  map: UidMap | undefined;
  readonly loading: Promise<UidMap>;
  users: number;
  /** A notice came before the list was there. */
  missed: boolean;
  unusedSinceMs: number;
  stopHearing: () => void;
}

/**
 * All UID maps of one worker: one per open mailbox (and viewer, to whom other changes are news), and some
 * that may be wanted again soon.
 */
export class UidMaps implements Disposable {
  readonly #options: UidMapsOptions;
  readonly #open = new Map<Key, Entry>();
  /** Least recently released first. */
  readonly #unused = new Map<Key, Entry>();
  #unusedBytes = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: UidMapsOptions) {
    this.#options = options;
  }

  /**
   * The map of a mailbox, at least as new as `modseq`. The first session in a while reads all
   * UIDs; everybody else gets what is here. `viewer`: see `MessageStore.viewedBy`.
   */
  async open(
    mailbox: MailboxId,
    modseq: Modseq,
    viewer: AccountId | null = null,
  ): Promise<Held> {
    const key: Key = `${mailbox} ${viewer ?? 0}`;
    const entry = this.#hold(key, { mailbox, viewer });
    try {
      entry.map = await entry.loading;
      entry.map.confirm(modseq);
      if (entry.missed) entry.map.distrust();
      entry.missed = false;
      await entry.map.refresh();
      return { map: entry.map, [Symbol.dispose]: once(() => this.#release(key, entry)) };
    } catch (error) {
      this.#release(key, entry);
      throw error;
    }
  }

  /** Asks for the state of every open mailbox in one query: the safety net under the notices. */
  async poll(): Promise<void> {
    this.#evict();
    const open = [...this.#open.values()];
    if (open.length === 0) return;
    const ids = new Set(open.map(({ mailbox }) => mailbox));
    const modseqs = await this.#options.mailboxes.modseqs([...ids]);
    for (const { mailbox, map } of open) {
      const modseq = modseqs.get(mailbox);
      if (modseq === undefined) map?.markGone();
      else map?.notice(modseq);
    }
  }

  /** Forgets everything and stops the poll. */
  [Symbol.dispose](): void {
    for (const { stopHearing } of this.#open.values()) stopHearing();
    this.#open.clear();
    this.#unused.clear();
    this.#unusedBytes = 0;
    this.#stopPoll();
  }

  #hold(
    key: Key,
    { mailbox, viewer }: { readonly mailbox: MailboxId; readonly viewer: AccountId | null },
  ): Entry {
    const entry = this.#open.get(key) ?? this.#reuse(key) ?? {
      mailbox,
      map: undefined,
      loading: UidMap.load(mailbox, this.#options.messages.viewedBy(viewer)),
      users: 0,
      missed: false,
      unusedSinceMs: 0,
      stopHearing: () => {},
    };
    if (entry.users++ > 0) return entry;
    this.#open.set(key, entry);
    entry.stopHearing = this.#options.notices.on(mailbox, (modseq, arrived) => {
      if (entry.map) entry.map.notice(modseq, arrived);
      else entry.missed = true;
    });
    this.#timer ??= setInterval(() => void this.#pollQuietly(), POLL_MS);
    return entry;
  }

  #reuse(key: Key): Entry | undefined {
    const entry = this.#unused.get(key);
    if (!entry) return undefined;
    this.#forget(key, entry);
    return Date.now() - entry.unusedSinceMs < UNUSED_MS ? entry : undefined;
  }

  #release(key: Key, entry: Entry): void {
    if (--entry.users > 0 || this.#open.get(key) !== entry) return;
    this.#open.delete(key);
    entry.stopHearing();
    if (this.#open.size === 0) this.#stopPoll();
    if (!entry.map || entry.map.gone) return;
    entry.unusedSinceMs = Date.now();
    this.#unused.set(key, entry);
    this.#unusedBytes += entry.map.bytes;
    this.#evict();
  }

  #evict(): void {
    const oldest = Date.now() - UNUSED_MS;
    const max = this.#options.bytesMax ?? BYTES_MAX;
    for (const [key, entry] of this.#unused) {
      if (this.#unusedBytes <= max && entry.unusedSinceMs > oldest) return;
      this.#forget(key, entry);
    }
  }

  #forget(key: Key, entry: Entry): void {
    this.#unused.delete(key);
    this.#unusedBytes -= entry.map?.bytes ?? 0;
  }

  #stopPoll(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #pollQuietly(): Promise<void> {
    try {
      await this.poll();
    } catch (error) {
      this.#options.log.warning("uid_map_poll_failed", { error });
    }
  }
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    action();
  };
}
