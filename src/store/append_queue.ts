import { Buffer } from "node:buffer";
import type { Hash, MailboxId, Modseq, Uid } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import { type AppendAnswer, appendStatement } from "./append_statement.ts";
import { type Database, sql } from "./database.ts";
import { isDataError } from "./database_error.ts";
import { cleanKeywords, FLAGS_ALL, foldKeywords } from "./flags.ts";
import { lockMailboxes } from "./lock_mailboxes.ts";
import type { Appended, NewMessage } from "./message.ts";
import type { Notices } from "./notices.ts";

/** Messages of one statement: enough to share a commit, few enough for a fair latency. */
const BATCH_MAX = 64;
/** Octets of one statement's parameters, roughly; a single message may be larger. */
const BATCH_BYTES_MAX = 8 * 1024 * 1024;
/** Messages that may wait for one mailbox: each holds its facts in memory. */
const QUEUE_MAX = 10_000;

interface Waiting {
  readonly message: NewMessage;
  readonly bytes: number;
  readonly result: PromiseWithResolvers<Appended>;
}

/**
 * Appends to one mailbox wait for its row anyway: while one statement is under way the next
 * messages queue up here and go together in the next one.
 */
export class AppendQueue {
  /** A lane exists while a statement for its mailbox is under way. */
  readonly #lanes = new Map<MailboxId, Waiting[]>();
  readonly #db: Database;
  readonly #notices: Notices;

  constructor(db: Database, notices: Notices) {
    this.#db = db;
    this.#notices = notices;
  }

  /** Resolves after COMMIT. */
  append(message: NewMessage): Promise<Appended> {
    const { facts } = message;
    const waiting: Waiting = {
      message: {
        ...message,
        flags: message.flags & FLAGS_ALL,
        keywords: cleanKeywords(message.keywords),
      },
      bytes: 2 * (facts.header?.length ?? 0) + facts.structure.length +
        facts.bodyStructure.length + facts.envelope.length,
      result: Promise.withResolvers(),
    };
    const lane = this.#lanes.get(message.mailbox);
    if (!lane) {
      this.#lanes.set(message.mailbox, [waiting]);
      void this.#drain(message.mailbox);
    } else if (lane.length < QUEUE_MAX) lane.push(waiting);
    else throw new Refused({ kind: "unavailable", what: "database" });
    return waiting.result.promise;
  }

  async #drain(mailbox: MailboxId): Promise<void> {
    const lane = this.#lanes.get(mailbox) ?? [];
    // WHY: one turn, so that callers of the same moment share the first statement, too.
    await Promise.resolve();
    while (lane.length > 0) await this.#settle(mailbox, takeBatch(lane));
    this.#lanes.delete(mailbox);
  }

  /** Runs a batch and answers its callers; never throws. */
  async #settle(mailbox: MailboxId, batch: readonly Waiting[]): Promise<void> {
    try {
      await this.#run(mailbox, batch);
    } catch (error) {
      // WHY: one message with impossible data must not fail its neighbours.
      if (batch.length > 1 && isDataError(error)) {
        for (const single of batch) await this.#settle(mailbox, [single]);
      } else for (const { result } of batch) result.reject(error);
    }
  }

  async #run(mailbox: MailboxId, batch: readonly Waiting[]): Promise<void> {
    const hasKeywords = batch.some(({ message }) => message.keywords.length > 0);
    const { accepted, answer } = hasKeywords
      ? await this.#withKeywords(mailbox, batch)
      : { accepted: batch, answer: await this.#plain(mailbox, batch) };
    if (accepted.length === 0) return;
    if (!answer) throw new Refused({ kind: "no-such-mailbox", name: "" });
    const stored = new Set(answer.stored);
    const known = await this.#delivered(
      mailbox,
      accepted.filter((_, at) => !stored.has(at + 1)).map(({ message }) => message),
    );
    if (stored.size > 0) this.#notices.changed(mailbox, answer.modseq);
    for (const [at, { message, result }] of accepted.entries()) {
      const duplicate = !stored.has(at + 1);
      result.resolve({
        uid: duplicate
          ? known.get(message.deliveryKey ?? "" as Hash) ?? answer.firstUid
          : (answer.firstUid + at) as Uid,
        uidValidity: answer.uidValidity,
        modseq: duplicate ? (answer.modseq - 1) as Modseq : answer.modseq,
        duplicate,
      });
    }
  }

  async #plain(
    mailbox: MailboxId,
    batch: readonly Waiting[],
  ): Promise<AppendAnswer | undefined> {
    const messages = batch.map(({ message }) => message);
    const options = { keywords: messages.map(() => []), added: [] };
    const [answer] = await this.#db.write<AppendAnswer>(
      appendStatement(mailbox, messages, options),
    );
    return answer;
  }

  /** The same under a lock taken before: only the latest row knows the case of each keyword. */
  async #withKeywords(
    mailbox: MailboxId,
    batch: readonly Waiting[],
  ): Promise<{ accepted: readonly Waiting[]; answer: AppendAnswer | undefined }> {
    const refused = new Map<Waiting, unknown>();
    const done = await this.#db.transaction(async (tx) => {
      refused.clear();
      const box = (await lockMailboxes(tx, [mailbox])).get(mailbox);
      if (!box) return { accepted: batch, answer: undefined };
      const added: string[] = [];
      const keywords: (readonly string[])[] = [];
      const accepted = batch.filter((waiting) => {
        try {
          const folded = foldKeywords(waiting.message.keywords, [...box.keywords, ...added]);
          added.push(...folded.added);
          keywords.push([...folded.keywords].sort());
          return true;
        } catch (error) {
          refused.set(waiting, error);
          return false;
        }
      });
      if (accepted.length === 0) return { accepted, answer: undefined };
      const messages = accepted.map(({ message }) => message);
      const [answer] = await tx.query<AppendAnswer>(
        appendStatement(mailbox, messages, { keywords, added }),
      );
      return { accepted, answer };
    });
    for (const [{ result }, error] of refused) result.reject(error);
    return done;
  }

  /** The UIDs of the first copies of messages that were delivered before. */
  async #delivered(
    mailbox: MailboxId,
    duplicates: readonly NewMessage[],
  ): Promise<ReadonlyMap<Hash, Uid>> {
    if (duplicates.length === 0) return new Map();
    const keys = duplicates.map(({ deliveryKey }) => Buffer.from(deliveryKey ?? "", "hex"));
    const rows = await this.#db.query<{ key: Hash; uid: Uid }>(sql`
      SELECT encode(key, 'hex') AS key, uid FROM deliveries
      WHERE mailbox_id = ${mailbox} AND key = ANY(${keys}::bytea[])`);
    return new Map(rows.map(({ key, uid }) => [key, uid]));
  }
}

/** From the front of the lane, in order; a delivery key at most once. */
function takeBatch(lane: Waiting[]): Waiting[] {
  const keys = new Set<Hash>();
  let bytes = 0;
  let count = 0;
  for (const { message, bytes: more } of lane) {
    const key = message.deliveryKey;
    if (count >= BATCH_MAX || count > 0 && bytes + more > BATCH_BYTES_MAX) break;
    if (key !== null && keys.has(key)) break;
    if (key !== null) keys.add(key);
    bytes += more;
    count++;
  }
  return lane.splice(0, count);
}
