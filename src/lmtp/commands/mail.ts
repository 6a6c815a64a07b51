import { Refused } from "../../lib/refused.ts";
import { command } from "../command.ts";
import { type Reply, reply, wireError } from "../replies.ts";
import type { Envelope } from "../session.ts";
import { type Parameters, readPathCommand } from "../wire/arguments.ts";

/** MAIL: RFC 5321 §4.1.1.2, with SIZE (RFC 1870), BODY (RFC 6152) and SMTPUTF8 (RFC 6531). */
export const mail = command("MAIL", {
  states: ["ready"],
  keywords: (config) => [`SIZE ${config.maxMessageSizeBytes}`, "8BITMIME", "SMTPUTF8"],
  parse(args): Envelope {
    const { path, parameters } = readPathCommand(args, { word: "FROM", enhanced: "5.1.7" });
    const smtpUtf8 = parameters.has("SMTPUTF8");
    // RFC 6531 §3.5: without the parameter, no address of the transaction has UTF-8 in it.
    if (!path.isAscii && !smtpUtf8) throw wireError(553, "5.6.7", "UTF-8 address without SMTPUTF8");
    return { sender: path, sizeBytes: readParameters(parameters), smtpUtf8 };
  },
  async execute(envelope, { session, config, enter }): Promise<Reply> {
    const limitBytes = config.maxMessageSizeBytes;
    // RFC 1870 §6.1: no need to send what will not be taken.
    if (envelope.sizeBytes > limitBytes) throw new Refused({ kind: "too-big", limitBytes });
    enter({ state: "mail", helo: session.helo, envelope });
    return reply(250, "2.1.0", "Sender ok");
  },
});

/** Checks every parameter and gives SIZE. RFC 5321 §4.1.1.11: 555 for one that LHLO did not name. */
function readParameters(parameters: Parameters): number {
  for (const [name, value] of parameters) {
    const known = KNOWN.get(name);
    if (!known) throw wireError(555, "5.5.4", "A parameter is unknown");
    if (!known.test(value)) throw wireError(501, "5.5.4", `Cannot read the value of ${name}`);
  }
  return Number(parameters.get("SIZE") ?? 0);
}

const KNOWN: ReadonlyMap<string, RegExp> = new Map([
  ["SIZE", /^\d{1,20}$/],
  ["BODY", /^(?:7BIT|8BITMIME)$/i],
  ["SMTPUTF8", /^$/],
]);
