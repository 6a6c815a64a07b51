import { Refused } from "../lib/refused.ts";
import { type AppendAnswer, appendStatement } from "./append_statement.ts";
import type { Transaction } from "./database.ts";
import { cleanKeywords, FLAGS_ALL, foldKeywords } from "./flags.ts";
import { lockMailboxes } from "./lock_mailboxes.ts";
import type { Appended, NewMessage } from "./message.ts";
import { refuseOutOfUids } from "./out_of_uids.ts";

/**
 * Adds messages, at least one, to one mailbox: all or none, with consecutive UIDs in their order, and
 * in one statement. Throws `no-such-mailbox`, `too-many-keywords`, `over-quota`.
 */
export async function appendAll(
  tx: Transaction,
  messages: readonly NewMessage[],
): Promise<Appended[]> {
  const mailboxes = new Set(messages.map(({ mailbox }) => mailbox));
  if (mailboxes.size !== 1) throw new Error("Cannot append to several mailboxes at once");
  const [box] = (await lockMailboxes(tx, [...mailboxes])).values();
  if (!box) throw new Refused({ kind: "no-such-mailbox", name: "" });
  const added: string[] = [];
  const keywords = messages.map((message) => {
    const folded = foldKeywords(cleanKeywords(message.keywords), [...box.keywords, ...added]);
    added.push(...folded.added);
    return [...folded.keywords].sort();
  });
  const batch = messages.map((message) => ({ ...message, flags: message.flags & FLAGS_ALL }));
  const [answer] = await tx.query<AppendAnswer>(
    appendStatement(batch, { keywords, added, skipLocked: false }),
  ).catch((error) => {
    throw refuseOutOfUids(error);
  });
  if (answer?.stored.length !== messages.length) throw new Error("Cannot have stored a part");
  const { firstUid, uidValidity, modseq } = answer;
  return messages.map((_, at) => ({
    uid: firstUid + at as Appended["uid"],
    uidValidity,
    modseq,
    duplicate: false,
  }));
}
