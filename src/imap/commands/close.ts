import { command } from "../command.ts";

/** CLOSE: RFC 3501 §6.4.2. Expunges without saying so, unless the mailbox was EXAMINEd. */
export const close = command("CLOSE", {
  states: ["selected"],
  parse: () => null,
  async execute(_args, { session: { user, view }, services, enter }) {
    const { mailbox, readOnly, count, allUids } = view;
    if (!readOnly && count > 0) await services.messages.expunge(mailbox.id, allUids);
    enter({ state: "authenticated", user });
  },
});
