import { command } from "../command.ts";

/**
 * UNAUTHENTICATE: RFC 8437 §3. Everything is as after the greeting, but for what ID told us; a selected
 * mailbox is left without an expunge. There is no NO: whoever cannot go back has to be sent away.
 */
export const unauthenticate = command("UNAUTHENTICATE", {
  states: ["authenticated", "selected"],
  capability: "UNAUTHENTICATE",
  parse: () => null,
  async execute(_args, { enter, compression }) {
    enter({ state: "greeted" });
    return { afterwards: () => compression.stop() };
  },
});
