import { command } from "../command.ts";
import { openMailbox, toOpen } from "./select.ts";

/** EXAMINE: RFC 3501 §6.3.2. SELECT that changes nothing, \Recent included. */
export const examine = command("EXAMINE", {
  states: ["authenticated", "selected"],
  parse: toOpen,
  execute: (wanted, context) => openMailbox(wanted, { readOnly: true }, context),
});
