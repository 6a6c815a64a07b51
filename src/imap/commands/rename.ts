import { DELIMITER } from "../../store/mailbox_name.ts";
import { command } from "../command.ts";

/**
 * RENAME: RFC 3501 §6.3.5. What is below the mailbox goes with it, also when there is no mailbox of
 * that name any more; INBOX is emptied instead.
 */
export const rename = command("RENAME", {
  states: ["authenticated", "selected"],
  parse: (wire) => ({ from: wire.sp().mailbox(), to: wire.sp().mailbox() }),
  async execute({ from, to }, { session: { user }, services: { access }, reply, enabled }) {
    const { name, isMailbox } = await access.rename(user, from, to);
    if (!enabled.rev2) return;
    // RFC 9051 §6.3.6: who speaks IMAP4rev2 is told the name that it was before.
    const attributes = isMailbox
      ? (await access.find(user, name)).specialUse ?? ""
      : "\\NonExistent \\HasChildren";
    const oldName = from.toUpperCase() === "INBOX" ? "" : ` ("OLDNAME" (${reply.mailbox(from)}))`;
    reply.untagged(`LIST (${attributes}) "${DELIMITER}" ${reply.mailbox(name)}${oldName}`);
  },
});
