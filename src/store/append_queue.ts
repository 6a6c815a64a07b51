import { randomBytes } from "node:crypto";
import type { Hash, MailboxId } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import { appendAlone, appendTogether, type Waiting } from "./append_batch.ts";
import type { Database } from "./database.ts";
import { cleanKeywords, FLAGS_ALL } from "./flags.ts";
import type { Appended, NewMessage } from "./message.ts";
import type { Notices } from "./notices.ts";

/** Messages of one statement: enough to share a commit, few enough for a fair latency. */
const BATCH_MAX = 64;
/** Octets of one statement's parameters, roughly; a single message may be larger. */
const BATCH_BYTES_MAX = 8 * 1024 * 1024;
/** Statements at a time: one is computed while the other's commit is on its way to the disk. */
const RUNNING_MAX = 2;
/** What may wait, over all mailboxes: each message holds its facts in memory, the header twice. */
const WAITING_MAX = 10_000;
const WAITING_BYTES_MAX = 128 * 1024 * 1024;

/**
 * Appends queue up while statements are under way and then share the next one, whatever their
 * mailboxes. A mailbox is in one statement at a time; one that somebody else has locked goes on in a
 * statement of its own, so that nobody but its own messages waits for it.
 */
export class AppendQueue {
  readonly #waiting = new Map<MailboxId, Waiting[]>();
  /** Mailboxes with a statement under way. */
  readonly #busy = new Set<MailboxId>();
  readonly #db: Database;
  readonly #notices: Notices;
  #running = 0;
  #isScheduled = false;
  #count = 0;
  #bytes = 0;

  constructor(db: Database, notices: Notices) {
    this.#db = db;
    this.#notices = notices;
  }

  /** Resolves after COMMIT. */
  append(message: NewMessage): Promise<Appended> {
    if (this.#count >= WAITING_MAX || this.#bytes >= WAITING_BYTES_MAX) {
      throw new Refused({ kind: "unavailable", what: "database" });
    }
    const { facts } = message;
    const waiting: Waiting = {
      message: {
        ...message,
        flags: message.flags & FLAGS_ALL,
        keywords: cleanKeywords(message.keywords),
        deliveryKey: message.deliveryKey ?? randomBytes(32).toString("hex") as Hash,
      },
      isOnce: message.deliveryKey === null,
      bytes: 2 * (facts.header?.length ?? 0) + facts.structure.length +
        facts.bodyStructure.length + facts.envelope.length +
        // WHY: twice as many digits, and the text that they stand in.
        5 * (message.pending?.body?.length ?? 0),
      result: Promise.withResolvers(),
    };
    this.#count++;
    this.#bytes += waiting.bytes;
    const line = this.#waiting.get(message.mailbox);
    if (line) line.push(waiting);
    else this.#waiting.set(message.mailbox, [waiting]);
    this.#schedule();
    return waiting.result.promise;
  }

  /** WHY: one turn, so that callers of the same moment share the first statement, too. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      while (this.#running < RUNNING_MAX) {
        const batch = this.#takeBatch();
        if (batch.length === 0) return;
        void this.#together(batch);
      }
    });
  }

  /** The next messages of mailboxes that are free; those with keywords are sent off here. */
  #takeBatch(): Waiting[] {
    const batch: Waiting[] = [];
    let bytes = 0;
    for (const [mailbox, line] of [...this.#waiting]) {
      if (batch.length >= BATCH_MAX || bytes >= BATCH_BYTES_MAX) break;
      if (this.#busy.has(mailbox)) continue;
      const part = takeFrom(line, {
        count: BATCH_MAX - batch.length,
        bytes: BATCH_BYTES_MAX - bytes,
        atLeastOne: batch.length === 0,
      });
      if (part.length === 0) continue;
      // WHY: the rest goes behind all others, so that no mailbox has to wait for a busy one.
      this.#waiting.delete(mailbox);
      if (line.length > 0) this.#waiting.set(mailbox, line);
      this.#busy.add(mailbox);
      const octets = part.reduce((sum, one) => sum + one.bytes, 0);
      this.#count -= part.length;
      this.#bytes -= octets;
      if (part.some(({ message }) => message.keywords.length > 0)) void this.#alone(mailbox, part);
      else {
        batch.push(...part);
        bytes += octets;
      }
    }
    return batch;
  }

  async #together(batch: readonly Waiting[]): Promise<void> {
    this.#running++;
    const left = await appendTogether(this.#db, this.#notices, batch);
    this.#running--;
    for (const { message } of batch) {
      if (!left.has(message.mailbox)) this.#busy.delete(message.mailbox);
    }
    for (const [mailbox, part] of left) void this.#alone(mailbox, part);
    this.#schedule();
  }

  async #alone(mailbox: MailboxId, part: readonly Waiting[]): Promise<void> {
    await appendAlone(this.#db, this.#notices, part);
    this.#busy.delete(mailbox);
    this.#schedule();
  }
}

/** From the front of a mailbox's line, in order; a delivery key at most once. */
function takeFrom(
  line: Waiting[],
  room: { readonly count: number; readonly bytes: number; readonly atLeastOne: boolean },
): Waiting[] {
  const keys = new Set<Hash>();
  let bytes = 0;
  let count = 0;
  for (const { message, bytes: more } of line) {
    const key = message.deliveryKey;
    const fits = bytes + more <= room.bytes || room.atLeastOne && count === 0;
    if (count >= room.count || !fits) break;
    if (key !== null && keys.has(key)) break;
    if (key !== null) keys.add(key);
    bytes += more;
    count++;
  }
  return line.splice(0, count);
}
