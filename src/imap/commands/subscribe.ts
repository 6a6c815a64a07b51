import { command } from "../command.ts";

/** SUBSCRIBE: RFC 3501 §6.3.6. The mailbox need not exist. */
export const subscribe = command("SUBSCRIBE", {
  states: ["authenticated", "selected"],
  parse: (wire) => wire.sp().mailbox(),
  async execute(name, { session: { user }, services: { mailboxes } }) {
    await mailboxes.subscribe(user.accountId, name);
  },
});
