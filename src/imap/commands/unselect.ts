import { command } from "../command.ts";

/** UNSELECT: RFC 3691 §2. CLOSE that expunges nothing. */
export const unselect = command("UNSELECT", {
  states: ["selected"],
  capability: "UNSELECT",
  parse: () => null,
  async execute(_args, { session: { user }, enter }) {
    enter({ state: "authenticated", user });
  },
});
