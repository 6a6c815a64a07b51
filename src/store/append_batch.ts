import { Buffer } from "node:buffer";
import type { Hash, MailboxId, Modseq, Uid } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import { type AppendAnswer, appendStatement } from "./append_statement.ts";
import { type Database, sql } from "./database.ts";
import { isDataError } from "./database_error.ts";
import { foldKeywords } from "./flags.ts";
import { lockMailboxes } from "./lock_mailboxes.ts";
import { refuseOutOfUids } from "./out_of_uids.ts";
import type { Appended, NewMessage } from "./message.ts";
import type { Notices } from "./notices.ts";

/** A message whose caller waits. */
export interface Waiting {
  readonly message: NewMessage;
  /** Nobody will deliver it again: its delivery key is only for an answer of ours that was lost. */
  readonly isOnce: boolean;
  /** Memory, roughly. */
  readonly bytes: number;
  readonly result: PromiseWithResolvers<Appended>;
}

/**
 * Stores messages without keywords, of any mailboxes, in one statement that waits for no lock, and
 * answers their callers. What it could not store for a reason that is one mailbox's or message's
 * own is returned by mailbox, for `appendAlone`. Never rejects.
 */
export async function appendTogether(
  db: Database,
  notices: Notices,
  batch: readonly Waiting[],
): Promise<ReadonlyMap<MailboxId, readonly Waiting[]>> {
  const left = Map.groupBy(batch, ({ message }) => message.mailbox);
  try {
    const answers = await plain(db, batch, { skipLocked: true });
    answer({ db, notices }, batch, answers);
    for (const { mailbox } of answers) left.delete(mailbox);
  } catch (error) {
    if (isOneOf(error)) return left;
    for (const { result } of batch) result.reject(error);
    left.clear();
  }
  return left;
}

/** Stores messages of one mailbox, waiting for it, and answers their callers. Never rejects. */
export async function appendAlone(
  db: Database,
  notices: Notices,
  batch: readonly Waiting[],
): Promise<void> {
  try {
    const hasKeywords = batch.some(({ message }) => message.keywords.length > 0);
    const { accepted, answers } = hasKeywords
      ? await withKeywords(db, batch)
      : { accepted: batch, answers: await plain(db, batch, { skipLocked: false }) };
    if (accepted.length > 0 && answers.length === 0) {
      throw new Refused({ kind: "no-such-mailbox", name: "" });
    }
    answer({ db, notices }, accepted, answers);
  } catch (error) {
    // WHY: one message with impossible data, or one too many, must not fail its neighbours.
    if (batch.length > 1 && isOneOf(error)) {
      for (const single of batch) await appendAlone(db, notices, [single]);
    } else for (const { result } of batch) result.reject(refuseOutOfUids(error));
  }
}

/** True when one message of the batch may be to blame, and the others are fine without it. */
function isOneOf(error: unknown): boolean {
  return isDataError(error) || error instanceof Refused && error.refusal.kind === "over-quota";
}

function plain(
  db: Database,
  batch: readonly Waiting[],
  { skipLocked }: { readonly skipLocked: boolean },
): Promise<AppendAnswer[]> {
  const messages = batch.map(({ message }) => message);
  const options = { keywords: messages.map(() => []), added: [], skipLocked };
  // WHY: every message has a delivery key, so that what was stored is found instead of stored again.
  return db.write<AppendAnswer>(appendStatement(messages, options), { repeatable: true });
}

/** The same under a lock taken before: only the latest row knows the case of each keyword. */
async function withKeywords(
  db: Database,
  batch: readonly Waiting[],
): Promise<{ accepted: readonly Waiting[]; answers: readonly AppendAnswer[] }> {
  const refused = new Map<Waiting, unknown>();
  const done = await db.transaction(async (tx) => {
    refused.clear();
    const [box] = (await lockMailboxes(tx, batch.map(({ message }) => message.mailbox))).values();
    if (!box) return { accepted: batch, answers: [] };
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
    if (accepted.length === 0) return { accepted, answers: [] };
    const messages = accepted.map(({ message }) => message);
    const options = { keywords, added, skipLocked: false };
    return { accepted, answers: await tx.query<AppendAnswer>(appendStatement(messages, options)) };
  });
  for (const [{ result }, error] of refused) result.reject(error);
  return done;
}

/** Tells callers and listeners what was committed. Duplicates are told when their UIDs are found. */
function answer(
  { db, notices }: { readonly db: Database; readonly notices: Notices },
  batch: readonly Waiting[],
  answers: readonly AppendAnswer[],
): void {
  const ranks = new Map<MailboxId, number>();
  const stored = new Set(answers.flatMap((one) => one.stored));
  const byMailbox = new Map(answers.map((one) => [one.mailbox, one]));
  const duplicates: [Waiting, AppendAnswer][] = [];
  const arrived = new Map<MailboxId, Uid[]>(answers.map(({ mailbox }) => [mailbox, []]));
  for (const [at, waiting] of batch.entries()) {
    const { mailbox } = waiting.message;
    const rank = ranks.get(mailbox) ?? 0;
    ranks.set(mailbox, rank + 1);
    const of = byMailbox.get(mailbox);
    if (!of) continue;
    const { uidValidity, modseq } = of;
    if (!stored.has(at + 1)) duplicates.push([waiting, of]);
    else {
      const uid = of.firstUid + rank as Uid;
      arrived.get(mailbox)?.push(uid);
      waiting.result.resolve({ uid, uidValidity, modseq, duplicate: false });
    }
  }
  // WHY: also for duplicates, as the notice of their first copies may have been lost with its answer.
  for (const one of answers) {
    if (one.stored.length > 0) notices.changed(one.mailbox, one.modseq, arrived.get(one.mailbox));
    else notices.changed(one.mailbox, one.modseq - 1 as Modseq);
  }
  // WHY: a lookup that fails is the trouble of those who need it: the others are stored.
  if (duplicates.length > 0) void answerDuplicates(db, duplicates);
}

/** Answers with the UIDs of the first copies. Never rejects. */
async function answerDuplicates(
  db: Database,
  duplicates: readonly (readonly [Waiting, AppendAnswer])[],
): Promise<void> {
  try {
    const messages = duplicates.map(([{ message }]) => message);
    const rows = await db.query<{ mailbox: MailboxId; key: Hash; uid: Uid }>(sql`
      SELECT mailbox_id AS mailbox, encode(key, 'hex') AS key, uid
      FROM unnest(${messages.map(({ mailbox }) => mailbox)}::bigint[],
        ${messages.map(({ deliveryKey }) => Buffer.from(deliveryKey ?? "", "hex"))}::bytea[])
        AS wanted(mailbox_id, key) JOIN deliveries USING (mailbox_id, key)`);
    const known = new Map(rows.map(({ mailbox, key, uid }) => [`${mailbox} ${key}`, uid]));
    for (const [{ message, isOnce, result }, of] of duplicates) {
      const { uidValidity, firstUid, modseq } = of;
      const uid = known.get(`${message.mailbox} ${message.deliveryKey}`) ?? firstUid;
      result.resolve({ uid, uidValidity, modseq: modseq - 1 as Modseq, duplicate: !isOnce });
    }
  } catch (error) {
    for (const [{ result }] of duplicates) result.reject(error);
  }
}
