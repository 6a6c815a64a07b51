import type { Blobs, ObjectKey } from "../blobs/blobs.ts";
import type { MailboxId } from "../lib/ids.ts";
import { inTurns } from "../lib/pace.ts";
import { unavailable } from "../lib/refused.ts";
import { type SearchText, searchText } from "../message/search_text.ts";
import { decodeStructure } from "../message/structure_codec.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { MessageTextStore, Unindexed } from "../store/message_texts.ts";
import type { Notices } from "../store/notices.ts";

/** Of each text that is indexed; what is longer is looked at when it is searched. */
const TEXT_BYTES_MAX = 256 * 1024;
/** Of a message that is read for it: a text that size, encoded, and what may stand before it. */
const BODY_BYTES_MAX = 1024 * 1024;
/** WHY: notices do the work; this finds what was missed, and what other nodes left behind. */
const LOOK_MS = 5 * 60_000;
/** WHY: the first look must not compete with the start. */
const FIRST_LOOK_MS = 2_000;
/** Before a mailbox is tried again whose bodies could not be read. */
const RETRY_MS = 30_000;
/**
 * WHY: what comes in together is one batch, and much of a busy mailbox is gone again by then; what is
 * not indexed yet is found by reading it.
 */
const GATHER_MS = 30_000;
/** WHY: three quarters of the time are everybody else's; the busier the machine, the longer all of it takes. */
const REST_TIMES = 3;
const REST_MAX_MS = 5_000;

export interface TextIndexerOptions {
  readonly texts: MessageTextStore;
  readonly blobs: Blobs;
  readonly notices: Pick<Notices, "onAny">;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Nothing can be said about such a message: it is looked at whenever it is searched. */
const UNKNOWN: SearchText = { body: "", rest: "", preview: null, truncated: true };

/** Takes up the texts of new messages, off the delivery path, mailbox by mailbox. */
export class TextIndexer implements AsyncDisposable {
  readonly #options: TextIndexerOptions;
  readonly #waiting = new Set<MailboxId>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #stopListening: () => void;
  #running: Promise<void> | undefined;
  #isStopped = false;
  #isHurried = false;
  #endRest = () => {};

  constructor(options: TextIndexerOptions) {
    this.#options = options;
    this.#stopListening = options.notices.onAny((mailbox) => this.#later(GATHER_MS, mailbox));
    this.#after(FIRST_LOOK_MS, () => this.#look());
  }

  /** Works until nothing is left to be done; for tests and for whoever cannot wait. */
  async settle(): Promise<void> {
    this.#isHurried = true;
    this.#endRest();
    await this.#find();
    this.#wake();
    await this.#running;
    this.#isHurried = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    this.#stopListening();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#endRest();
    await this.#running;
  }

  async #look(): Promise<void> {
    try {
      await this.#find();
      const { messages } = await this.#options.texts.lag();
      this.#options.metrics.searchIndexLag.set(messages);
    } catch (error) {
      this.#options.log.warning("text-index-look-failed", { error });
    }
    this.#wake();
    this.#after(LOOK_MS, () => this.#look());
  }

  async #find(): Promise<void> {
    let after: MailboxId | 0 = 0;
    for (;;) {
      const found: MailboxId[] = await this.#options.texts.unfinished(after);
      for (const mailbox of found) this.#waiting.add(mailbox);
      const last = found.at(-1);
      if (last === undefined) return;
      after = last;
    }
  }

  #later(ms: number, mailbox: MailboxId): void {
    if (this.#waiting.has(mailbox)) return;
    this.#waiting.add(mailbox);
    if (!this.#running) this.#after(ms, () => Promise.resolve(this.#wake()));
  }

  #after(ms: number, work: () => Promise<void>): void {
    if (this.#isStopped) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void work();
    }, ms);
    this.#timers.add(timer);
  }

  #wake(): void {
    if (this.#isStopped) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#waiting.size > 0) this.#wake(); // what came while the last one ended
    });
  }

  async #run(): Promise<void> {
    for (const mailbox of this.#waiting) {
      this.#waiting.delete(mailbox);
      await this.#index(mailbox);
      if (this.#isStopped) return;
    }
    await this.#merge();
  }

  /** Never throws: what is not merged now is merged later, by whoever writes. */
  async #merge(): Promise<void> {
    try {
      await this.#options.texts.merge();
    } catch (error) {
      this.#options.log.warning("text-index-not-merged", { error });
    }
  }

  /** Never throws: one mailbox's trouble is no other's. */
  async #index(mailbox: MailboxId): Promise<void> {
    const { texts, log, metrics } = this.#options;
    try {
      for (let count = 1; count > 0 && !this.#isStopped;) {
        const since = performance.now();
        count = await texts.advance(mailbox, (message) => this.#read(message));
        metrics.searchIndexedTotal.inc(count);
        await this.#rest(performance.now() - since);
      }
    } catch (error) {
      metrics.searchIndexErrorsTotal.inc();
      log.warning("text-index-failed", { mailbox, error });
      this.#after(RETRY_MS, () => Promise.resolve(this.#later(0, mailbox)));
    }
  }

  async #rest(ms: number): Promise<void> {
    if (this.#isStopped || this.#isHurried) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(ms * REST_TIMES, REST_MAX_MS));
      this.#endRest = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #read(message: Unindexed): Promise<SearchText> {
    const { headerBytes, sizeBytes } = message;
    const header = message.header ??
      await this.#octets(message, 0, Math.min(headerBytes, BODY_BYTES_MAX));
    const end = Math.min(sizeBytes, headerBytes + BODY_BYTES_MAX);
    const body = end > headerBytes ? await this.#octets(message, headerBytes, end) : NOTHING;
    if (!header || !body) {
      // WHY: one message that is lost must not keep all later ones from being found fast.
      this.#options.log.error("text-without-body", { hash: message.hash });
      return UNKNOWN;
    }
    try {
      const text = await inTurns(searchText({
        root: decodeStructure(message.structure),
        header,
        body: (from, to) => body.subarray(from, to),
        limitBytes: TEXT_BYTES_MAX,
      }));
      return end < sizeBytes ? { ...text, truncated: true } : text;
    } catch (error) {
      // WHY: a message that breaks us must not keep all later ones from being found fast.
      this.#options.log.error("text-not-indexed", { hash: message.hash, error });
      return UNKNOWN;
    }
  }

  /** null: there is no such body. */
  async #octets(
    { objectKey, sizeBytes }: Unindexed,
    start: number,
    end: number,
  ): Promise<Uint8Array | null> {
    const { blobs } = this.#options;
    const key = objectKey as ObjectKey;
    const octets = end - start >= sizeBytes
      ? await blobs.get(key)
      : await blobs.range(key, start, end);
    if (octets === null || octets.length === end - start) return octets;
    throw unavailable("bodies", new Error(`Cannot read ${objectKey} for the index`));
  }
}

const NOTHING = new Uint8Array(0);
