import type { Blobs } from "../blobs/blobs.ts";
import { BackgroundJob } from "../lib/background_job.ts";
import type { MailboxId, Uid } from "../lib/ids.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { ScrubbedBody, ScrubbedMailbox, ScrubStore } from "../store/scrubs.ts";
import { readBody } from "./read_body.ts";

const FIRST_LOOK_MS = 60_000;
/** When nothing is due, or the storage is in trouble. */
const LOOK_MS = 5 * 60_000;
/** Bodies between two notes of how far it has come. */
const BATCH = 50;
/** Mailboxes that are looked for at a time. */
const DUE_MAX = 100;
/** Days of the metric. */
const DAYS = 30;

export interface ScrubberOptions {
  readonly scrubs: ScrubStore;
  /** What is to be read: where bodies are for good, no cache and no staging folder. */
  readonly blobs: Blobs;
  /** Longest time between two readings of a body. */
  readonly intervalMs: number;
  readonly bytesPerSecond: number;
  /** Before the first look; default: a minute, as the start belongs to users. */
  readonly firstLookMs?: number;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Reads every body again, slowly, mailbox by mailbox, the one that was read longest ago first; one node at
 * a time for each mailbox. What is missing or has changed is logged, counted, and kept in `damaged_bodies`.
 */
export class Scrubber implements AsyncDisposable {
  readonly #options: ScrubberOptions;
  readonly #job: BackgroundJob;
  #due: MailboxId[] = [];
  #toldAt = -Infinity;

  constructor(options: ScrubberOptions) {
    this.#options = options;
    this.#job = new BackgroundJob({
      firstMs: options.firstLookMs ?? FIRST_LOOK_MS,
      round: async () => await this.#look() ? 0 : LOOK_MS,
      failed: (error) => {
        options.log.warning("scrub-interrupted", { error });
        return LOOK_MS;
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#job[Symbol.asyncDispose]();
  }

  /** False: nothing is to be done now. */
  async #look(): Promise<boolean> {
    // WHY not for each mailbox: it counts all of them.
    if (performance.now() - this.#toldAt >= LOOK_MS) await this.#tellStatus();
    const mailbox = await this.#take();
    return mailbox !== null && await this.#scrub(mailbox);
  }

  async #take(): Promise<ScrubbedMailbox | null> {
    const { scrubs, intervalMs } = this.#options;
    while (!this.#job.signal.aborted) {
      const id = this.#due.shift();
      if (id === undefined) {
        this.#due = await scrubs.due(intervalMs, DUE_MAX);
        if (this.#due.length === 0) break;
        continue;
      }
      const mailbox = await scrubs.take(id, intervalMs);
      if (mailbox) return mailbox;
    }
    return null;
  }

  async #scrub({ id, readUid }: ScrubbedMailbox): Promise<boolean> {
    const { scrubs } = this.#options;
    try {
      for (let at: Uid = readUid; !this.#job.signal.aborted;) {
        const bodies = await scrubs.bodies(id, at, BATCH);
        await this.#readAll(bodies);
        const last = bodies.at(-1);
        const isDone = bodies.length < BATCH;
        if (this.#job.signal.aborted) break;
        await scrubs.advance(id, isDone || !last ? null : last.uid);
        if (isDone || !last) return true;
        at = last.uid;
      }
    } catch (error) {
      await scrubs.giveBack(id).catch(() => {}); // WHY: the lease ends by itself.
      throw error;
    }
    await scrubs.giveBack(id);
    return false;
  }

  async #readAll(bodies: readonly ScrubbedBody[]): Promise<void> {
    const { scrubs, metrics, log, bytesPerSecond } = this.#options;
    const keys = bodies.map(({ objectKey }) => objectKey);
    const [pending, damaged] = await Promise.all([scrubs.pending(keys), scrubs.damaged(keys)]);
    for (const body of bodies) {
      if (this.#job.signal.aborted) return;
      if (pending.has(body.objectKey)) continue;
      const damage = await readBody(this.#options.blobs, body);
      metrics.scrubbedBodiesTotal.inc({ result: damage ?? "ok" });
      metrics.scrubbedBytesTotal.inc(body.sizeBytes);
      if (damage !== null && (await scrubs.pending([body.objectKey])).size > 0) continue;
      if (damage !== null) log.error("body-damaged", { key: body.objectKey, damage });
      if (damage !== null || damaged.has(body.objectKey)) await scrubs.report(body, damage);
      await this.#job.rest(1000 * body.sizeBytes / bytesPerSecond);
    }
  }

  async #tellStatus(): Promise<void> {
    const { scrubs, metrics } = this.#options;
    await scrubs.forgetUnused();
    const { messages, verified, damaged } = await scrubs.status(DAYS);
    metrics.scrubVerifiedRatio.set(messages === 0 ? 1 : verified / messages);
    metrics.scrubDamagedBodies.set(damaged);
    this.#toldAt = performance.now();
  }
}
