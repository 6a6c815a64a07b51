import { command } from "../command.ts";
import { logIn } from "../log_in.ts";
import { asUtf8 } from "../wire/scanner.ts";

/**
 * LOGIN: RFC 3501 §6.2.3.
 *
 *     login = "LOGIN" SP userid SP password           both astring, here UTF-8 (RFC 9051 §6.2.3)
 */
export const login = command("LOGIN", {
  states: ["greeted"],
  parse: (wire) => ({
    userid: asUtf8(wire.sp().astring()),
    password: asUtf8(wire.sp().astring()),
  }),
  execute: (credentials, context) => logIn(credentials, context),
});
