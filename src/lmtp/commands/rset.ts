import { command } from "../command.ts";
import { reply } from "../replies.ts";
import { readyAgain } from "../transaction.ts";
import { readNothing } from "../wire/arguments.ts";

/** RSET: RFC 5321 §4.1.1.5. */
export const rset = command("RSET", {
  states: ["connected", "ready", "mail", "rcpt", "bdat"],
  parse: readNothing,
  async execute(_args, { session, enter }) {
    if (session.state !== "connected") enter(readyAgain(session));
    return reply(250, "2.0.0", "Ok");
  },
});
