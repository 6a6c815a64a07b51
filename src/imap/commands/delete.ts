import { command } from "../command.ts";

/** DELETE: RFC 3501 §6.3.4. */
export const deleteCommand = command("DELETE", {
  states: ["authenticated", "selected"],
  parse: (wire) => wire.sp().mailbox(),
  async execute(name, { session: { user }, services: { mailboxes } }) {
    await mailboxes.delete(user.accountId, name);
  },
});
