import { command } from "../command.ts";

/** UNSUBSCRIBE: RFC 3501 §6.3.7. */
export const unsubscribe = command("UNSUBSCRIBE", {
  states: ["authenticated", "selected"],
  parse: (wire) => wire.sp().mailbox(),
  async execute(name, { session: { user }, services: { mailboxes } }) {
    await mailboxes.unsubscribe(user.accountId, name);
  },
});
