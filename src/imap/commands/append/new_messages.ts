import type { AccessibleMailbox } from "../../../auth/mailbox_access.ts";
import { objectKey } from "../../../blobs/blobs.ts";
import type { NewMessage } from "../../../store/messages.ts";
import { flagRights } from "../../flag_rights.ts";
import type { AppendContext } from "./append_message.ts";
import type { Upload } from "./uploads.ts";

/** Bodies that are written at once: WHY: each waits for the disk, which does many at a time. */
const PUTS_MAX = 8;

/** Stores the bodies, durably; what comes back makes messages of them. */
export async function newMessages(
  uploads: readonly Upload[],
  target: AccessibleMailbox,
  context: AppendContext,
): Promise<NewMessage[]> {
  const messages: NewMessage[] = [];
  for (let at = 0; at < uploads.length; at += PUTS_MAX) {
    const stored = await Promise.allSettled(
      uploads.slice(at, at + PUTS_MAX).map((upload) => newMessage(upload, target, context)),
    );
    for (const result of stored) {
      if (result.status === "rejected") throw result.reason;
      messages.push(result.value);
    }
  }
  return messages;
}

async function newMessage(
  { facts, spooled, flags, keywords, internalDate }: Upload,
  { id, accountId, owner, rights }: AccessibleMailbox,
  { services: { blobs, config: { durability } } }: AppendContext,
): Promise<NewMessage> {
  const key = objectKey(owner, spooled.hash);
  const pending = await blobs.put(key, spooled, { durability });
  // RFC 4314 §4: flags without the right to them are left out, and the message is appended.
  const settable = flagRights(rights);
  return {
    mailbox: id,
    accountId,
    hash: spooled.hash,
    objectKey: key,
    facts,
    internalDate,
    flags: flags & settable.flags,
    keywords: settable.keywords ? keywords : [],
    deliveryKey: null,
    pending,
  };
}
