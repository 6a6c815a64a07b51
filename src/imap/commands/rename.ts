import { command } from "../command.ts";

/** RENAME: RFC 3501 §6.3.5. What is below the mailbox goes with it; INBOX is emptied instead. */
export const rename = command("RENAME", {
  states: ["authenticated", "selected"],
  parse: (wire) => ({ from: wire.sp().mailbox(), to: wire.sp().mailbox() }),
  async execute({ from, to }, { session: { user }, services: { mailboxes } }) {
    await mailboxes.rename(user.accountId, from, to);
  },
});
