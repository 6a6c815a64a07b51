import type { MailboxId, Uid } from "../lib/ids.ts";
import { NumberSet } from "../lib/number_set.ts";
import { Refused } from "../lib/refused.ts";
import { cleanKeywords, FLAGS_ALL, KEYWORDS_PER_MESSAGE_MAX } from "../store/flags.ts";
import type { MessageStore } from "../store/messages.ts";
import type { SourceMessage } from "./source.ts";

/**
 * Gives messages that were imported before, with their UIDs, the flags that the source has now; answers
 * how many had others.
 */
export async function updateFlags(
  messages: Pick<MessageStore, "storeFlags">,
  mailbox: MailboxId,
  known: readonly SourceMessage[],
): Promise<number> {
  let updated = 0;
  for (const [, same] of Map.groupBy(known, keyOf)) {
    const [first] = same;
    if (!first) continue;
    const uids = NumberSet.from(same.flatMap(({ uid }): Uid[] => uid === null ? [] : [uid]));
    const keywords = cleanKeywords(first.keywords.slice(0, KEYWORDS_PER_MESSAGE_MAX));
    const change = { mode: "replace", flags: first.flags, keywords } as const;
    const { stored } = await messages.storeFlags(mailbox, uids, change).catch((error) => {
      const isTooMany = error instanceof Refused && error.refusal.kind === "too-many-keywords";
      if (!isTooMany) throw error;
      // WHY: a mailbox with too many labels is no reason to leave mail unread.
      const within = { flags: FLAGS_ALL, keywords: false };
      return messages.storeFlags(mailbox, uids, { ...change, keywords: [], within });
    });
    updated += stored.filter(({ modseq, previousModseq }) => modseq !== previousModseq).length;
  }
  return updated;
}

/** WHY: one statement for all messages of the same flags. */
function keyOf({ flags, keywords }: SourceMessage): string {
  return [flags, ...keywords.map((keyword) => keyword.toLowerCase()).sort()].join(" ");
}
