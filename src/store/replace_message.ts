import type { MailboxId, Uid } from "../lib/ids.ts";
import { NumberSet } from "../lib/number_set.ts";
import { Refused } from "../lib/refused.ts";
import { appendAll } from "./append_all.ts";
import type { Transaction } from "./database.ts";
import { expunge } from "./expunge.ts";
import { lockMailboxes } from "./lock_mailboxes.ts";
import type { Appended, Expunged, NewMessage } from "./message.ts";

/** What REPLACE did: RFC 8508. */
export interface Replaced {
  readonly appended: Appended;
  readonly expunged: Expunged;
}

/**
 * Adds a message and removes another one, perhaps of another mailbox, both or neither. Throws
 * `message-gone` when that one is not there any more, and like `appendAll`.
 */
export async function replaceMessage(
  tx: Transaction,
  { from, uid, message }: {
    readonly from: MailboxId;
    readonly uid: Uid;
    readonly message: NewMessage;
  },
): Promise<Replaced> {
  await lockMailboxes(tx, [from, message.mailbox]);
  // WHY: first, as only the net growth counts for the quota (RFC 8508 §3.4).
  const expunged = await expunge(tx, from, NumberSet.from([uid]), { onlyDeleted: false });
  if (expunged.expunged.isEmpty) throw new Refused({ kind: "message-gone" });
  const [appended] = await appendAll(tx, [message]);
  if (!appended) throw new Error("Cannot have appended nothing");
  return { appended, expunged };
}
