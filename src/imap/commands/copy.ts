import { NumberSet } from "../../lib/number_set.ts";
import type { Copied } from "../../store/messages.ts";
import { command, type Completion } from "../command.ts";

/** COPY and UID COPY: RFC 3501 §6.4.7, all messages or none. */
export const copy = command("COPY", {
  states: ["selected"],
  uid: true,
  tryCreate: true,
  parse: (wire) => ({ set: wire.sp().sequenceSet(), target: wire.sp().mailbox() }),
  async execute({ set, target }, { session: { user, view }, services, uid }): Promise<Completion> {
    const uids = view.uids(set, uid);
    const { id, accountId } = await services.access.find(user, target, ["i"]);
    // RFC 3501 §6.4.8: UIDs that do not exist are ignored without any error.
    if (uids.isEmpty) return {};
    const copied = await services.messages.copy(view.mailbox.id, uids, id, accountId);
    const code = copyUid(copied);
    return code ? { code } : {};
  },
});

/**
 * Null when nothing was copied: each set names at least one message.
 *
 *     resp-code-copy = "COPYUID" SP nz-number SP uid-set SP uid-set         RFC 4315 §4
 */
export function copyUid({ uidValidity, source, target }: Copied): string | null {
  if (source.length === 0) return null;
  return `COPYUID ${uidValidity} ${NumberSet.from(source)} ${NumberSet.from(target)}`;
}
