import { command } from "../command.ts";
import { mailboxToOpen, openMailbox } from "./select.ts";

/** EXAMINE: RFC 3501 §6.3.2. SELECT that changes nothing, \Recent included. */
export const examine = command("EXAMINE", {
  states: ["authenticated", "selected"],
  parse: mailboxToOpen,
  execute: (name, context) => openMailbox(name, { readOnly: true }, context),
});
