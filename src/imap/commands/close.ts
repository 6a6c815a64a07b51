import { Refused } from "../../lib/refused.ts";
import { command } from "../command.ts";

/**
 * CLOSE: RFC 3501 §6.4.2. Expunges without saying so, unless the mailbox was EXAMINEd or the user may
 * not (RFC 4314 §4). A mailbox that somebody has deleted meanwhile is closed like any other.
 */
export const close = command("CLOSE", {
  states: ["selected"],
  parse: () => null,
  async execute(_args, { session: { user, view }, services, enter }) {
    const { mailbox, readOnly, count, allUids } = view;
    if (!readOnly && count > 0 && mailbox.rights.has("e")) {
      await services.messages.expunge(mailbox.id, allUids).catch(unlessGone);
    }
    enter({ state: "authenticated", user });
  },
});

function unlessGone(error: unknown): void {
  if (!(error instanceof Refused && error.refusal.kind === "gone")) throw error;
}
