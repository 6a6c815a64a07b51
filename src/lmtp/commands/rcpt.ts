import { parseAddress } from "../../lib/address.ts";
import { Refused } from "../../lib/refused.ts";
import type { Recipient } from "../../store/accounts.ts";
import { command, type Context } from "../command.ts";
import { reply, wireError } from "../replies.ts";
import { readPathCommand } from "../wire/arguments.ts";
import type { Path } from "../wire/path.ts";

/** RCPT: RFC 5321 §4.1.1.3. Answers for the account behind the address, `+detail` or not. */
export const rcpt = command("RCPT", {
  states: ["mail", "rcpt"],
  parse(args) {
    const { path, parameters } = readPathCommand(args, { word: "TO", enhanced: "5.1.3" });
    if (path.text === "") throw wireError(501, "5.1.3", "A recipient is needed");
    if (parameters.size > 0) throw wireError(555, "5.5.4", "A parameter is unknown");
    return { path };
  },
  async execute({ path }, context) {
    const { session, config, enter } = context;
    const { helo, envelope } = session;
    if (!path.isAscii && !envelope.smtpUtf8) {
      throw wireError(553, "5.6.7", "UTF-8 address without SMTPUTF8");
    }
    const accepted = session.state === "rcpt" ? session.accepted : [];
    if (accepted.length >= config.maxRecipients) {
      return reply(452, "4.5.3", "Too many recipients for one message");
    }
    const recipient = await find(path, context);
    if (!recipient) throw new Refused({ kind: "no-such-account" });
    if (recipient.isFull) throw new Refused({ kind: "over-quota" });
    enter({ state: "rcpt", helo, envelope, accepted: [...accepted, { path, recipient }] });
    return reply(250, "2.1.5", "Recipient ok");
  },
});

async function find(path: Path, { services }: Context): Promise<Recipient | null> {
  // WHY: parseAddress drops white space and quotes around a name; here both are part of the name.
  if (/[\s"]/.test(path.local)) return null;
  const address = parseAddress(`${path.local}@${path.domain}`);
  return address && await services.accounts.recipient(address.base);
}
