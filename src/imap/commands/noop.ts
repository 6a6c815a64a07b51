import { command } from "../command.ts";

/** NOOP: RFC 3501 §6.1.2. What changed is told after it, as after every command. */
export const noop = command("NOOP", {
  states: ["greeted", "authenticated", "selected"],
  parse: () => null,
  async execute(_args, { session }) {
    if (session.state === "selected") session.view.recheck();
  },
});
