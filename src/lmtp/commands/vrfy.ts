import { command } from "../command.ts";
import { reply, wireError } from "../replies.ts";

/** VRFY: RFC 5321 §3.5.3, §7.3: RCPT tells who is known, this command tells nobody. */
export const vrfy = command("VRFY", {
  states: ["connected", "ready", "mail", "rcpt", "bdat"],
  parse(args) {
    if (args.trim() === "") throw wireError(501, "5.5.4", "Say VRFY and an address");
  },
  execute: async () => reply(252, "2.5.2", "Send some mail, I will try my best"),
});
