import { command } from "../command.ts";
import { reply } from "../replies.ts";
import { readNothing } from "../wire/arguments.ts";

/** QUIT: RFC 5321 §4.1.1.10. */
export const quit = command("QUIT", {
  states: ["connected", "ready", "mail", "rcpt", "bdat"],
  parse: readNothing,
  async execute(_args, { enter, config }) {
    enter({ state: "closed" });
    return reply(221, "2.0.0", `${config.hostname} closing connection`);
  },
});
