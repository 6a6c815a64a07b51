import type { AccessibleMailbox } from "../../../auth/mailbox_access.ts";
import { NUMBER_MAX, type Sequence, type Uid } from "../../../lib/ids.ts";
import { NumberSet } from "../../../lib/number_set.ts";
import type { MessageStore } from "../../../store/messages.ts";
import type { View } from "../../view/view.ts";

/** Where is searched: what the selected mailbox's view is for SEARCH. */
export type SearchScope =
  & Pick<View, "messages" | "numberOf" | "uids" | "recentUids">
  & { readonly mailbox: Pick<AccessibleMailbox, "id"> };

/** A mailbox that is not selected: whatever is in it, by UIDs only (RFC 7377 §2.1). */
export function mailboxScope(
  mailbox: Pick<AccessibleMailbox, "id" | "uidNext" | "recentUid">,
  messages: MessageStore,
): SearchScope {
  return {
    mailbox,
    messages,
    // WHY: no number is ever told, so that any does.
    numberOf: () => 1 as Sequence,
    uids: (set, byUid) =>
      byUid && !set.isSaved ? set.resolve(mailbox.uidNext - 1 as Uid) : NumberSet.of<Uid>([]),
    recentUids: NumberSet.of([[mailbox.recentUid, NUMBER_MAX as Uid]]),
  };
}
