import { command } from "../command.ts";
import { reply } from "../replies.ts";

/** NOOP, with or without an argument: RFC 5321 §4.1.1.9. */
export const noop = command("NOOP", {
  states: ["connected", "ready", "mail", "rcpt", "bdat"],
  parse: () => ({}),
  execute: async () => reply(250, "2.0.0", "Ok"),
});
