import { type Blobs, type ObjectKey } from "../blobs/blobs.ts";
import type { BodyCache } from "../blobs/body_cache.ts";
import type { LocalCacheConfig } from "../config/config.ts";
import type { AccountId, Uid } from "../lib/ids.ts";
import { NumberSet } from "../lib/number_set.ts";
import { Refused } from "../lib/refused.ts";
import { Turns } from "../lib/turns.ts";
import type { Log } from "../observe/log.ts";
import type { MailboxStore } from "../store/mailboxes.ts";
import type { MessageStore } from "../store/messages.ts";

/** WHY: it is for the comfort of one user, and must not be felt by the others. */
const ACCOUNTS_AT_ONCE = 2;
const BODIES_AT_ONCE = 4;
/** Accounts that wait; beyond that nobody is warmed up. */
const WAITING_MAX = 1_000;
/** Accounts whose last time is remembered. */
const KNOWN_MAX = 100_000;

export interface CacheWarmerOptions {
  readonly config: Pick<
    LocalCacheConfig,
    "warmupMessageCount" | "warmupMailboxes" | "warmupIntervalMs"
  >;
  readonly mailboxes: Pick<MailboxStore, "find">;
  readonly messages: Pick<MessageStore, "uids" | "rows">;
  readonly blobs: Pick<Blobs, "get">;
  readonly cache: BodyCache;
  readonly log: Log;
}

/** Fetches the newest messages of those who log in, in the background, before they ask for them. */
export class CacheWarmer implements AsyncDisposable {
  readonly #options: CacheWarmerOptions;
  readonly #turns = new Turns(ACCOUNTS_AT_ONCE);
  readonly #stop = new AbortController();
  readonly #warmedAt = new Map<AccountId, number>();
  readonly #running = new Set<Promise<void>>();

  constructor(options: CacheWarmerOptions) {
    this.#options = options;
  }

  /** Somebody has logged in. Returns at once, and never throws. */
  warm(account: AccountId): void {
    const { warmupIntervalMs } = this.#options.config;
    const now = performance.now();
    const last = this.#warmedAt.get(account) ?? -Infinity;
    if (now - last < warmupIntervalMs || this.#running.size >= WAITING_MAX) return;
    if (this.#stop.signal.aborted) return;
    this.#warmedAt.delete(account);
    this.#warmedAt.set(account, now);
    const [oldest] = this.#warmedAt.keys();
    if (this.#warmedAt.size > KNOWN_MAX && oldest !== undefined) this.#warmedAt.delete(oldest);
    const running = this.#run(account).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Resolves when nobody waits. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.settled();
  }

  /** Never rejects. */
  async #run(account: AccountId): Promise<void> {
    const { config: { warmupMailboxes }, log } = this.#options;
    try {
      await this.#turns.run(async () => {
        let fetched = 0;
        for (const name of warmupMailboxes) fetched += await this.#warm(account, name);
        log.debug("warmed-up", { account, fetched });
      }, this.#stop.signal);
    } catch (error) {
      this.#warmedAt.delete(account); // WHY: the next login tries again.
      if (this.#stop.signal.aborted) return;
      // WHY: without the object store there is nothing to be fetched, and whoever needs it says so.
      if (!(error instanceof Refused)) log.warning("not-warmed-up", { account, error });
    }
  }

  /** How many bodies were fetched. */
  async #warm(account: AccountId, name: string): Promise<number> {
    const { mailboxes, messages, config: { warmupMessageCount: count } } = this.#options;
    const mailbox = await mailboxes.find(account, name).catch(nobodysMailbox);
    if (!mailbox || count === 0) return 0;
    const { uids } = await messages.uids(mailbox.id);
    const newest = NumberSet.from([...uids.slice(-count)] as Uid[]);
    if (newest.isEmpty) return 0;
    const rows = await messages.rows(mailbox.id, newest, {});
    const wanted = rows.reverse().filter(({ sizeBytes }) =>
      sizeBytes <= this.#options.cache.maxObjectBytes
    );
    let fetched = 0;
    for (let at = 0; at < wanted.length && !this.#stop.signal.aborted; at += BODIES_AT_ONCE) {
      const some = wanted.slice(at, at + BODIES_AT_ONCE);
      const done = await Promise.all(
        some.map(({ objectKey }) => this.#bring(objectKey as ObjectKey)),
      );
      fetched += done.filter((one) => one).length;
    }
    return fetched;
  }

  async #bring(key: ObjectKey): Promise<boolean> {
    const { blobs, cache } = this.#options;
    if (await cache.has(key)) return false;
    return await blobs.get(key) !== null;
  }
}

function nobodysMailbox(error: unknown): null {
  if (error instanceof Refused && error.refusal.kind === "no-such-mailbox") return null;
  throw error;
}
