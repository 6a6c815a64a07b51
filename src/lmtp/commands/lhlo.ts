import { command } from "../command.ts";
import { wireError } from "../replies.ts";

/** RFC 5321 §4.1.3 Domain or address-literal, and what clients send instead; nothing a header could trip over. */
const HELO = /^[A-Za-z0-9._:[\]-]{1,255}$/;

/** LHLO: RFC 2033 §4.1, RFC 5321 §4.1.1.1. Also ends a transaction, as RSET does: RFC 5321 §4.1.4. */
export const lhlo = command("LHLO", {
  states: ["connected", "ready", "mail", "rcpt", "bdat"],
  keywords: () => ["PIPELINING", "ENHANCEDSTATUSCODES"],
  parse(args) {
    const helo = args.trim();
    if (!HELO.test(helo)) throw wireError(501, "5.5.4", "Say LHLO and your name");
    return { helo };
  },
  async execute({ helo }, { config, keywords, enter }) {
    enter({ state: "ready", helo });
    return { code: 250, enhanced: null, lines: [config.hostname, ...keywords()] };
  },
});
