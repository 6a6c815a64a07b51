import { parseSaslPlain } from "../../auth/sasl_plain.ts";
import { Refused } from "../../lib/refused.ts";
import { isDisabled } from "../capability_config.ts";
import { command } from "../command.ts";
import { type Credentials, logIn } from "../log_in.ts";
import { WireError } from "../wire/wire_error.ts";

/**
 * AUTHENTICATE PLAIN: RFC 3501 §6.2.2, RFC 4616; with initial response RFC 4959.
 *
 *     authenticate = "AUTHENTICATE" SP auth-type [SP (base64 / "=")] *(CRLF base64)
 */
export const authenticate = command("AUTHENTICATE", {
  states: ["greeted"],
  capability: ["AUTH=PLAIN", "SASL-IR"],
  parse: (wire) => ({
    mechanism: wire.sp().word(),
    initial: wire.maybe(" ") ? wire.base64() : null,
  }),
  async execute({ mechanism, initial }, context) {
    const disabled = isDisabled(`AUTH=${mechanism}`, context.services.config);
    if (mechanism !== "PLAIN" || disabled) {
      throw new Refused({ kind: "unsupported", what: "mechanism" });
    }
    if (!context.loginAllowed) throw new Refused({ kind: "login-disabled" });
    let response = initial;
    if (response === null) {
      context.reply.continuation("");
      response = await context.nextLine();
      // RFC 3501 §6.2.2: a single "*" cancels, and is answered with BAD.
      if (response === "*") throw WireError.because("Authentication cancelled");
    }
    return await logIn(readPlain(response), context);
  },
});

/** WHY: what is no PLAIN message is answered like a wrong password, so that nothing is learnt. */
function readPlain(base64: string): Credentials {
  const message = parseSaslPlain(decode(base64));
  // RFC 4616 §2: nobody may act for somebody else here.
  if (!message || (message.authzid !== "" && message.authzid !== message.authcid)) {
    return { userid: null, password: null };
  }
  return { userid: message.authcid, password: message.password };
}

function decode(base64: string): Uint8Array {
  try {
    // RFC 4959 §3: "=" stands for an initial response that is empty.
    return base64 === "=" ? new Uint8Array(0) : Uint8Array.fromBase64(base64);
  } catch {
    throw WireError.because("Expected base64");
  }
}
