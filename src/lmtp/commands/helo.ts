import { type Command, command } from "../command.ts";
import { reply } from "../replies.ts";

/** HELO and EHLO are SMTP; whoever says them is not talking to whom it thinks: RFC 2033 §4.1. */
export const helo: Command = smtpOnly("HELO");
export const ehlo: Command = smtpOnly("EHLO");

function smtpOnly(name: string): Command {
  return command(name, {
    states: ["connected", "ready", "mail", "rcpt", "bdat"],
    parse: () => ({}),
    execute: async () => reply(500, "5.5.1", "This is LMTP, say LHLO"),
  });
}
