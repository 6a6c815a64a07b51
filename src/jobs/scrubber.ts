import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Blobs, ObjectKey } from "../blobs/blobs.ts";
import type { Uid } from "../lib/ids.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Damage, ScrubbedBody, ScrubbedMailbox, ScrubStore } from "../store/scrubs.ts";

const FIRST_LOOK_MS = 60_000;
/** When nothing is due, or the storage is in trouble. */
const LOOK_MS = 5 * 60_000;
/** Bodies between two notes of how far it has come. */
const BATCH = 50;
/** Of a body at a time: what is held in memory. */
const PIECE_BYTES = 1024 * 1024;
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
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: ScrubberOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    await this.#rest(this.#options.firstLookMs ?? FIRST_LOOK_MS);
    while (!this.#stop.signal.aborted) {
      const found = await this.#look();
      if (!found) await this.#rest(LOOK_MS);
    }
  }

  /** Never throws; false: nothing is to be done now. */
  async #look(): Promise<boolean> {
    const { scrubs, intervalMs, log } = this.#options;
    try {
      await this.#tellStatus();
      const mailbox = await scrubs.take(intervalMs);
      if (!mailbox) return false;
      return await this.#scrub(mailbox);
    } catch (error) {
      log.warning("scrub-interrupted", { error });
      return false;
    }
  }

  async #scrub({ id, readUid }: ScrubbedMailbox): Promise<boolean> {
    const { scrubs } = this.#options;
    try {
      for (let at: Uid = readUid; !this.#stop.signal.aborted;) {
        const bodies = await scrubs.bodies(id, at, BATCH);
        await this.#readAll(bodies);
        const last = bodies.at(-1);
        const isDone = bodies.length < BATCH;
        if (this.#stop.signal.aborted) break;
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
      if (this.#stop.signal.aborted) return;
      if (pending.has(body.objectKey)) continue;
      const damage = await readBody(this.#options.blobs, body);
      metrics.scrubbedBodiesTotal.inc({ result: damage ?? "ok" });
      metrics.scrubbedBytesTotal.inc(body.sizeBytes);
      if (damage !== null && (await scrubs.pending([body.objectKey])).size > 0) continue;
      if (damage !== null) log.error("body-damaged", { key: body.objectKey, damage });
      if (damage !== null || damaged.has(body.objectKey)) await scrubs.report(body, damage);
      await this.#rest(1000 * body.sizeBytes / bytesPerSecond);
    }
  }

  async #tellStatus(): Promise<void> {
    const { scrubs, metrics } = this.#options;
    await scrubs.forgetUnused();
    const { messages, verified, damaged } = await scrubs.status(DAYS);
    metrics.scrubVerifiedRatio.set(messages === 0 ? 1 : verified / messages);
    metrics.scrubDamagedBodies.set(damaged);
  }

  async #rest(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stop.signal }).catch(() => {});
  }
}

/**
 * Reads a whole body in pieces; null: it is what it has to be. Throws `unavailable` when the storage is in
 * trouble, which says nothing about the body.
 */
export async function readBody(
  blobs: Blobs,
  { objectKey, hash, sizeBytes }: Pick<ScrubbedBody, "objectKey" | "hash" | "sizeBytes">,
): Promise<Damage | null> {
  const key = objectKey as ObjectKey;
  const found = await blobs.size(key);
  if (found === null) return "missing";
  if (found !== sizeBytes) return "size";
  const digest = createHash("sha256");
  for (let at = 0; at < sizeBytes; at += PIECE_BYTES) {
    const piece = await readPiece(blobs, key, [at, Math.min(sizeBytes, at + PIECE_BYTES)]);
    if (piece === null) return "unreadable";
    digest.update(piece);
  }
  return digest.digest("hex") === hash ? null : "hash";
}

/** null: it cannot be read though the storage answers. */
async function readPiece(
  blobs: Blobs,
  key: ObjectKey,
  [start, end]: readonly [number, number],
): Promise<Uint8Array | null> {
  try {
    return await blobs.range(key, start, end);
  } catch {
    // WHY: trouble of the storage itself shows here, too, and is thrown.
    await blobs.size(key);
    return await blobs.range(key, start, end).catch(() => null);
  }
}
